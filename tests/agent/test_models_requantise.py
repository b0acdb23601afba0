"""The faster copy of a language model."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.models.requantise import FasterCopy
from pipeline.errors import ModelError


@pytest.fixture
def copy(tmp_path: Path) -> FasterCopy:
    return FasterCopy(tmp_path / "derived", "a" * 64, "q4_0")


@pytest.mark.models
def test_a_copy_is_trusted_only_as_it_was_written(copy: FasterCopy, llm_file: Path):
    """It is good once made, not before, and not after a byte of it has changed."""
    assert not copy.is_good()
    copy.make(llm_file, threads=1)
    assert copy.is_good()
    with copy.path.open("r+b") as file:
        file.seek(1000)
        file.write(b"?")
    assert not copy.is_good()


def test_another_source_makes_another_copy(copy: FasterCopy):
    """The name tells what it was made from and what it became."""
    assert copy.path.name == "q4_0-aaaaaaaaaaaa.gguf"
    assert FasterCopy(copy.folder, "b" * 64, "q4_0").path != copy.path


def test_a_file_that_is_no_model_is_refused(copy: FasterCopy, tmp_path: Path):
    """The error names it and nothing is left behind."""
    source = tmp_path / "model.gguf"
    source.write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"model\.gguf"):
        copy.make(source, threads=1)
    assert list(copy.folder.iterdir()) == []

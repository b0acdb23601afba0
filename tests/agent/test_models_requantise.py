"""The faster copy of a language model."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import llama_cpp
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
    """The error names it and nothing is left behind but the lock."""
    source = tmp_path / "model.gguf"
    source.write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"model\.gguf"):
        copy.make(source, threads=1)
    assert [path.name for path in copy.folder.iterdir()] == ["lock"]


def test_two_at_once_rewrite_once(copy: FasterCopy, monkeypatch: pytest.MonkeyPatch):
    """The second waits for the first and takes its copy.

    A fake rewrites the weights: what llama.cpp does in a minute does not matter here.
    """
    second_rewriting = threading.Barrier(2)

    def quantise(source: bytes, target: bytes, options: object) -> int:
        with contextlib.suppress(threading.BrokenBarrierError):
            second_rewriting.wait(timeout=0.5)  # time enough to do so, if nothing forbids it
        with Path(target.decode()).open("ab") as file:
            file.write(b"weights")
        return 0

    monkeypatch.setattr(llama_cpp, "llama_model_quantize", quantise)
    with ThreadPoolExecutor(2) as pool:
        for made in [pool.submit(copy.make, Path("model.gguf"), 1) for _ in range(2)]:
            made.result()
    assert second_rewriting.broken
    assert copy.is_good()
    assert copy.path.read_bytes() == b"weights"

"""Checking the weights' files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pipeline.errors import ModelCorruptError, ModelMissingError
from pipeline.tts.chattts.assets import FILES, chattts_key, faults, verify


@pytest.fixture
def folder(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """All files, and the list that names them."""
    hashes = {}
    for file in FILES:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file)
        hashes[file] = hashlib.sha256(file.encode()).hexdigest()
    return tmp_path, hashes


def test_whole_files_are_accepted(folder: tuple[Path, dict[str, str]]):
    """Every file is there and what the list names."""
    assert faults(*folder) == ([], [])
    verify(*folder)


def test_a_missing_file_is_named(folder: tuple[Path, dict[str, str]]):
    """So is the command that brings it."""
    (folder[0] / "asset/gpt/config.json").unlink()
    with pytest.raises(ModelMissingError, match=r"gpt/config\.json.*pull-chattts"):
        verify(*folder)


def test_a_changed_file_is_named(folder: tuple[Path, dict[str, str]]):
    """One byte is enough."""
    (folder[0] / "asset/Vocos.safetensors").write_text("asset/Vocos.safetensorz")
    with pytest.raises(ModelCorruptError, match=r"Vocos\.safetensors"):
        verify(*folder)


def test_files_are_named_as_in_the_list_of_chattts():
    """Folders and dots become underscores."""
    assert chattts_key("asset/gpt/model.safetensors") == "sha256_asset_gpt_model_safetensors"

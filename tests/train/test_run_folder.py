"""A run folder is never overwritten, and knows its whole checkpoints from broken ones."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from train.recipe import Recipe
from train.run_folder import Manifest, RunFolder, mark_complete


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    """An empty one is taken."""
    RunFolder.create(tmp_path / "new")
    (tmp_path / "new" / "file").touch()
    with pytest.raises(ConfigError, match="resume"):
        RunFolder.create(tmp_path / "new")


def test_only_the_owner_can_look_into_a_run(tmp_path):
    """The rows in it are private chats."""
    assert RunFolder.create(tmp_path / "new").path.stat().st_mode & 0o077 == 0


def test_a_folder_without_a_manifest_is_no_run(tmp_path):
    """The message says what is missing."""
    with pytest.raises(ConfigError, match=r"run\.json"):
        RunFolder.open(tmp_path)


def test_a_damaged_manifest_is_said_to_be(tmp_path):
    """Half a file is no manifest."""
    (tmp_path / "run.json").write_text('{"form": 1')
    with pytest.raises(ConfigError, match="cannot be read"):
        _ = RunFolder.open(tmp_path).manifest


def test_the_manifest_of_an_older_run_is_read(tmp_path):
    """It does not say how its rows were parted: by their own words."""
    manifest = Manifest(
        created="2026-01-01T00:00:00+00:00", base="b", base_gguf=None, base_folder="f",
        recipe=Recipe(), preset="p", template_sha256="0", data=(), rows_sha256="0", rows={},
        versions={}, machine="m", parting="originals",
    )  # fmt: skip
    folder = RunFolder(tmp_path)
    folder.save(manifest)
    assert folder.manifest == manifest
    older = json.loads((tmp_path / "run.json").read_text("utf-8"))
    del older["parting"]
    (tmp_path / "run.json").write_text(json.dumps(older), "utf-8")
    assert folder.manifest.parting == "words"


def test_only_whole_checkpoints_are_gone_on_from(tmp_path):
    """The newest by number, not by name; one without its mark is broken."""
    folder = RunFolder(tmp_path)
    for step in (9, 10):
        checkpoint = folder.checkpoints / f"checkpoint-{step}"
        checkpoint.mkdir(parents=True)
        (checkpoint / "weights").write_bytes(b"w")
        mark_complete(checkpoint)
    (folder.checkpoints / "checkpoint-11").mkdir()
    assert folder.last_checkpoint() == folder.checkpoints / "checkpoint-10"
    assert folder.broken_checkpoints() == [folder.checkpoints / "checkpoint-11"]


def _hold(path: Path, held: object, done: object) -> None:
    with RunFolder(path).locked():
        held.set()  # type: ignore[attr-defined]
        done.wait(30)  # type: ignore[attr-defined]


def test_two_processes_do_not_train_in_one_folder(tmp_path):
    """The second is told so at once."""
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path, held, done))
    other.start()
    try:
        assert held.wait(30)
        with pytest.raises(ConfigError, match="another process"), RunFolder(tmp_path).locked():
            pass
    finally:
        done.set()
        other.join()

"""Manifest, verification and the store."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from agent.models import Manifest, ModelStore, load_manifest
from agent.models.verify import Stamp
from pipeline.errors import ConfigError, ModelCorruptError, ModelMissingError

WEIGHTS = b"weights" * 1000


def entry(**changes: Any) -> dict[str, Any]:
    """A valid manifest entry of one file, fetched from a hub."""
    return {
        "name": "tiny",
        "role": "llm",
        "languages": ["en"],
        "licence": "MIT",
        "allows": "Any use.",
        "about": "A test.",
        "entry": "model.bin",
        "files": [
            {
                "path": "model.bin",
                "size_bytes": len(WEIGHTS),
                "sha256": hashlib.sha256(WEIGHTS).hexdigest(),
            }
        ],
        "hub": {"repository": "someone/tiny", "revision": "0" * 40},
        **changes,
    }


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models", Manifest.model_validate({"models": [entry()]}))


@pytest.fixture
def placed(store: ModelStore) -> Path:
    """The model's file, complete."""
    path = store.models_dir / "tiny" / "model.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(WEIGHTS)
    return path


def test_shipped_manifest_is_valid():
    """The package's manifest loads and offers the embedded set."""
    names = {model.name for model in load_manifest().models}
    assert names >= {"whisper-base", "qwen2.5-coder-0.5b", "mandarin-voice", "hibari"}


@pytest.mark.parametrize(
    "changes",
    [
        {"hub": None},
        {"distribution": "numpy"},
        {"entry": "other.bin"},
        {"files": []},
        {"surprise": 1},
        {"hub": {"repository": "someone/tiny", "revision": "main"}},
        {"files": [{"path": "../up", "size_bytes": 1, "sha256": "0" * 64}], "entry": None},
        {"files": [{"path": "/root", "size_bytes": 1, "sha256": "0" * 64}], "entry": None},
        {"files": [{"path": "a", "size_bytes": 1, "sha256": "short"}], "entry": None},
        {
            "hub": None,
            "wheels": [
                {
                    "package": "p",
                    "version": "1",
                    "size_bytes": 1,
                    "sha256": "0" * 64,
                    "members": {"p/x": "not-a-file-of-the-model"},
                }
            ],
        },
    ],
)
def test_users_manifest_is_checked(tmp_path: Path, changes: dict[str, Any]):
    """An entry without one source, a pinned commit or files that stay inside is refused."""
    with pytest.raises(ValueError, match="models"):
        Manifest.model_validate({"models": [entry(**changes)]})


def test_users_entries_come_after_the_packages_own(tmp_path: Path):
    """manifest.toml in the home adds models; a name of the package cannot be taken."""
    own = tmp_path / "manifest.toml"
    text = """
        [[models]]
        name = "{name}"
        role = "llm"
        languages = ["zh"]
        licence = "MIT"
        allows = "Any use."
        about = "Mine."
        hub = {{ repository = "me/mine", revision = "{commit}" }}
        files = [{{ path = "a.gguf", size_bytes = 1, sha256 = "{sha}" }}]
    """
    own.write_text(text.format(name="mine", commit="a" * 40, sha="b" * 64), "utf-8")
    assert load_manifest(own).models[-1].name == "mine"
    own.write_text(text.format(name="whisper-base", commit="a" * 40, sha="b" * 64), "utf-8")
    with pytest.raises(ConfigError, match="whisper-base"):
        load_manifest(own)
    own.write_text("models = [", "utf-8")
    with pytest.raises(ConfigError, match="TOML"):
        load_manifest(own)


def test_complete_model_has_a_path(store: ModelStore, placed: Path):
    """A verified model gives its entry file."""
    assert store.path("tiny") == placed
    assert store.locate("tiny") == placed


def test_missing_model_names_the_remedy(store: ModelStore):
    """The error of a missing model is the command that brings it."""
    with pytest.raises(ModelMissingError, match="qingting models pull tiny"):
        store.path("tiny")


def test_unknown_name_lists_the_known(store: ModelStore):
    """An unknown name is answered with those there are."""
    with pytest.raises(ModelMissingError, match="tiny"):
        store.path("huge")


@pytest.mark.parametrize("damage", [WEIGHTS[:-1], WEIGHTS[:-1] + b"X", b""])
def test_damaged_model_is_never_opened(store: ModelStore, placed: Path, damage: bytes):
    """Cut short or changed in one byte, before or after it was verified, a model is refused."""
    placed.write_bytes(damage)
    with pytest.raises(ModelCorruptError, match=r"model\.bin"):
        store.path("tiny")
    placed.write_bytes(WEIGHTS)
    assert store.path("tiny") == placed
    placed.write_bytes(damage)
    os.utime(placed, ns=(1, 1))
    with pytest.raises(ModelCorruptError):
        store.path("tiny")


def test_stamped_file_is_not_read_again(store: ModelStore, placed: Path):
    """Same size and time of change as stamped: trusted, unless all is to be hashed."""
    status = placed.stat()
    assert store.status("tiny").state == "present"
    placed.write_bytes(b"X" * len(WEIGHTS))
    os.utime(placed, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert store.status("tiny").state == "present"
    assert store.status("tiny", full=True).state == "corrupt"
    assert store.status("tiny").state == "corrupt"


@pytest.mark.parametrize("content", ["", "[]", "{", '{"model.bin": 3}'])
def test_unreadable_stamp_counts_as_none(store: ModelStore, placed: Path, content: str):
    """A broken stamp costs hashing, nothing else."""
    stamp = store.models_dir / ".verified" / "tiny.json"
    stamp.parent.mkdir(parents=True)
    stamp.write_text(content, "utf-8")
    assert store.status("tiny").state == "present"


def test_stamp_of_an_older_manifest_is_not_trusted(store: ModelStore, placed: Path):
    """When the manifest names another hash, the file is read again."""
    file = store.manifest.get("tiny").files[0]
    path = store.models_dir / ".verified" / "tiny.json"
    assert Stamp(path).state(placed.parent, file) == "present"
    other = file.model_copy(update={"sha256": "0" * 64})
    assert Stamp(path).state(placed.parent, other) == "corrupt"


def test_own_paths_pass_unverified(store: ModelStore, tmp_path: Path):
    """A path of the user's own is taken as it is; a wrong one lists the known names."""
    own = tmp_path / "own.gguf"
    own.touch()
    assert store.locate(str(own)) == own
    with pytest.raises(ModelMissingError, match="tiny"):
        store.locate(str(tmp_path / "absent.gguf"))


def test_a_known_models_path_stands_for_its_faster_copy(tmp_path: Path):
    """A run notes its base as a path; a file of the user's own is taken as it is."""
    known = Manifest.model_validate({"models": [entry(requantise="iq4_nl")]})
    store = ModelStore(tmp_path / "models", known)
    path = store.models_dir / "tiny" / "model.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(WEIGHTS)
    own = tmp_path / "own.gguf"
    own.write_bytes(WEIGHTS)
    assert store.fastest(str(path)) == path
    copy = store.faster_copy("tiny")
    assert copy is not None
    copy.folder.mkdir(parents=True)
    copy.path.write_bytes(b"copy")
    note = {"path": copy.path.name, "size_bytes": 4, "sha256": hashlib.sha256(b"copy").hexdigest()}
    copy.path.with_suffix(".json").write_text(json.dumps(note), "utf-8")
    assert store.fastest("tiny") == store.fastest(str(path)) == copy.path
    assert store.fastest(str(own)) == own
    path.write_bytes(WEIGHTS[::-1])
    assert store.fastest(str(path)) == path


def test_bundled_models_lie_in_their_package(tmp_path: Path):
    """Models that come with a dependency are verified where it is installed."""
    path = ModelStore(tmp_path / "models").path("silero-vad")
    assert path.name == "silero_vad.onnx"


def test_bundled_model_without_its_package_is_missing(tmp_path: Path):
    """A distribution that is not installed is a missing model, not a crash."""
    manifest = Manifest.model_validate(
        {"models": [entry(hub=None, distribution="no-such-distribution")]}
    )
    with pytest.raises(ModelMissingError, match="pip install"):
        ModelStore(tmp_path / "models", manifest).path("tiny")

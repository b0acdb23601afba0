"""The folder of a training run: everything that was decided, and everything that came out.

RUN/
  run.json               base, recipe, data with hashes, versions, state   (see `Manifest`)
  rows.txt               one row, learned tokens between ⟦ and ⟧
  data/                  the very rows of training and validation, as JSONL
  start/                 the adapter of the run that this one goes on from, if it does
  checkpoints/           what `resume` continues from; `.complete` marks a whole one
  trainer_log.jsonl      one line a logged step
  trainer_state.json, train_results.json, all_results.json, training_args.bin
  training_loss.png, training_eval_loss.png
  adapter_config.json, adapter_model.safetensors, tokenizer…   for PEFT and LLaMA-Factory
  model/                 instead of those, after full fine-tuning
  adapter.gguf           for the call
  README.md              model card
  eval/, export/         made later
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

import filelock
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import ConfigError
from train.recipe import Recipe

RunState: TypeAlias = Literal["new", "running", "interrupted", "finished", "failed"]
Parting: TypeAlias = Literal["words", "originals"]

MANIFEST = "run.json"
COMPLETE = ".complete"


class DataFile(BaseModel):
    """One file that was learned from."""

    model_config = ConfigDict(frozen=True)

    path: str
    role: Literal["training", "validation"]
    sha256: str
    records: int


class Manifest(BaseModel):
    """`run.json`.

    Attributes:
        base: As the user named it, made absolute if it is a path.
        base_gguf: File that a call loads beside the adapter; None for other bases.
        base_folder: Model folder that was trained from.
        started_from: Run whose adapter was gone on from, and the hash of its weights.
        template_sha256: Of the chat template.
        data: Files given, with what they held.
        rows_sha256: Of the rows made of them; resuming refuses others.
        pii_forced: Whether training went on although personal data was found.
        canaries: Invented secrets planted, drawn from the recipe's seed.
        parting: How validation rows were held back, see `train.rows.hold_out`; runs of before
            it was noted went by each record's own words.
    """

    model_config = ConfigDict(frozen=True)

    form: Literal[1] = 1
    state: RunState = "new"
    created: str
    base: str
    base_gguf: str | None
    base_folder: str
    started_from: str | None = None
    started_sha256: str | None = None
    recipe: Recipe
    preset: str
    template_sha256: str
    data: tuple[DataFile, ...]
    rows_sha256: str
    rows: dict[str, int]
    versions: dict[str, str]
    machine: str
    pii_forced: bool = False
    canaries: int = 0
    parting: Parting = "words"
    warnings: tuple[str, ...] = ()


class RunFolder:
    """One run on disk.

    Args:
        path: Its folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path / "data"
        self.start = path / "start"
        self.checkpoints = path / "checkpoints"
        self.log = path / "trainer_log.jsonl"
        self.adapter_gguf = path / "adapter.gguf"
        self.model = path / "model"
        self.export = path / "export"
        self.eval = path / "eval"

    @classmethod
    def create(cls, path: Path) -> RunFolder:
        """A folder for a new run, which only its owner can look into: its rows are private chats.

        Raises:
            ConfigError: There is something at `path` already, or it cannot be made.
        """
        refuse_existing(path)
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{path} cannot be made: {error.strerror}") from error
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """An existing run.

        Raises:
            ConfigError: There is none at `path`.
        """
        if not (path / MANIFEST).is_file():
            raise ConfigError(f"{path} is no run folder: it has no {MANIFEST}")
        return cls(path)

    @property
    def manifest(self) -> Manifest:
        """What `run.json` says.

        Raises:
            ConfigError: It is damaged.
        """
        try:
            return Manifest.model_validate_json((self.path / MANIFEST).read_text("utf-8"))
        except (OSError, ValidationError) as error:
            raise ConfigError(f"{self.path / MANIFEST} cannot be read") from error

    def save(self, manifest: Manifest) -> None:
        """Write `run.json`, whole or not at all."""
        write_json(self.path / MANIFEST, manifest.model_dump(mode="json"))

    def set_state(self, state: RunState) -> None:
        """Note what became of the run."""
        self.save(self.manifest.model_copy(update={"state": state}))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training in this folder.

        Raises:
            ConfigError: One is doing so.
        """
        lock = filelock.FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise ConfigError(f"another process is training in {self.path}") from None
        try:
            yield
        finally:
            lock.release()

    def last_checkpoint(self) -> Path | None:
        """The newest checkpoint that was written to its end, or None."""
        whole = [path.parent for path in self.checkpoints.glob(f"checkpoint-*/{COMPLETE}")]
        return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)

    def broken_checkpoints(self) -> list[Path]:
        """Checkpoints that a kill cut short."""
        return [
            path
            for path in self.checkpoints.glob("checkpoint-*")
            if path.is_dir() and not (path / COMPLETE).is_file()
        ]


def refuse_existing(path: Path) -> None:
    """Check before long work that a run may be made here.

    Raises:
        ConfigError: There is something at `path` already.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ConfigError(
            f"{path} exists already; a run never overwrites another. "
            f"To go on with it: qingting train resume {path}"
        )


def mark_complete(checkpoint: Path) -> None:
    """Note that a checkpoint is whole; its files reach the disk first."""
    for file in checkpoint.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
    (checkpoint / COMPLETE).touch()


def write_json(path: Path, content: Any) -> None:
    """Write JSON beside its place and rename it."""
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "utf-8")
    unfinished.replace(path)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

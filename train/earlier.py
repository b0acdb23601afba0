"""The adapter that a run goes on from: where its learning begins.

It is that of a finished run, or a GGUF as a persona has it, so that what comes with the project
can learn more of its owner's.

So preferences follow dialogues: the first run teaches the manner, the second, `stage=dpo`, which
of two replies in that manner is the better one, and the first is its reference.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError
from train.export.unpack import shape_of, unpack_adapter
from train.recipe import Recipe
from train.run_folder import RunFolder, file_sha256

# What decides the shape and the strength of an adapter; a later run cannot change it.
_OF_THE_ADAPTER = ("rank", "alpha", "targets", "rslora", "dora")
CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True, slots=True)
class Earlier:
    """An adapter that is gone on from.

    Attributes:
        path: Folder of a finished run, or GGUF adapter.
        base_folder: The model that it belongs to.
        shape: Fields of a recipe that its weights decide.
        notes: What is still in the weights, whatever is learnt now.
    """

    path: Path
    base_folder: Path
    shape: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    def recipe(self, later: Recipe) -> Recipe:
        """`later` with an adapter of this shape.

        Raises:
            ConfigError: `later` trains what is no adapter.
        """
        if later.method == "full":
            raise ConfigError(f"{self.path} is an adapter; method=full cannot go on from it")
        return later.model_copy(update=dict(self.shape))

    def copy(self, folder: Path) -> str:
        """Put the adapter into `folder`, which is made: the later run depends on nothing else.

        Returns:
            SHA-256 of the weights there.
        """
        folder.mkdir()
        if self.path.is_file():
            unpack_adapter(self.path, self.base_folder / "config.json", folder)
        else:
            for name in (CONFIG, WEIGHTS):
                shutil.copy2(self.path / name, folder / name)
        return file_sha256(folder / WEIGHTS)


def earlier_adapter(path: Path, base_folder: Path) -> Earlier:
    """The adapter at `path`.

    Args:
        path: Folder of a finished run, or a GGUF adapter such as a persona's.
        base_folder: What the later run trains from.

    Raises:
        ConfigError: There is no finished run, it left no adapter, it had another base, or the
            GGUF is no LoRA of such a base.
        ModelCorruptError: The file is no GGUF.
    """
    if path.is_file():
        found = shape_of(path, base_folder / "config.json")
        shape = {
            "rank": found.rank,
            "alpha": found.alpha,
            "targets": found.targets,
            "rslora": False,  # folded into alpha when the file was written
            "dora": False,
        }
        return Earlier(path, base_folder, shape)
    manifest = RunFolder.open(path).manifest
    if manifest.state != "finished" or not all((path / n).is_file() for n in (CONFIG, WEIGHTS)):
        raise ConfigError(f"{path} has no finished adapter to go on from")
    if Path(manifest.base_folder) != base_folder.resolve():
        raise ConfigError(f"{path} was trained from {manifest.base}; give the same --base")
    notes = [f"{path.name}, which this goes on from: {one}" for one in manifest.warnings]
    if manifest.canaries:
        notes.append(f"{path.name} planted {manifest.canaries} canaries; `eval` it for them")
    shape = {name: getattr(manifest.recipe, name) for name in _OF_THE_ADAPTER}
    return Earlier(path, base_folder, shape, tuple(notes))


def require_unchanged(folder: Path, sha256: str | None) -> None:
    """Check the copy that a run began from: it is what its preferences refer to.

    Raises:
        ConfigError: It is gone, or another.
    """
    weights = folder / WEIGHTS
    if not weights.is_file() or file_sha256(weights) != sha256:
        raise ConfigError(f"the adapter in {folder}, which this run goes on from, has changed")

"""The run that another goes on from: its adapter is where learning begins.

So preferences follow dialogues: the first run teaches the manner, the second, `stage=dpo`, which
of two replies in that manner is the better one, and the first is its reference.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError
from train.recipe import Recipe
from train.run_folder import Manifest, RunFolder, file_sha256

# What decides the shape and the strength of an adapter; a later run cannot change it.
_OF_THE_ADAPTER = ("rank", "alpha", "targets", "rslora", "dora")
CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_FILES = (CONFIG, WEIGHTS)


@dataclass(frozen=True, slots=True)
class Earlier:
    """A finished run whose adapter is gone on from.

    Attributes:
        path: Its folder.
        manifest: Its `run.json`.
    """

    path: Path
    manifest: Manifest

    def recipe(self, later: Recipe) -> Recipe:
        """`later` with an adapter of this run's shape.

        Raises:
            ConfigError: `later` trains what is no adapter.
        """
        if later.method == "full":
            raise ConfigError(f"{self.path} left an adapter; method=full cannot go on from it")
        own = self.manifest.recipe
        shape: dict[str, Any] = {name: getattr(own, name) for name in _OF_THE_ADAPTER}
        return later.model_copy(update=shape)

    def warnings(self) -> list[str]:
        """What is still in the weights, whatever is learnt now."""
        of = self.manifest
        found = [f"{self.path.name}, which this goes on from: {one}" for one in of.warnings]
        if of.canaries:
            found.append(f"{self.path.name} planted {of.canaries} canaries; `eval` it for them")
        return found

    def copy(self, folder: Path) -> str:
        """Put the adapter into `folder`, which is made: the later run depends on nothing else.

        Returns:
            SHA-256 of the weights there.
        """
        folder.mkdir()
        for name in _FILES:
            shutil.copy2(self.path / name, folder / name)
        return file_sha256(folder / WEIGHTS)


def earlier_run(path: Path, base_folder: Path) -> Earlier:
    """The finished run at `path`.

    Args:
        path: Its folder.
        base_folder: What the later run trains from.

    Raises:
        ConfigError: There is no finished run, it left no adapter, or it had another base.
    """
    folder = RunFolder.open(path)
    manifest = folder.manifest
    if manifest.state != "finished" or not all((path / name).is_file() for name in _FILES):
        raise ConfigError(f"{path} has no finished adapter to go on from")
    if Path(manifest.base_folder) != base_folder.resolve():
        raise ConfigError(f"{path} was trained from {manifest.base}; give the same --base")
    return Earlier(path, manifest)


def require_unchanged(folder: Path, sha256: str | None) -> None:
    """Check the copy that a run began from: it is what its preferences refer to.

    Raises:
        ConfigError: It is gone, or another.
    """
    weights = folder / WEIGHTS
    if not weights.is_file() or file_sha256(weights) != sha256:
        raise ConfigError(f"the adapter in {folder}, which this run goes on from, has changed")

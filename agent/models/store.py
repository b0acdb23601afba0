"""Where models lie on disk, and whether they can be loaded.

<home>/models/<name>/<files>           the models
<home>/models/.verified/<name>.json    stamps, see `verify`
<home>/models/.downloads/<name>/       what `fetch` has so far
<home>/models/.derived/<name>/         copies made here, see `requantise`
<home>/manifest.toml                   entries of the user's own
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from agent.models.manifest import Manifest, ModelEntry, load_manifest
from agent.models.requantise import FasterCopy
from agent.models.verify import FileState, Stamp, sha256_of
from pipeline.errors import ModelCorruptError, ModelMissingError

ModelState: TypeAlias = Literal["present", "partial", "missing", "corrupt"]


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model's state and that of each of its files, in manifest order."""

    state: ModelState
    files: tuple[tuple[str, FileState], ...]

    def faults(self) -> list[str]:
        """Files that are missing or corrupt."""
        return [path for path, state in self.files if state != "present"]


class ModelStore:
    """The models of one home folder. Nothing unverified leaves it.

    Args:
        models_dir: `Settings.models_dir`; need not exist.
        manifest: Known models; None takes the package's and the user's own.
    """

    def __init__(self, models_dir: Path, manifest: Manifest | None = None) -> None:
        self.models_dir = models_dir
        self.manifest = manifest or load_manifest(models_dir.parent / "manifest.toml")

    def path(self, name: str) -> Path:
        """What an engine opens: the model's entry file, or its folder.

        Hashes the files at the first use and whenever they changed.

        Raises:
            ModelMissingError: Unknown, or not (completely) there.
            ModelCorruptError: A file is not what the manifest says.
        """
        entry = self.manifest.get(name)
        status = self.status(name)
        if status.state == "corrupt":
            raise ModelCorruptError(
                f"the model {name} is damaged ({', '.join(status.faults())}); run: {_remedy(entry)}"
            )
        if status.state != "present":
            raise ModelMissingError(f"the model {name} is not here yet; run: {_remedy(entry)}")
        root = self.root(entry)
        return root / entry.entry if entry.entry else root

    def locate(self, name_or_path: str) -> Path:
        """`path` for a name of the manifest; anything else is a path of the user's own.

        Raises:
            ModelMissingError: Neither a known name nor an existing path, or not there.
            ModelCorruptError: As `path`.
        """
        if name_or_path not in self.manifest:
            own = Path(name_or_path).expanduser()
            if own.exists():
                return own
        return self.path(name_or_path)

    def fastest(self, name_or_path: str) -> Path:
        """As `locate`, but the faster copy of a language model where there is one.

        The path of a known model's file, such as a training run notes of its base, stands
        for the model. A file of the user's own is taken as it is: they chose its
        quantisation.

        Raises:
            ModelMissingError: As `locate`.
            ModelCorruptError: As `locate`.
        """
        source = self.locate(name_or_path)
        name = self.known_name(name_or_path)
        copy = None if name is None else self.faster_copy(name)
        return copy.path if copy is not None and copy.is_good() else source

    def merged(self, name_or_path: str, adapter: Path) -> Path | None:
        """The faster copy of a language model with an adapter in it; None without a good one.

        Args:
            name_or_path: As for `fastest`.
            adapter: File of the adapter, which need not be there; who loads it names its faults.

        Raises:
            ModelCorruptError: A file of the model cannot be read.
        """
        name = self.known_name(name_or_path)
        if name is None or not adapter.is_file() or self.status(name).state != "present":
            return None
        try:
            copy = self.faster_copy(name, adapter)
        except ModelMissingError:
            return None
        return copy.path if copy is not None and copy.is_good() else None

    def known_name(self, name_or_path: str) -> str | None:
        """Name of the language model that is meant, by its name or by its file, however spelled.

        Returns:
            None for a file of the user's own, and for what is not there or not whole.
        """
        if name_or_path in self.manifest:
            return name_or_path
        file = Path(name_or_path).expanduser()
        for entry in self.manifest.models:
            if entry.role != "llm" or entry.entry is None or entry.distribution:
                continue
            known = self.root(entry) / entry.entry
            if known.is_file() and file.exists() and known.samefile(file):
                return entry.name if self.status(entry.name).state == "present" else None
        return None

    def faster_copy(self, name: str, adapter: Path | None = None) -> FasterCopy | None:
        """Where a model's faster copy belongs; None for one that needs none.

        Args:
            name: Of the model.
            adapter: LoRA that the copy has in it; None for the model by itself.

        Raises:
            ModelMissingError: Unknown, or there is no such adapter.
        """
        entry = self.manifest.get(name)
        if entry.requantise is None:
            return None
        (source,) = (file for file in entry.files if file.path == entry.entry)
        folder = self.models_dir / ".derived" / name
        if adapter is None:
            return FasterCopy(folder, source.sha256, entry.requantise, trimmed=entry.trim)
        try:
            adapter_sha256 = sha256_of(adapter)
        except OSError as error:
            raise ModelMissingError(
                f"the adapter {adapter} cannot be read: {error.strerror}"
            ) from error
        return FasterCopy(
            folder, source.sha256, entry.requantise, adapter, adapter_sha256, entry.trim
        )

    def status(self, name: str, *, full: bool = False) -> ModelStatus:
        """State of a model; `full` hashes all of it again.

        Raises:
            ModelMissingError: Unknown.
            ModelCorruptError: A file cannot be read.
        """
        entry = self.manifest.get(name)
        stamp = Stamp(self.models_dir / ".verified" / f"{name}.json")
        try:
            root = self.root(entry)
            files = tuple((file.path, stamp.state(root, file, full=full)) for file in entry.files)
        except importlib.metadata.PackageNotFoundError:
            files = tuple((file.path, "missing") for file in entry.files)
        except OSError as error:
            raise ModelCorruptError(
                f"the model {name} cannot be read: {error.strerror} ({error.filename})"
            ) from error
        return ModelStatus(_sum_up([state for _, state in files]), files)

    def root(self, entry: ModelEntry) -> Path:
        """Folder that the entry's file paths are relative to.

        Raises:
            importlib.metadata.PackageNotFoundError: Its distribution is not installed.
        """
        if entry.distribution:
            return Path(str(importlib.metadata.distribution(entry.distribution).locate_file("")))
        return self.models_dir / entry.name


def _sum_up(states: list[FileState]) -> ModelState:
    if "corrupt" in states:
        return "corrupt"
    if "missing" not in states:
        return "present"
    return "partial" if "present" in states else "missing"


def _remedy(entry: ModelEntry) -> str:
    if entry.distribution:
        return f"pip install --force-reinstall {entry.distribution}"
    return f"qingting models pull {entry.name}"

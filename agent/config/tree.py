"""The settings tree and where its values come from; see the package."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import platformdirs
from pydantic import BaseModel, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from agent.config.intake import IntakeSettings
from agent.config.kinds import UserPath
from agent.config.memory import MemorySettings
from agent.config.recall import RagSettings
from agent.config.sections import (
    InterruptionSettings,
    LimitSettings,
    LlmSettings,
    LoggingSettings,
    ModelSettings,
    PersonaSettings,
    PrivacySettings,
    SafetySettings,
    ServerSettings,
    SttSettings,
    TurnSettings,
)
from agent.config.voice import VoiceSettings
from pipeline.errors import ConfigError

ENV_PREFIX = "QINGTING_"
ENV_CONFIG = "QINGTING_CONFIG"

Origin: TypeAlias = Literal["default", "file", "environment", "flag"]


def _default_home() -> Path:
    return Path(platformdirs.user_data_dir("qingting", appauthor=False))


class Settings(BaseSettings):
    """The whole tree. Built without arguments it holds the defaults alone; see `load`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
    )

    home: UserPath = Field(
        default_factory=_default_home,
        description="Folder of models and records; QINGTING_HOME. Several gigabytes with the "
        "larger models.",
    )
    server: ServerSettings = ServerSettings()
    limits: LimitSettings = LimitSettings()
    models: ModelSettings = ModelSettings()
    stt: SttSettings = SttSettings()
    llm: LlmSettings = LlmSettings()
    voice: VoiceSettings = VoiceSettings()
    turn: TurnSettings = TurnSettings()
    interruption: InterruptionSettings = InterruptionSettings()
    persona: PersonaSettings = PersonaSettings()
    rag: RagSettings = RagSettings()
    privacy: PrivacySettings = PrivacySettings()
    safety: SafetySettings = SafetySettings()
    intake: IntakeSettings = IntakeSettings()
    memory: MemorySettings = MemorySettings()
    logging: LoggingSettings = LoggingSettings()

    @property
    def models_dir(self) -> Path:
        """Folder that holds one folder for each model."""
        return self.home / "models"

    @property
    def keys_file(self) -> Path:
        """Hashes of the API keys."""
        return self.home / "keys.toml"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing by itself: `load` merges the sources, and knows where values came from."""
        return (init_settings,)


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings, and where each came from.

    Attributes:
        settings: The validated tree.
        origins: Dotted path of every leaf ("turn.pacing") to its origin.
        config_file: The TOML file that was read, or None.
    """

    settings: Settings
    origins: Mapping[str, Origin]
    config_file: Path | None


def load(config_file: Path | None = None, flags: Mapping[str, Any] | None = None) -> Resolved:
    """Resolve all settings.

    Args:
        config_file: TOML file that must exist; None looks in the usual places.
        flags: Dotted path to value; None values are flags that were not given.

    Raises:
        ConfigError: A file that cannot be read, an unknown name or a value out of range;
            the message names the setting and the source at fault.
    """
    path = _find_config_file(config_file)
    layers: list[tuple[Origin, dict[str, Any]]] = [
        ("file", _read_file(path) if path else {}),
        ("environment", _read_environment()),
        ("flag", _nest(flags or {})),
    ]
    merged: dict[str, Any] = {}
    given: dict[str, Origin] = {}
    for origin, layer in layers:
        for dotted, value in _leaves(layer):
            given[dotted] = origin
            _assign(merged, dotted, value)
    try:
        settings = Settings(**merged)
    except ValidationError as error:
        raise ConfigError(_explain(error, given)) from error
    origins = {dotted: given.get(dotted, "default") for dotted in flatten(settings)}
    return Resolved(settings, origins, path)


def flatten(settings: Settings) -> dict[str, Any]:
    """Every leaf by its dotted path, as JSON values, in declaration order."""
    return dict(_leaves(settings.model_dump(mode="json")))


def _find_config_file(given: Path | None) -> Path | None:
    named = given or (Path(value) if (value := os.environ.get(ENV_CONFIG)) else None)
    if named is not None:
        if not named.is_file():
            raise ConfigError(f"the settings file {named} does not exist")
        return named
    usual = Path(platformdirs.user_config_dir("qingting", appauthor=False)) / "config.toml"
    return usual if usual.is_file() else None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return TomlConfigSettingsSource(Settings, toml_file=path)()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the settings file {path} is not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"the settings file {path} cannot be read: {error.strerror}") from error


def _read_environment() -> dict[str, Any]:
    # The source looks variables up by field and so never meets a misspelt section.
    for name in os.environ:
        section = name.removeprefix(ENV_PREFIX).split("__")[0].lower()
        known = name == ENV_CONFIG or section in Settings.model_fields
        if name.startswith(ENV_PREFIX) and not known:
            raise ConfigError(f"the environment variable {name} names no setting")
    try:
        return EnvSettingsSource(Settings)()
    except SettingsError as error:
        raise ConfigError(f"the environment cannot be read: {error}") from error


def _nest(flags: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for dotted, value in flags.items():
        if value is not None:
            _assign(tree, dotted, value)
    return tree


def _assign(tree: dict[str, Any], dotted: str, value: Any) -> None:
    *parents, leaf = dotted.split(".")
    for parent in parents:
        below = tree.setdefault(parent, {})
        if not isinstance(below, dict):
            raise ConfigError(f"{dotted}: {parent} is a single setting, not a group")
        tree = below
    tree[leaf] = value


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _explain(error: ValidationError, given: Mapping[str, Origin]) -> str:
    """One sentence for the first fault, and how many more there are."""
    first, *others = error.errors()
    dotted = ".".join(str(part) for part in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        reason = "there is no such setting"
    setting = ".".join(part for part in first["loc"] if isinstance(part, str))  # of a list's item
    origin = given.get(setting)
    source = f" (from the {origin})" if origin else ""
    more = f"; {len(others)} more" if others else ""
    return f"{dotted}: {reason[:1].lower()}{reason[1:]}{source}{more}"


def describe(dotted: str) -> str:
    """What a setting trades, from its field's description."""
    *sections, leaf = dotted.split(".")
    model: type[BaseModel] = Settings
    for section in sections:
        below = model.model_fields[section].annotation
        assert isinstance(below, type)
        assert issubclass(below, BaseModel)
        model = below
    return model.model_fields[leaf].description or ""

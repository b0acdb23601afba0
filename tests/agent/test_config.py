"""Settings: layers, origins and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel, ValidationError

from agent import config
from agent.config import Settings
from pipeline.errors import ConfigError


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text('[turn]\npacing = "quick"\n[server]\nport = 1111\n', "utf-8")
    return path


def test_defaults_stand_alone():
    """Without file, environment or flags every value is the default and says so."""
    resolved = config.load()
    assert resolved.settings.server == Settings().server
    assert resolved.config_file is None
    assert set(resolved.origins.values()) - {"environment"} == {"default"}


def test_later_layers_win_leaf_by_leaf(monkeypatch: pytest.MonkeyPatch, config_file: Path):
    """default < file < environment < flag, without touching a section's other fields."""
    monkeypatch.setenv("QINGTING_SERVER__PORT", "2222")
    monkeypatch.setenv("QINGTING_SERVER__MAX_CALLS", "7")
    resolved = config.load(config_file, {"server.port": "3333", "server.host": None})
    server = resolved.settings.server
    assert (server.port, server.max_calls, server.host) == (3333, 7, "127.0.0.1")
    assert resolved.settings.turn.pacing == "quick"
    assert resolved.origins["server.port"] == "flag"
    assert resolved.origins["server.max_calls"] == "environment"
    assert resolved.origins["turn.pacing"] == "file"
    assert resolved.origins["server.host"] == "default"


def test_environment_names_the_file(monkeypatch: pytest.MonkeyPatch, config_file: Path):
    """QINGTING_CONFIG is read like --config."""
    monkeypatch.setenv("QINGTING_CONFIG", str(config_file))
    assert config.load().config_file == config_file


def test_home_holds_the_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """QINGTING_HOME moves the models folder."""
    monkeypatch.setenv("QINGTING_HOME", str(tmp_path))
    assert config.load().settings.models_dir == tmp_path / "models"


def test_every_leaf_has_an_origin_and_a_reason():
    """No setting lacks an origin or the trade-off it makes."""
    resolved = config.load()
    values = config.flatten(resolved.settings)
    assert list(values) == list(resolved.origins)
    assert all(len(config.describe(name)) > 10 for name in values)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"turn.foo": "1"}, "turn.foo: there is no such setting (from the flag)"),
        ({"nope": "1"}, "nope: there is no such setting"),
        ({"turn": "quick"}, "turn: "),
        ({"home.models": "x"}, "home: "),
        ({"server.port": "door"}, "server.port: "),
        ({"server.port": "70000"}, "server.port: "),
        ({"turn.pacing": "hurried"}, "turn.pacing: "),
        ({"voice.rate": "3"}, "voice.rate: "),
        ({"turn.min_silence_secs": "9"}, "must not fall"),
        ({"turn.check_in_secs": "8,soon"}, "turn.check_in_secs.1: input should be a valid number"),
        ({"turn.check_in_secs": "8,soon"}, "(from the flag)"),
        ({"turn.check_in_secs": "[8, 20"}, "turn.check_in_secs: write a list as"),
        ({"server.public_hosts": "[1]"}, "server.public_hosts.0: "),
        ({"home": "~nobody-of-this-name/x"}, "home: ~nobody-of-this-name is nobody's home"),
        ({"privacy.key_file": "records.key"}, str(Path("records.key").absolute())),
        ({"turn": "quick", "turn.pacing": "quick"}, "not a group"),
    ],
)
def test_wrong_flags_are_named(flags: dict[str, str], message: str):
    """A wrong value is refused in one line that names the setting."""
    with pytest.raises(ConfigError) as caught:
        config.load(flags=flags)
    assert message in caught.value.message
    assert "\n" not in caught.value.message


LISTS = [
    ("turn.check_in_secs", "[]", ()),
    ("turn.check_in_secs", "8", (8.0,)),
    ("turn.check_in_secs", "8, 20", (8.0, 20.0)),
    ("turn.check_in_secs", "[8, 20]", (8.0, 20.0)),
    ("server.public_hosts", "talk.example.org", ("talk.example.org",)),
    ("server.public_hosts", '["a.example", "b.example"]', ("a.example", "b.example")),
    ("voice.fallback", "kokoro,embedded", ("kokoro", "embedded")),
    ("voice.fallback", "[]", ()),
    ("voice.openai.languages", "zh", ("zh",)),
]


def value_of(settings: Settings, dotted: str) -> object:
    """The value at a dotted path."""
    return attrgetter(dotted)(settings)


@pytest.mark.parametrize(("dotted", "text", "value"), [*LISTS, ("turn.check_in_secs", "", ())])
def test_a_flag_gives_a_list_with_commas_or_as_json(dotted: str, text: str, value: object):
    """[] and nothing at all are the empty list, not a value of that name."""
    assert value_of(config.load(flags={dotted: text}).settings, dotted) == value


@pytest.mark.parametrize(("dotted", "text", "value"), LISTS)
def test_the_environment_gives_lists_as_flags_do(
    monkeypatch: pytest.MonkeyPatch, dotted: str, text: str, value: object
):
    """Nothing at all counts as unset there, as for every setting."""
    monkeypatch.setenv(f"QINGTING_{dotted.replace('.', '__').upper()}", text)
    assert value_of(config.load().settings, dotted) == value


def test_a_file_gives_lists_of_its_own(tmp_path: Path):
    """TOML has them."""
    path = tmp_path / "settings.toml"
    path.write_text('[turn]\ncheck_in_secs = []\n[voice]\nfallback = ["kokoro"]\n', "utf-8")
    settings = config.load(path).settings
    assert (settings.turn.check_in_secs, settings.voice.fallback) == ((), ("kokoro",))


def path_settings() -> list[str]:
    """Every setting that is a path, by its dotted name, found in the tree itself."""

    def of(section: type[BaseModel], prefix: str) -> Iterator[str]:
        for name, field in section.model_fields.items():
            kinds = {field.annotation, *get_args(field.annotation)}
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                yield from of(field.annotation, f"{prefix}{name}.")
            elif any(Path in (kind, *get_args(kind)) for kind in kinds):
                yield f"{prefix}{name}"

    return list(of(Settings, ""))


def test_a_tilde_is_the_home_folder_in_every_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Not a folder of that name under the current one, where keys would lie in nobody's sight."""
    monkeypatch.setenv("HOME", str(tmp_path))
    names = path_settings()
    settings = config.load(flags=dict.fromkeys(names, "~/here")).settings
    assert {name: value_of(settings, name) for name in names} == dict.fromkeys(
        names, tmp_path / "here"
    )
    assert {"home", "privacy.key_file", "server.tls_key_file", "persona.directory"} <= set(names)


@pytest.mark.parametrize("name", ["QINGTING_TURNS__PACING", "QINGTING_TURN__PAZING"])
def test_misspelt_variables_are_refused(monkeypatch: pytest.MonkeyPatch, name: str):
    """A variable that names no setting is an error, in the section or in the field."""
    monkeypatch.setenv(name, "quick")
    with pytest.raises(ConfigError):
        config.load()


@pytest.mark.parametrize(
    "text", ["turn = [", "turns = 1", "[turn]\npacing = 3", '[turn]\nmore = "x"']
)
def test_wrong_files_are_refused(tmp_path: Path, text: str):
    """Broken TOML, unknown sections and fields and wrong types are errors."""
    path = tmp_path / "settings.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError):
        config.load(path)


def test_a_named_file_must_exist(tmp_path: Path):
    """--config never falls back in silence."""
    with pytest.raises(ConfigError, match="does not exist"):
        config.load(tmp_path / "missing.toml")


def test_settings_are_frozen():
    """Nothing can change a setting after it was resolved."""
    with pytest.raises(ValidationError):
        Settings().turn.pacing = "quick"  # type: ignore[misc]

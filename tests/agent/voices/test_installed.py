"""Which voices there are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agent.cli import app
from agent.config import ModelSettings, Settings
from agent.models import load_manifest
from agent.voices import installed
from agent.voices.names import check_voices
from pipeline.errors import ConfigError


def test_a_bare_home_lacks_the_voices_that_are_fetched(tmp_path: Path):
    """English comes with its package; Mandarin is missing until it is pulled."""
    settings = Settings(home=tmp_path)
    assert [engine.name for engine in installed.choose([], settings)] == ["hibari"]
    states = {engine.name: engine.state(settings) for engine in installed.engines()}
    assert states["mandarin-voice"] == "missing"


def test_an_unknown_voice_is_named(tmp_path: Path):
    """The complaint lists what there is, and says what may be meant."""
    with pytest.raises(ConfigError, match=r"operatic; voices are .*mandarin-voice"):
        installed.choose(["operatic"], Settings(home=tmp_path))
    with pytest.raises(ConfigError, match=r"mandarin; did you mean mandarin-voice\?"):
        installed.choose(["mandarin"], Settings(home=tmp_path))


def test_every_name_but_one_is_a_value_of_the_settings(tmp_path: Path):
    """What `voices list` prints can be written after `--set models.mandarin_voice=`."""
    names = [engine.name for engine in installed.engines() if engine.name != installed.CALL]
    for name in names:
        models = ModelSettings(mandarin_voice=name, english_voice=name)
        check_voices(Settings(home=tmp_path, models=models), load_manifest())
    call = Settings(home=tmp_path, models=ModelSettings(mandarin_voice=installed.CALL))
    with pytest.raises(ConfigError):
        check_voices(call, load_manifest())


@pytest.mark.parametrize(
    ("section", "setting"),
    [
        ({"models": {"english_voice": "hibary"}}, "models.english_voice"),
        ({"voice": {"fallback": ["embedded", "hibary"]}}, "voice.fallback"),
    ],
)
def test_a_setting_that_names_no_voice_is_told_with_what_may_be_meant(
    section: dict[str, Any], setting: str, tmp_path: Path
):
    """Before anything is loaded; a call would have no such voice."""
    with pytest.raises(ConfigError, match=rf"{setting}: hibary is neither.* mean hibari\?"):
        check_voices(Settings(home=tmp_path, **section), load_manifest())


def test_a_voice_may_be_a_path(tmp_path: Path):
    """Of the user's own."""
    models = ModelSettings(mandarin_voice=str(tmp_path))
    check_voices(Settings(home=tmp_path, models=models), load_manifest())


def test_a_call_without_its_voice_is_not_present(tmp_path: Path):
    """However whole the others are."""
    settings = Settings(home=tmp_path, models=ModelSettings(english_voice="hibary"))
    (call,) = installed.choose([installed.CALL], settings)
    assert call.state(settings) == "missing"


def test_list_prints_every_voice():
    """As a list for people, and as JSON for programs."""
    names = [engine.name for engine in installed.engines()]
    listed = CliRunner().invoke(app, ["voices", "list"])
    assert listed.exit_code == 0
    assert [name for name in names if name not in listed.stdout] == []
    rows = json.loads(CliRunner().invoke(app, ["voices", "list", "--json"]).stdout)
    assert [row["name"] for row in rows] == names

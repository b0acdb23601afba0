"""Which voices there are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.cli import app
from agent.config import Settings
from agent.voices import installed
from pipeline.errors import ConfigError


def test_a_bare_home_lacks_the_voices_that_are_fetched(tmp_path: Path):
    """English comes with its package; Mandarin is missing until it is pulled."""
    settings = Settings(home=tmp_path)
    assert [engine.name for engine in installed.choose([], settings)] == ["english"]
    states = {engine.name: engine.state(settings) for engine in installed.engines()}
    assert states["mandarin"] == "missing"


def test_an_unknown_voice_is_named(tmp_path: Path):
    """The complaint lists what there is."""
    with pytest.raises(ConfigError, match=r"operatic.*mandarin"):
        installed.choose(["operatic"], Settings(home=tmp_path))


def test_list_prints_every_voice():
    """As a list for people, and as JSON for programs."""
    names = [engine.name for engine in installed.engines()]
    listed = CliRunner().invoke(app, ["voices", "list"])
    assert listed.exit_code == 0
    assert [name for name in names if name not in listed.stdout] == []
    rows = json.loads(CliRunner().invoke(app, ["voices", "list", "--json"]).stdout)
    assert [row["name"] for row in rows] == names

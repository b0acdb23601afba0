"""Nobody's voice is imitated without their recorded consent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from agent.cli import app
from agent.voices.consent import STATEMENT, consent_file, record_consent, require_consent
from pipeline.errors import ConfigError

RUNNER = CliRunner()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "warm.wav"
    soundfile.write(path, np.zeros(16_000, np.int16), 16_000)
    return path


def test_only_sound_is_somebodys_voice(tmp_path: Path):
    """A record beside another file would be about nothing."""
    path = tmp_path / "notes.txt"
    path.write_text("not a voice")
    with pytest.raises(ConfigError, match="as sound"):
        record_consent(path, "王小明")
    assert not consent_file(path).exists()


@pytest.mark.parametrize("speaker", ["王小明", 'Ann "A" O\\Neil', "é\x7f\n"])
def test_what_is_recorded_is_read_back(clip: Path, speaker: str):
    """Whatever the name is written in."""
    assert record_consent(clip, speaker) == consent_file(clip)
    consent = require_consent(clip)
    assert consent.speaker == speaker.strip()
    assert consent.statement == STATEMENT
    assert consent.given_at.tzinfo is not None


def test_without_a_record_there_is_no_consent(clip: Path):
    """The sentence names the command that asks."""
    with pytest.raises(ConfigError, match="qingting voices consent"):
        require_consent(clip)


def test_consent_is_for_one_recording(clip: Path):
    """Another clip under the same name was never agreed to."""
    record_consent(clip, "王小明")
    clip.write_bytes(b"RIFF the sound of another")
    with pytest.raises(ConfigError, match="another recording"):
        require_consent(clip)


@pytest.mark.parametrize("text", ["", "speaker = 1", "not toml ["])
def test_a_broken_record_is_no_consent(clip: Path, text: str):
    """Nor is half of one."""
    consent_file(clip).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="holds no consent"):
        require_consent(clip)


def test_a_consent_has_a_name_and_a_clip(clip: Path, tmp_path: Path):
    """Nobody cannot agree, and nothing cannot be agreed to."""
    for path, speaker in ((clip, "  "), (tmp_path / "missing.wav", "王小明")):
        with pytest.raises(ConfigError):
            record_consent(path, speaker)


def test_the_command_asks(clip: Path):
    """Who it is and whether it is so; then the record is there."""
    done = RUNNER.invoke(app, ["voices", "consent", str(clip)], input="王小明\ny\n")
    assert done.exit_code == 0
    assert STATEMENT in done.output.replace("\n", " ")
    assert require_consent(clip).speaker == "王小明"


@pytest.mark.parametrize("answers", ["王小明\nn\n", "王小明\n\n"])
def test_no_is_no(clip: Path, answers: str):
    """And so is saying nothing."""
    done = RUNNER.invoke(app, ["voices", "consent", str(clip)], input=answers)
    assert done.exit_code == 2
    assert not consent_file(clip).exists()


def test_the_command_without_questions(clip: Path, tmp_path: Path):
    """For a person who has asked already; a clip that is not there is a fault."""
    given = ["--speaker", "王小明", "--agreed"]
    assert RUNNER.invoke(app, ["voices", "consent", str(clip), *given]).exit_code == 0
    missing = RUNNER.invoke(app, ["voices", "consent", str(tmp_path / "no.wav"), *given])
    assert missing.exit_code == 2

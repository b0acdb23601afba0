"""ChatTTS as the settings want it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from agent.cli import app
from agent.config import ChatTtsSettings, ModelSettings, Settings, VoiceSettings
from agent.doctor import check_chattts
from agent.voices import chattts
from pipeline.errors import ConfigError, ModelMissingError
from pipeline.tts.chattts import LICENCE, assets
from pipeline.tts.chattts.speaker_file import SpeakerEmbedding, load_speaker_file, save_speaker
from tests.pipeline.tts.speech import check_contract, say

CHATTTS = ModelSettings(mandarin_voice="chattts", english_voice="chattts")


def settings(home: Path, **chosen: object) -> Settings:
    """Settings that name ChatTTS."""
    voice = VoiceSettings(chattts=ChatTtsSettings.model_validate(chosen))
    return Settings(home=home, models=CHATTTS, voice=voice)


def test_weights_lie_beside_the_models_unless_the_settings_say_where(tmp_path: Path):
    """A folder of one's own is used in place."""
    assert chattts.assets_dir(settings(tmp_path)) == tmp_path / "models/chattts"
    assert chattts.assets_dir(settings(tmp_path, assets="/weights")) == Path("/weights")


def test_the_doctor_is_silent_where_chattts_is_not_named(tmp_path: Path):
    """Nobody needs to hear of a licence they do not touch."""
    assert list(check_chattts(Settings(home=tmp_path))) == []


def test_the_doctor_says_what_is_missing(tmp_path: Path):
    """The package or its weights, with the command that brings them."""
    (finding,) = check_chattts(settings(tmp_path))
    assert finding.level == "fault"
    assert re.search(r"pip install|pull-chattts", finding.detail)


def test_without_the_extra_the_licence_is_said_before_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Whether or not it is installed where this test runs."""
    monkeypatch.setattr(assets, "installed_version", lambda: None)
    assert chattts.state(settings(tmp_path)) == "missing"
    with pytest.raises(ModelMissingError, match=re.escape(LICENCE)):
        chattts.load_model(settings(tmp_path))


def test_a_speaker_file_wins_over_the_seed(tmp_path: Path):
    """Its gain comes along."""
    save_speaker(tmp_path / "s.json", SpeakerEmbedding(np.ones(768, np.float16), "美", 5, 2.0))
    speaker = chattts.speaker_of(settings(tmp_path, speaker=tmp_path / "s.json", seed=9))
    assert (speaker.name, speaker.gain_db) == ("美", 2.0)
    with pytest.raises(ConfigError, match="cannot be read"):
        chattts.speaker_of(settings(tmp_path, speaker=tmp_path / "none.json"))


def run(*arguments: str) -> str:
    """Output of a command that succeeds."""
    result = CliRunner().invoke(app, [*arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_show_says_what_a_speaker_file_holds(tmp_path: Path):
    """Without ChatTTS."""
    save_speaker(tmp_path / "s.json", SpeakerEmbedding(np.ones(768, np.float16), "美", 5, 2.0))
    shown = run("voices", "speaker", "show", str(tmp_path / "s.json"))
    assert all(word in shown for word in ("美", "seed 5", "+2.0 dB", "768"))


@pytest.mark.chattts
def test_a_speaker_goes_from_seed_to_file_to_code_and_back(tmp_path: Path):
    """Bit by bit, without any weights."""
    first, code, second = tmp_path / "a.json", tmp_path / "code.txt", tmp_path / "b.json"
    run("voices", "speaker", "save", "42", str(first), "--name", "静")
    code.write_text(run("voices", "speaker", "share", str(first)), "utf-8")
    run("voices", "speaker", "load", str(code), str(second))
    values = load_speaker_file(first).values
    assert np.array_equal(values, load_speaker_file(second).values)


@pytest.mark.chattts
@pytest.mark.filterwarnings("default")  # the whole application is loaded beside torch
def test_calls_and_auditions_speak_through_chattts(
    tmp_path: Path, small_weights: Callable[[Path], None]
):
    """From the settings to the sound: files, list, speaker, voice, both languages."""
    from agent.voices.speakers import load_speaker

    chosen = settings(tmp_path, device="cpu", first_tokens=4, lookahead_tokens=4, seed=3)
    chosen = chosen.model_copy(
        update={"voice": chosen.voice.model_copy(update={"fallback": (), "threads": 2})}
    )
    small_weights(chattts.assets_dir(chosen))
    assert chattts.state(chosen) == "present"
    (finding,) = check_chattts(chosen)
    assert (finding.level, finding.detail) == ("note", LICENCE)
    voice = load_speaker(chosen)
    for text in ("你好，我在。", "I am here."):
        check_contract(say(voice, text), text)

    out = tmp_path / "audition"
    shown = run(
        *("--set", f"home={tmp_path}", "--set", "voice.chattts.device=cpu"),
        *("voices", "audition", "--seeds", "1-2", "--text", "你好", "--out", str(out)),
    )
    assert "seed-0002.wav" in shown
    assert {path.suffix for path in out.iterdir()} == {".wav", ".json", ".html"}


@pytest.fixture
def small_weights(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Writes small random weights, and makes their sizes and hashes ChatTTS's own.

    The settings cannot name other sizes: nobody but a test has any.
    """
    pytest.importorskip("ChatTTS")
    import ChatTTS.core

    from agent.voices.chattts_random import small_config, write_random_assets
    from pipeline.tts.chattts import model, speaker_code

    def write(folder: Path) -> None:
        hashes = write_random_assets(folder, small_config())
        for module in (assets, model):
            monkeypatch.setattr(module, "hash_list", lambda: hashes)
        for module in (ChatTTS.core, speaker_code):
            monkeypatch.setattr(module, "Config", small_config)

    return write

"""Kokoro from the settings: where its files are, and what is said when they are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent import config
from agent.config import Settings
from agent.doctor import check_kokoro
from agent.voices import kokoro
from agent.voices.names import voice_models
from agent.voices.speakers import load_speaker
from pipeline.errors import ConfigError, ModelMissingError
from pipeline.tts.fallback import FallbackVoice
from pipeline.tts.speaker import Speaker
from tests.fakes.voice_servers import OpenAiSpeech, refuses, running
from tests.pipeline.tts.speech import check_contract, say, sound
from tests.pipeline.tts.tiny_kokoro import write_v1_0

MIXED = "我今天很happy。"


def settings_of(**flags: Any) -> Settings:
    return config.load(flags=flags).settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with Kokoro among its models."""
    folder = tmp_path / "models" / "kokoro"
    folder.mkdir(parents=True)
    write_v1_0(folder)
    return tmp_path


def both(name: str, **more: Any) -> dict[str, Any]:
    return {
        "models.mandarin_voice": name,
        "models.english_voice": name,
        "voice.fallback": "",
        **more,
    }


def test_it_speaks_both_languages_in_one_breath(home: Path):
    """One engine, a speaker for each language; nothing is verified or fetched."""
    settings = settings_of(home=str(home), **both("kokoro"))
    assert voice_models(settings) == []
    voice = load_speaker(settings)
    assert isinstance(voice, Speaker)
    check_contract(say(voice, MIXED), MIXED)


@pytest.mark.parametrize("name", ["", "kokoro.onnx"])
def test_a_path_works_as_well(tmp_path: Path, name: str):
    """To the folder or to the network."""
    write_v1_0(tmp_path)
    voice = load_speaker(settings_of(**both(str(tmp_path / name))))
    assert len(sound(say(voice, MIXED))) > 0


@pytest.mark.models
def test_the_embedded_voices_take_over(home: Path):
    """Kokoro is watched like every voice that has somebody behind it."""
    settings = settings_of(home=str(home), **both("kokoro", **{"voice.fallback": "kokoro"}))
    assert isinstance(load_speaker(settings), Speaker)
    with running(OpenAiSpeech()) as board:
        board.faults.append(refuses(400))
        first = both("openai", **{"voice.openai.url": f"{board.url}/v1"})
        chain = load_speaker(settings_of(home=str(home), **{**first, "voice.fallback": "kokoro"}))
        assert isinstance(chain, FallbackVoice)
        chunks = say(chain, MIXED)
    check_contract(chunks, MIXED)
    assert len(sound(chunks)) > 0


def test_a_bare_home_says_what_to_put_where(tmp_path: Path):
    """At start, and in the examination."""
    settings = settings_of(home=str(tmp_path), **both("kokoro"))
    with pytest.raises(ModelMissingError, match=r"kokoro-v1\.0\.onnx and voices-v1\.0\.bin"):
        load_speaker(settings)
    (finding,) = check_kokoro(settings)
    assert (finding.level, kokoro.state(settings)) == ("fault", "missing")
    assert f"{tmp_path}/models/kokoro: put" in finding.detail


def test_the_examination_names_the_licence(home: Path):
    """Where a setting names it, and nowhere else."""
    (finding,) = check_kokoro(settings_of(home=str(home), **both("kokoro")))
    assert (finding.level, finding.detail) == ("note", kokoro.LICENCE)
    assert list(check_kokoro(settings_of(home=str(home)))) == []


def test_damaged_speakers_are_seen_without_loading(home: Path):
    """`voices list` says so."""
    (home / "models" / "kokoro" / "voices-v1.0.bin").write_bytes(b"PK")
    assert kokoro.state(settings_of(home=str(home))) == "corrupt"


def test_speakers_are_chosen_in_the_settings(home: Path):
    """A name that is not there is refused with those that are."""
    chosen = {"voice.kokoro.english_speaker": "bm_lewis"}
    load_speaker(settings_of(home=str(home), **both("kokoro", **chosen)))
    wrong = {"voice.kokoro.mandarin_speaker": "zf_nobody"}
    with pytest.raises(ConfigError, match="zf_xiaoxiao"):
        load_speaker(settings_of(home=str(home), **both("kokoro", **wrong)))

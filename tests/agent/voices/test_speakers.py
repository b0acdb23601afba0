"""From the settings to a voice: who speaks, who takes over, and what is refused."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from agent import config
from agent.config import Settings
from agent.engines import load_speaker, speech_style
from agent.persona import load_persona
from agent.profile import style_of
from agent.voices.consent import record_consent
from agent.voices.names import voice_models
from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.errors import ConfigError
from pipeline.tts.fallback import FallbackVoice
from pipeline.tts.speaker import Speaker
from tests.fakes.speech import speak
from tests.fakes.voice_servers import GptSovits, OpenAiSpeech, refuses, running
from tests.pipeline.tts.speech import check_contract, say, sound

PERSONA = Path(__file__).parents[3] / "agent" / "persona" / "listener"
NOBODY = {"voice.fallback": "openai", "voice.openai.url": "http://127.0.0.1:9/v1"}
MIXED = "我今天很happy。"


def settings_of(flags: dict[str, Any]) -> Settings:
    return config.load(flags=flags).settings


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "warm.wav"
    soundfile.write(path, speak("我在这里听你慢慢说。" * 2, 16_000), 16_000)
    return path


def gptsovits(url: str, clip: Path, **more: Any) -> dict[str, Any]:
    """Settings of a voice that speaks both languages."""
    return {
        "models.mandarin_voice": "gptsovits",
        "models.english_voice": "gptsovits",
        "voice.gptsovits.url": url,
        "voice.gptsovits.reference_clip": str(clip),
        "voice.gptsovits.reference_text": "我在这里。",
        **more,
    }


@pytest.mark.models
def test_the_default_is_both_embedded_voices_without_a_chain():
    """Nothing watches them: nobody could take over."""
    voice = load_speaker(settings_of({}))
    assert isinstance(voice, Speaker)
    check_contract(say(voice, MIXED), MIXED)


@pytest.mark.parametrize(
    ("locale", "region", "language"),
    [("zh-Hant", "taiwan", "zh"), ("zh-Hans", "mainland", "zh"), ("en", "mainland", "en")],
)
def test_the_personas_locale_says_how_numbers_are_read(locale: str, region: str, language: str):
    """By the settings, and by the persona of a call."""
    settings = settings_of({"persona.locale": locale})
    persona = load_persona(settings.persona.name, settings.persona.locale)
    for style in (speech_style(settings), style_of(settings, persona)):
        assert (style.region, style.language) == (region, language)


def test_what_is_no_voice_is_refused_by_name(tmp_path: Path):
    """A misspelt name, another kind of model, a folder without any voice."""
    for name, sentence in (
        ("no-such-voice", r"no-such-voice is neither.*hibari, kokoro, mandarin-voice"),
        ("whisper-base", "whisper-base is neither a voice nor a file"),
        (str(tmp_path), "holds neither a Piper voice, nor Kokoro"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            load_speaker(settings_of({"models.mandarin_voice": name, "voice.fallback": ""}))


@pytest.mark.models
def test_a_server_that_fails_is_replaced_by_the_embedded_voices(clip: Path):
    """The caller hears a voice, then the server's again."""
    record_consent(clip, "王小明")
    with running(GptSovits()) as board:
        voice = load_speaker(settings_of(gptsovits(board.url, clip)))
        assert isinstance(voice, FallbackVoice)
        board.faults.append(refuses(400))
        chunks = say(voice, MIXED)
        check_contract(chunks, MIXED)
        assert np.abs(sound(chunks)).max() > 1000
        assert board.spoken == [MIXED]  # whole: one voice speaks both languages


def test_what_the_server_is_told(clip: Path):
    """The clip as the server sees it, and its text."""
    record_consent(clip, "王小明")
    own = {**NOBODY, "voice.gptsovits.server_clip": "/srv/warm.wav"}
    with running(GptSovits()) as board:
        voice = load_speaker(settings_of(gptsovits(board.url, clip, **own)))
        say(voice, MIXED)
        asked = board.requests[0][1]
    assert (asked["ref_audio_path"], asked["prompt_text"]) == ("/srv/warm.wav", "我在这里。")


def test_without_consent_it_does_not_load(clip: Path):
    """The sentence names the command."""
    with pytest.raises(ConfigError, match="qingting voices consent"):
        load_speaker(settings_of(gptsovits("http://127.0.0.1:9", clip, **NOBODY)))


@pytest.mark.parametrize("secs", [2.0, 12.0])
def test_a_clip_has_a_length(tmp_path: Path, secs: float):
    """GPT-SoVITS refuses others at every clause; better once, at the start."""
    path = tmp_path / "clip.wav"
    soundfile.write(path, np.zeros(round(secs * 16_000), np.int16), 16_000)
    record_consent(path, "王小明")
    with pytest.raises(ConfigError, match="3 to 10 s"):
        load_speaker(settings_of(gptsovits("http://127.0.0.1:9", path, **NOBODY)))


def test_a_clip_is_sound(tmp_path: Path):
    """A text file with that name is not."""
    path = tmp_path / "clip.wav"
    path.write_text("hello")
    with pytest.raises(ConfigError, match="as sound"):
        load_speaker(settings_of(gptsovits("http://127.0.0.1:9", path, **NOBODY)))


def test_a_persona_brings_its_clip(tmp_path: Path, clip: Path):
    """Relative to its folder; consent is needed all the same."""
    folder = tmp_path / "mine" / "friend"
    shutil.copytree(PERSONA, folder)
    (folder / "voices").mkdir()
    shutil.copy(clip, folder / "voices" / "friend.wav")
    with (folder / "zh-Hans.toml").open("a", encoding="utf-8") as file:
        file.write('\n[voice_sample]\nclip = "voices/friend.wav"\ntext = "我在。"\n')
    sample = load_persona("friend", "zh-Hans", tmp_path / "mine").voice_sample
    assert sample is not None
    record_consent(sample.clip, "王小明")
    flags = {"persona.name": "friend", "persona.directory": str(tmp_path / "mine"), **NOBODY}
    with running(GptSovits()) as board:
        own = gptsovits(board.url, clip, **flags)
        del own["voice.gptsovits.reference_clip"]
        say(load_speaker(settings_of(own)), MIXED)
        asked = board.requests[0][1]
    assert asked["ref_audio_path"] == str(folder / "voices" / "friend.wav")
    assert asked["prompt_text"] == "我在。"


def test_a_voice_to_imitate_has_to_be_named():
    """Neither the settings nor the persona has one."""
    flags = {"models.mandarin_voice": "gptsovits", **NOBODY}
    with pytest.raises(ConfigError, match="needs a clip"):
        load_speaker(settings_of(flags))


def test_a_server_without_a_fallback():
    """Alone, watched all the same; without a key none is sent."""
    with running(OpenAiSpeech()) as board:
        flags = openai_only(f"{board.url}/v1")
        check_contract(say(load_speaker(settings_of(flags)), MIXED), MIXED)
        assert "authorization" not in board.headers_seen[0]


def openai_only(url: str) -> dict[str, Any]:
    return {
        "models.mandarin_voice": "openai",
        "models.english_voice": "openai",
        "voice.fallback": "",
        "voice.openai.url": url,
    }


def test_the_key_is_read_from_its_file(tmp_path: Path):
    """Without the newline at its end."""
    file = tmp_path / "key"
    file.write_text("sk-1\n")
    with running(OpenAiSpeech()) as board:
        flags = {**openai_only(f"{board.url}/v1"), "voice.openai.key_file": str(file)}
        say(load_speaker(settings_of(flags)), MIXED)
        assert board.headers_seen[0]["authorization"] == "Bearer sk-1"


@pytest.mark.parametrize("content", [None, "", "two keys", b"\xff\xfe"])
def test_a_key_file_holds_a_key(tmp_path: Path, content: str | bytes | None):
    """The message does not repeat what it holds."""
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    flags = {**openai_only("http://127.0.0.1:9/v1"), "voice.openai.key_file": str(file)}
    with pytest.raises(ConfigError) as failure:
        load_speaker(settings_of(flags))
    assert "two keys" not in failure.value.message


@pytest.mark.parametrize("host", ["example.org", "192.168.1.7", "localhost.example.org", "0.0.0.0"])
def test_another_machine_has_to_be_allowed(host: str):
    """The text of every reply would leave this one."""
    flags = openai_only(f"http://{host}/v1")
    for offline in ({}, {"privacy.offline": "true"}):
        with pytest.raises(ConfigError, match=r"privacy\.offline=false"):
            load_speaker(settings_of({**flags, **offline}))
    allowed = {**flags, "privacy.offline": "false"}
    assert load_speaker(settings_of(allowed)).languages == {"zh", "en"}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.8.8.8"])
def test_offline_allows_this_machine(host: str):
    """By each of its names."""
    flags = {**openai_only(f"http://{host}:9/v1"), "privacy.offline": "true"}
    assert load_speaker(settings_of(flags)).languages == {"zh", "en"}


def test_a_voice_speaks_its_language():
    """A mistake in the settings is told at the start."""
    flags = {**openai_only("http://127.0.0.1:9/v1"), "voice.openai.languages": "en"}
    with pytest.raises(ConfigError, match="does not speak Mandarin"):
        load_speaker(settings_of(flags))


@pytest.mark.models
def test_a_fallback_of_one_language_is_filled_up():
    """The embedded voice speaks what it cannot."""
    with running(OpenAiSpeech()) as board:
        flags = {
            "voice.fallback": "openai",
            "voice.openai.languages": "en",
            "voice.openai.url": f"{board.url}/v1",
            "models.english_voice": "gptsovits",
        }
        with pytest.raises(ConfigError):  # the chosen voice has no clip
            load_speaker(settings_of(flags))
        voice = load_speaker(settings_of({**flags, "models.english_voice": "openai"}))
        check_contract(say(voice, MIXED), MIXED)
        assert board.spoken == ["happy。"]


def test_only_voices_in_files_are_models():
    """Those are what `models pull` fetches and `doctor` looks for."""
    assert voice_models(settings_of({})) == ["mandarin-voice", "hibari"]
    flags = {"models.mandarin_voice": "gptsovits", "models.english_voice": "piper-joe"}
    assert voice_models(settings_of(flags)) == ["piper-joe", "mandarin-voice", "hibari"]
    assert voice_models(settings_of(openai_only("http://127.0.0.1:9/v1"))) == []


def test_lists_come_as_text_from_flags_and_environment(monkeypatch: pytest.MonkeyPatch):
    """`a, b`, or JSON in the environment."""
    assert settings_of({"voice.fallback": "openai, embedded"}).voice.fallback == (
        "openai",
        "embedded",
    )
    monkeypatch.setitem(os.environ, "QINGTING_VOICE__FALLBACK", '["openai"]')
    assert config.load().settings.voice.fallback == ("openai",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("voice.gptsovits.url", "127.0.0.1:9880"),
        ("voice.openai.url", "file:///etc/passwd"),
        ("voice.gptsovits.streaming_mode", "4"),
        ("voice.openai.languages", ""),
        ("voice.openai.format", "mp3"),
        ("voice.stall_secs", "0"),
    ],
)
def test_settings_that_cannot_be(name: str, value: str):
    """The message names the setting."""
    with pytest.raises(ConfigError, match=name.replace(".", r"\.")):
        settings_of({name: value})


def test_rates_match_the_pipeline():
    """A chain takes voices at one rate only, and every voice here has it."""
    voice = load_speaker(settings_of(openai_only("http://127.0.0.1:9/v1")))
    assert voice.sample_rate_hz == OUTPUT_RATE_HZ

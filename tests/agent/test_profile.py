"""What settings and persona make of a call."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import agent.persona
from agent import config
from agent.config import Locale, PrivacySettings, SafetySettings, Settings, VoiceSettings
from agent.persona import Persona, SpeechManner, load_persona
from agent.profile import call_profile
from agent.safety.script import script
from pipeline.errors import ConfigError
from pipeline.events import CallOptions
from pipeline.tts.base import SpeechStyle
from pipeline.tts.levels import amplitude, shape


def style(voice: VoiceSettings, speech: SpeechManner) -> SpeechStyle:
    """How a call with this persona speaks."""
    persona: Persona = load_persona("listener", "en").model_copy(update={"speech": speech})
    return call_profile(Settings(voice=voice), persona, CallOptions()).style


def test_a_persona_without_wishes_speaks_as_the_settings_say():
    """Its factors are 1.0."""
    voice = VoiceSettings(rate=1.2, pitch=0.9, volume=0.5, pause_scale=2.0)
    assert style(voice, SpeechManner()) == SpeechStyle(1.2, 0.9, 0.5, 2.0, language="en")


def test_no_call_is_mute(tmp_path: Path):
    """A reply without a sound counts as failed, so both factors have a lower bound."""
    with pytest.raises(ConfigError, match=r"voice\.volume: .* greater than or equal to 0\.1"):
        config.load(flags={"voice.volume": "0"})
    shutil.copytree(Path(agent.persona.__file__).parent / "listener", tmp_path / "mute")
    file = tmp_path / "mute" / "en.toml"
    file.write_text(file.read_text("utf-8").replace("volume = 0.9", "volume = 0.0"), "utf-8")
    with pytest.raises(ConfigError, match=r"speech\.volume: .* greater than or equal to 0\.1"):
        load_persona("mute", "en", tmp_path)
    softest = style(VoiceSettings(volume=0.1), SpeechManner(volume=0.1)).volume
    assert np.any(shape(np.full(10, amplitude(-30.0), np.float32), softest))


def test_settings_and_persona_multiply():
    """Somebody who sets a faster rate still hears a slow persona slower than a quick one."""
    made = style(VoiceSettings(rate=1.5, volume=0.8), SpeechManner(rate=0.8, volume=0.5))
    assert (made.rate, made.volume) == (pytest.approx(1.2), pytest.approx(0.4))


def test_the_product_stays_in_the_range_of_a_style():
    """Two extremes do not add up to something no voice can do."""
    slow = style(VoiceSettings(rate=0.5, pitch=0.5), SpeechManner(rate=0.5, pitch=0.5))
    assert (slow.rate, slow.pitch) == (0.5, 0.5)
    loud = style(
        VoiceSettings(volume=1.5, pause_scale=3.0), SpeechManner(volume=1.5, pause_scale=3.0)
    )
    assert (loud.volume, loud.pause_scale) == (1.5, 3.0)


@pytest.mark.parametrize("locale", ["zh-Hans", "zh-Hant", "en"])
def test_the_listener_speaks_slower_and_softer(locale: Locale):
    """In every locale alike."""
    assert load_persona("listener", locale).speech == SpeechManner(
        rate=0.95, volume=0.9, pause_scale=1.15
    )


@pytest.mark.parametrize("notified", [False, True])
def test_a_person_is_promised_only_where_one_is_told(notified: bool):
    """An address in the settings tells nobody yet."""
    settings = Settings(
        privacy=PrivacySettings(offline=False),
        safety=SafetySettings(webhook_url="http://desk.test"),
    )
    persona = load_persona("listener", "en")
    guardian = call_profile(settings, persona, CallOptions(), notified=notified).guardian
    assert guardian is not None
    said = guardian.answer("I am going to kill myself tonight")
    assert said is not None
    assert (script("en").stay.person in said) is notified

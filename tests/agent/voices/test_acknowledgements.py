"""The persona's 嗯: prepared softly, and missing where the voice fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from agent.config import Locale, Settings
from agent.persona import load_persona
from agent.profile import call_profile, style_of
from agent.voices.acknowledgements import SOFTER_DB, speak_acknowledgements
from agent.voices.speakers import load_speaker
from pipeline.audio import pcm_to_int16
from pipeline.events import CallOptions
from pipeline.tts.base import SpeechStyle
from pipeline.turn.acknowledge import Acknowledgement, AcknowledgementKind
from tests.fakes.engines import FakeVoice

# With the start and the gap to the reply it fits into the shortest wait for words in doubt.
LONGEST_SECS = 0.75
READY = {"zh": (Acknowledgement("嗯", b"\1\0"),)}


class Styles(FakeVoice):
    """The fake voice; remembers how it was to speak."""

    def __init__(self) -> None:
        super().__init__(fail=lambda text: text == "哦")
        self.styles: list[SpeechStyle] = []

    def synthesise(self, text, style, cancelled):
        self.styles.append(style)
        return super().synthesise(text, style, cancelled)


def test_they_are_spoken_like_the_replies_but_softer():
    """Six decibels below; all else is the call's own style."""
    voice = Styles()
    (spoken,) = speak_acknowledgements(
        voice, {"listening": ["嗯"]}, SpeechStyle(rate=0.9, volume=0.8)
    )
    assert (spoken.text, spoken.secs) == ("嗯", pytest.approx(0.2))
    assert voice.styles[0].rate == 0.9
    assert voice.styles[0].volume == pytest.approx(0.8 * 10 ** (SOFTER_DB / 20))


def test_what_the_voice_cannot_say_is_left_out():
    """The others are still there; a call without any is a call all the same."""
    spoken = speak_acknowledgements(Styles(), {"listening": ["哦", "嗯"]}, SpeechStyle())
    assert [one.text for one in spoken] == ["嗯"]


def test_each_keeps_what_it_tells():
    """Listening and thinking are spoken alike."""
    texts: Mapping[AcknowledgementKind, Sequence[str]] = {"listening": ["嗯"], "thinking": ["呃"]}
    spoken = speak_acknowledgements(Styles(), texts, SpeechStyle())
    assert [(one.text, one.kind) for one in spoken] == [("嗯", "listening"), ("呃", "thinking")]


@pytest.mark.parametrize("able", [True, False])
def test_a_call_has_them_if_its_client_plays_them(able: bool):
    """Others would record what nobody heard."""
    options = CallOptions(plays_acknowledgements=able)
    persona = load_persona("listener", "zh-Hans")
    profile = call_profile(Settings(), persona, options, acknowledgements=READY)
    assert profile.acknowledgements == (READY if able else {})


@pytest.mark.models
@pytest.mark.parametrize("locale", ["zh-Hans", "zh-Hant", "en"])
def test_the_listeners_are_short_audible_and_different(locale: Locale):
    """As the embedded voices say them: at least two, and all fit into a pause."""
    settings, persona = Settings(), load_persona("listener", locale)
    texts: Mapping[AcknowledgementKind, Sequence[str]] = {
        "listening": persona.acknowledgements,
        "thinking": persona.thinking,
    }
    spoken = speak_acknowledgements(load_speaker(settings), texts, style_of(settings, persona))
    assert [one.text for one in spoken] == [*persona.acknowledgements, *persona.thinking]
    assert len(persona.acknowledgements) >= 2
    assert len(persona.thinking) == 1
    for one in spoken:
        assert 0.2 <= one.secs <= LONGEST_SECS
        assert np.abs(pcm_to_int16(one.pcm)).max() > 2_000

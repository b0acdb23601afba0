"""All voices as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.errors import ConfigError, SynthesisError
from pipeline.text import Language
from pipeline.tts.base import CharMark, SpeechChunk, SpeechStyle
from pipeline.tts.edges import LEAD_SAMPLES, TAIL_SAMPLES
from pipeline.tts.loudness import EvenVoice
from pipeline.tts.phrasing import PAUSE_SECS
from pipeline.tts.speaker import Speaker
from tests.pipeline.tts.speech import check_contract, marks, say, sound
from tests.pipeline.tts.test_loudness import Sine

TONE_SECS = 0.1  # of each character a tone voice says
SILENCE_SECS = 0.2  # before and after


class ToneVoice:
    """Says a tone of a level of its own for each character, with silence around."""

    def __init__(
        self, language: Language, level: int, rate_hz: int = OUTPUT_RATE_HZ, fails_after: int = -1
    ) -> None:
        self.name = f"tone-{level}"
        self.languages: frozenset[Language] = frozenset({language})
        self.sample_rate_hz = rate_hz
        self.asked: list[str] = []
        self._level = level
        self._fails_after = fails_after

    def synthesise(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[SpeechChunk]:
        self.asked.append(text)
        silence = np.zeros(round(SILENCE_SECS * self.sample_rate_hz), np.int16)
        tone = np.full(round(TONE_SECS * self.sample_rate_hz), self._level, np.int16)
        at = len(silence)
        yield SpeechChunk(silence, ())
        for number in range(len(text)):
            if number == self._fails_after:
                raise SynthesisError("The tone voice broke")
            if cancelled():
                return
            at += len(tone)
            yield SpeechChunk(tone, (CharMark(number + 1, at),))
        yield SpeechChunk(silence, (CharMark(len(text), at + len(silence)),))


def make(**changes: int) -> tuple[Speaker, ToneVoice, ToneVoice]:
    """A speaker with a Mandarin tone of level 8000 and an English one of level 4000."""
    mandarin, english = ToneVoice("zh", 8000, **changes), ToneVoice("en", 4000)
    return Speaker({"zh": mandarin, "en": english}), mandarin, english


def test_each_language_goes_to_its_voice():
    """A mixed clause is spoken by both."""
    speaker, mandarin, english = make()
    say(speaker, "我的meeting很多")
    assert (mandarin.asked, english.asked) == (["我的", "很多"], ["meeting"])


def test_numbers_alone_go_to_the_voice_of_the_style():
    """And are kept apart by it."""
    speaker, mandarin, english = make()
    say(speaker, "988.", SpeechStyle(language="en"))
    say(speaker, "988.", SpeechStyle(language="zh"))
    assert (mandarin.asked, english.asked) == (["988."], ["988."])


def test_silence_is_trimmed_and_the_pause_inserted():
    """Lead, sound, decay, then the pause of the comma: nothing of the voice's own silence."""
    speaker, _, _ = make()
    chunks = say(speaker, "我懂，")
    tones = round(3 * TONE_SECS * OUTPUT_RATE_HZ)
    pause = round(PAUSE_SECS["，"] * OUTPUT_RATE_HZ)
    assert len(sound(chunks)) == LEAD_SAMPLES + tones + TAIL_SAMPLES + pause
    check_contract(chunks, "我懂，")


@pytest.mark.parametrize("scale", [0.0, 0.5, 3.0])
def test_pauses_are_scaled(scale: float):
    """`pause_scale` stretches the pause and nothing else."""
    speaker, _, _ = make()
    plain = len(sound(say(speaker, "我懂。")))
    scaled = len(sound(say(speaker, "我懂。", SpeechStyle(pause_scale=scale))))
    pause = PAUSE_SECS["。"] * OUTPUT_RATE_HZ
    assert scaled - plain == pytest.approx((scale - 1.0) * pause, abs=1)


def test_marks_count_the_characters_of_the_clause():
    """Marks of later phrases are shifted; the clause is heard before its pause ends."""
    speaker, _, _ = make()
    text = "我懂，hello。😀"
    chunks = say(speaker, text)
    check_contract(chunks, text)
    found = marks(chunks)
    assert found[0] == CharMark(1, LEAD_SAMPLES + 2400)
    assert [mark.chars for mark in found][:9] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert found[-2].chars == len(text)
    assert found[-2].samples < found[-1].samples


def test_another_rate_is_resampled():
    """A 16 kHz voice comes out at 24 kHz, with its marks in the right place."""
    speaker, _, _ = make(rate_hz=16_000)
    chunks = say(speaker, "我懂你")
    check_contract(chunks, "我懂你")
    expected = LEAD_SAMPLES + 3 * 2400 + TAIL_SAMPLES
    assert len(sound(chunks)) == pytest.approx(expected, abs=OUTPUT_RATE_HZ // 100)
    assert marks(chunks)[0].samples == pytest.approx(LEAD_SAMPLES + 2400, abs=240)


def test_a_voice_that_fails_is_not_replaced_by_another_language():
    """It would skip the words and call that spoken."""
    mandarin, english = ToneVoice("zh", 8000), ToneVoice("en", 4000)
    mandarin.synthesise = _failing  # type: ignore[method-assign]
    with pytest.raises(SynthesisError):
        say(Speaker({"zh": mandarin, "en": english}), "我懂")
    assert english.asked == []


def test_one_voice_for_both_languages_gets_mixed_sentences_whole():
    """It knows itself where to change; commas still cut."""
    voice = ToneVoice("zh", 8000)
    speaker = Speaker({"zh": voice, "en": voice})
    say(speaker, "我的meeting很多，OK")
    say(speaker, "I see, my friend.")
    assert voice.asked == ["我的meeting很多，", "OK", "I see, my friend."]


def _failing(text: str, style: SpeechStyle, cancelled: Callable[[], bool]) -> Iterator[SpeechChunk]:
    raise SynthesisError("The voice is broken")
    yield


def test_a_voice_that_fails_in_mid_phrase_is_an_error():
    """What was already said stays good; the error comes after it."""
    speaker, _, _ = make(fails_after=2)
    heard: list[SpeechChunk] = []
    with pytest.raises(SynthesisError):
        heard.extend(speaker.synthesise("我懂你了", SpeechStyle(), lambda: False))
    assert len(sound(heard)) > TONE_SECS * OUTPUT_RATE_HZ


def test_a_short_clause_is_spoken_once():
    """The second time it comes from the cache, equal to the first; a failure is not kept."""
    speaker, mandarin, _ = make()
    first, second = say(speaker, "嗯，"), say(speaker, "嗯，")
    assert mandarin.asked == ["嗯，"]
    assert np.array_equal(sound(first), sound(second))
    assert marks(first) == marks(second)


def test_a_cancelled_clause_is_not_cached():
    """Half a clause must not stand for the whole."""
    speaker, mandarin, _ = make()
    asked = iter([False, False, False])
    list(speaker.synthesise("我懂你。", SpeechStyle(), lambda: next(asked, True)))
    check_contract(say(speaker, "我懂你。"), "我懂你。")
    assert mandarin.asked == ["我懂你。", "我懂你。"]


def test_an_abandoned_clause_is_not_cached():
    """A consumer that closes the iterator leaves nothing behind."""
    speaker, mandarin, _ = make()
    chunks = speaker.synthesise("我懂你。", SpeechStyle(), lambda: False)
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    say(speaker, "我懂你。")
    assert mandarin.asked == ["我懂你。", "我懂你。"]


def test_a_clause_is_kept_once_its_voice_has_its_level():
    """Kept before, it would stay as loud as the voice was by itself, for all calls."""
    speaker = Speaker({"zh": EvenVoice(Sine(-35.0))})
    first, second, third = (sound(say(speaker, "嗯")).astype(float) for _ in range(3))
    assert np.abs(second).max() > 3 * np.abs(first).max()
    assert np.array_equal(second, third)


def test_a_speaker_needs_a_voice():
    """An empty mapping is a mistake in the settings."""
    with pytest.raises(ConfigError):
        Speaker({})


@pytest.mark.models
@pytest.mark.parametrize(
    "text",
    [
        "今天的meeting怎么样？我想听，", "I hear you. 我懂。", "[Facepalm]", "", "3.5%，2点半",
        "OK，我用iPhone 15拍的😀", "嗯……", "“好的。”她说：「走吧」", "(╯°□°）╯算了",
    ],
)  # fmt: skip
def test_real_voices_keep_the_contract(speaker: Speaker, text: str):
    """Mixed, quoted, unspeakable and empty clauses."""
    check_contract(say(speaker, text), text)


@pytest.mark.models
@pytest.mark.parametrize("text", ["我在听，", "I am here."])
def test_real_voices_are_audible_at_once(speaker: Speaker, text: str):
    """Sound begins within the kept lead of 20 ms."""
    audio = np.abs(sound(say(speaker, text)).astype(np.int32))
    assert int(np.argmax(audio > 104)) <= LEAD_SAMPLES

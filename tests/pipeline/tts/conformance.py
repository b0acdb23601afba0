"""What every voice has to do, whatever makes its sound.

A voice's own test file has one class:

    class TestMyVoice(Conformance):
        @pytest.fixture
        def voice(self) -> Voice: ...

`speaks` says in which languages sound is expected. The time to first audio is reported
(`pytest -rP`, and `first_audio_ms` in a JUnit report), never judged: that is the bench's.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.text import Language
from pipeline.tts.base import SpeechStyle, Voice
from tests.pipeline.tts.speech import ODD_TEXTS, check_contract, marks, say, sound

SENTENCES: dict[Language, str] = {
    "zh": "我最近工作压力很大，晚上总是睡不好。",
    "en": "I have been feeling really tired lately, and I cannot sleep.",
}
# Each is spoken by a voice of either language, as far as it can.
MIXED = ("今天的meeting怎么样？我想听，", "OK，我用iPhone 15拍的😀", "I told her 没关系, twice.")
NUMBERS: dict[Language, tuple[str, ...]] = {
    "zh": ("我2点半吃了3.5片药", "电话是13800138000", "打1925，50%的人"),
    "en": ("At 2:30 I took 3.5 pills", "Call 988 now", "It cost $25 in 2026."),
}
UNSPEAKABLE = ("", "  ", "[委屈]", "😀😀", "……", "(╯°□°）╯", "\n")
SLOW_SECS_PER_UNIT = (0.04, 1.5)  # nobody speaks quicker or slower, pauses included
REPEATS = 3


class Conformance:
    """The suite; see the module.

    Attributes:
        speaks: Languages in which the voice is to be heard.
        odd_examples: Random texts to try.
        obeys_volume: False where the engine's loudness varies from one time to the next.
    """

    speaks: ClassVar[tuple[Language, ...]] = ("zh", "en")
    odd_examples: ClassVar[int] = 15
    obeys_volume: ClassVar[bool] = True

    @pytest.fixture
    def voice(self) -> Voice:
        raise NotImplementedError("a class of this suite brings its voice")

    def test_it_says_what_it_is(self, voice: Voice) -> None:
        """A name, languages, and a rate that the pipeline plays or resamples."""
        assert voice.name
        assert set(self.speaks) <= voice.languages
        assert voice.sample_rate_hz == OUTPUT_RATE_HZ

    def test_sentences_are_spoken_in_sample_exact_chunks(self, voice: Voice) -> None:
        """Chunks, marks and length are as `SpeechChunk` says."""
        for language in self.speaks:
            text = SENTENCES[language]
            chunks = say(voice, text)
            check_contract(chunks, text)
            audio = sound(chunks)
            assert len(chunks) > 1
            assert len(audio) > OUTPUT_RATE_HZ
            assert np.abs(audio.astype(int)).max() > 1000

    def test_marks_come_before_the_end(self, voice: Voice) -> None:
        """What was heard is known while it is spoken, not only when all is over."""
        for language in self.speaks:
            chunks = say(voice, SENTENCES[language])
            total = sum(len(chunk.pcm) for chunk in chunks)
            early = [mark for mark in marks(chunks) if mark.samples < 0.7 * total]
            assert len(early) >= 3

    @pytest.mark.parametrize("text", UNSPEAKABLE)
    def test_nothing_to_say_is_one_empty_chunk(self, voice: Voice, text: str) -> None:
        """Its mark counts the whole text as heard."""
        (chunk,) = say(voice, text)
        assert len(chunk.pcm) == 0
        assert chunk.marks[-1].chars == len(text)

    @pytest.mark.parametrize("text", MIXED)
    def test_mixed_languages_keep_the_contract(self, voice: Voice, text: str) -> None:
        """Both languages, digits, signs and emoji in one clause."""
        chunks = say(voice, text)
        check_contract(chunks, text)
        assert len(sound(chunks)) > OUTPUT_RATE_HZ // 10

    def test_numbers_are_spoken(self, voice: Voice) -> None:
        """Times, telephone numbers, shares and money take their time."""
        for language in self.speaks:
            for text in NUMBERS[language]:
                chunks = say(voice, text)
                check_contract(chunks, text)
                assert len(sound(chunks)) > OUTPUT_RATE_HZ // 2

    def test_a_very_long_text_is_spoken_to_its_end(self, voice: Voice) -> None:
        """Some hundred characters without a stop, then with: as long as a person would take."""
        for language in self.speaks:
            bare = SENTENCES[language].translate(str.maketrans("，。,.", "    "))
            for text in (bare * 6, SENTENCES[language] * 8):
                chunks = say(voice, text)
                check_contract(chunks, text)
                units = len(text) / (1 if language == "zh" else 5)
                least, most = SLOW_SECS_PER_UNIT
                assert least * units < len(sound(chunks)) / OUTPUT_RATE_HZ < most * units

    def test_cancelling_stops_before_the_next_chunk(self, voice: Voice) -> None:
        """After the first chunk nothing more comes, and the voice speaks on afterwards."""
        text = SENTENCES[self.speaks[0]]
        heard = threading.Event()
        given_out = 0
        for chunk in voice.synthesise(text, SpeechStyle(), heard.is_set):
            given_out += len(chunk.pcm)
            heard.set()
        assert 0 < given_out < OUTPUT_RATE_HZ
        assert list(voice.synthesise(text, SpeechStyle(), lambda: True)) == []
        check_contract(say(voice, text), text)

    def test_leaving_the_iterator_is_harmless(self, voice: Voice) -> None:
        """A consumer that goes away leaves nothing behind."""
        text = SENTENCES[self.speaks[0]]
        chunks = voice.synthesise(text, SpeechStyle(), lambda: False)
        next(chunks)
        chunks.close()  # type: ignore[attr-defined]
        check_contract(say(voice, text), text)

    def test_rate_and_volume_are_obeyed(self, voice: Voice) -> None:
        """Slower is longer, softer is quieter, the loudest does not clip."""
        text = SENTENCES[self.speaks[0]]
        plain = sound(say(voice, text))
        assert len(sound(say(voice, text, SpeechStyle(rate=0.7)))) > 1.15 * len(plain)
        assert np.abs(sound(say(voice, text, SpeechStyle(volume=0.0)))).max() <= 1
        if self.obeys_volume:
            soft = np.abs(sound(say(voice, text, SpeechStyle(volume=0.5))).astype(int)).max()
            assert soft <= 0.6 * np.abs(plain.astype(int)).max()
        loud = np.abs(sound(say(voice, text, SpeechStyle(volume=1.5))).astype(int))
        assert not np.any((loud[1:] >= 32_767) & (loud[:-1] >= 32_767))

    def test_several_calls_speak_at_once(self, voice: Voice) -> None:
        """Four threads, each with a text of its own, each heard whole."""
        texts = [SENTENCES[language] for language in self.speaks] * 4
        with ThreadPoolExecutor(4) as pool:
            for text, chunks in zip(
                texts, pool.map(lambda text: say(voice, text), texts), strict=True
            ):
                check_contract(chunks, text)
                assert len(sound(chunks)) > OUTPUT_RATE_HZ

    def test_one_cancelled_call_does_not_stop_another(self, voice: Voice) -> None:
        """They share the engine, not the cancellation."""
        text = SENTENCES[self.speaks[0]]
        stopped = threading.Event()
        with ThreadPoolExecutor(2) as pool:
            other = pool.submit(say, voice, text)
            for _ in voice.synthesise(text, SpeechStyle(), stopped.is_set):
                stopped.set()
            check_contract(other.result(timeout=120), text)

    def test_any_text_is_spoken_or_skipped(self, voice: Voice) -> None:
        """No text raises, and every one keeps the contract."""

        @settings(
            max_examples=self.odd_examples,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        )
        @given(text=ODD_TEXTS, rate=st.floats(0.5, 2.0))
        def check(text: str, rate: float) -> None:
            check_contract(say(voice, text, SpeechStyle(rate=rate)), text)

        check()

    def test_first_audio_time_is_reported(
        self, voice: Voice, record_property: Callable[[str, object], None]
    ) -> None:
        """A figure for the report; a test is no place to judge it."""
        for language in self.speaks:
            times_ms = [_first_audio_ms(voice, SENTENCES[language]) for _ in range(REPEATS)]
            median_ms = round(statistics.median(times_ms), 1)
            record_property(f"first_audio_ms_{language}", median_ms)
            print(f"{voice.name} ({language}): first audio after {median_ms} ms")
            assert all(time_ms > 0 for time_ms in times_ms)


def _first_audio_ms(voice: Voice, text: str) -> float:
    began = time.monotonic()
    for chunk in voice.synthesise(text, SpeechStyle(), lambda: False):
        if len(chunk.pcm):
            return 1000 * (time.monotonic() - began)
    raise AssertionError("a sentence has sound")

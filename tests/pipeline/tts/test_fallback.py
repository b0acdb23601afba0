"""A chain of voices: who speaks, from where on, and that nobody waits for one that hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.errors import ConfigError, SynthesisError
from pipeline.text import Language
from pipeline.tts.base import CharMark, SpeechChunk, SpeechStyle
from pipeline.tts.fallback import FallbackVoice
from pipeline.tts.patience import Patience
from tests.pipeline.tts.speech import check_contract, marks, say, sound

TONE = OUTPUT_RATE_HZ // 10  # samples of each character
QUICK = Patience(first_audio_secs=0.05, stall_secs=0.05, retry_secs=10.0, warm_up_secs=0.05)
CALM = Patience(first_audio_secs=60, stall_secs=60, retry_secs=10.0, warm_up_secs=60)
TEXT = "我懂，你很累。"

Trouble = Callable[[str, int], None]  # called before each character with the text


class ToneVoice:
    """Says each character as 0.1 s of a level of its own; a fake, so that trouble has a place.

    Attributes:
        asked: Texts, in order.
        trouble: Called before every character; may raise or wait.
        closed: Set when an iteration was ended, by either side.
    """

    sample_rate_hz = OUTPUT_RATE_HZ

    def __init__(self, level: int, trouble: Trouble | None = None) -> None:
        self.name = f"tone-{level}"
        self.languages: frozenset[Language] = frozenset({"zh", "en"})
        self.level = level
        self.trouble = trouble
        self.asked: list[str] = []
        self.closed = threading.Event()

    def synthesise(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[SpeechChunk]:
        self.asked.append(text)
        try:
            for number in range(len(text)):
                if self.trouble:
                    self.trouble(text, number)
                if cancelled():
                    return
                tone = np.full(TONE, self.level, np.int16)
                yield SpeechChunk(tone, (CharMark(number + 1, (number + 1) * TONE),))
            end = CharMark(len(text), len(text) * TONE)
            yield SpeechChunk(np.zeros(0, np.int16), (end,))
        finally:
            self.closed.set()


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def fails_at(place: int) -> Trouble:
    def trouble(text: str, number: int) -> None:
        if number == place:
            raise SynthesisError("The tone voice broke")

    return trouble


def chain(*voices: ToneVoice, patience: Patience = CALM, clock: Callable[[], float] | None = None):
    return FallbackVoice(voices, patience, clock) if clock else FallbackVoice(voices, patience)


def levels(chunks) -> list[int]:
    """Levels of the plain stretches, in order; fades between them are left out."""
    audio = sound(chunks)
    runs = np.split(audio, np.flatnonzero(np.diff(audio)) + 1)
    return [int(run[0]) for run in runs if len(run) > TONE // 2]


def test_the_first_voice_speaks_as_if_alone():
    """Sample by sample, mark by mark."""
    first, second = ToneVoice(8000), ToneVoice(4000)
    chunks = say(chain(first, second), TEXT)
    check_contract(chunks, TEXT)
    assert np.array_equal(sound(chunks), np.full(len(TEXT) * TONE, 8000, np.int16))
    assert [mark.chars for mark in marks(chunks)][:3] == [1, 2, 3]
    assert second.asked == []


def test_a_voice_that_fails_at_once_is_replaced_unheard():
    """The next says the whole clause."""
    first, second = ToneVoice(8000, fails_at(0)), ToneVoice(4000)
    chunks = say(chain(first, second), TEXT)
    check_contract(chunks, TEXT)
    assert levels(chunks) == [4000]


def test_within_a_clause_the_next_begins_at_the_last_border():
    """What stands before the comma was heard; the phrase that broke off is said again."""
    first, second = ToneVoice(8000, fails_at(5)), ToneVoice(4000)
    chunks = say(chain(first, second), TEXT)
    check_contract(chunks, TEXT)
    assert second.asked == ["你很累。"]
    assert levels(chunks) == [8000, 0, 4000]
    assert len(marks(chunks)) >= 6


def test_the_break_does_not_click():
    """The broken sound fades; only the next voice begins as it will."""
    chunks = say(chain(ToneVoice(8000, fails_at(5)), ToneVoice(4000)), TEXT)
    audio = sound(chunks).astype(int)
    broke_at = int(np.flatnonzero(audio < 8000)[0])
    falling = audio[broke_at - 1 : np.flatnonzero(audio == 0)[0] + 1]
    assert np.abs(np.diff(falling)).max() < 200


def test_any_error_of_a_voice_counts():
    """An engine may raise what it likes."""

    def trouble(text: str, number: int) -> None:
        raise ZeroDivisionError

    assert levels(say(chain(ToneVoice(8000, trouble), ToneVoice(4000)), TEXT)) == [4000]


def test_when_all_fail_the_last_error_is_raised():
    """What was said stays good."""
    heard: list[SpeechChunk] = []
    voice = chain(ToneVoice(8000, fails_at(1)), ToneVoice(4000, fails_at(2)))
    with pytest.raises(SynthesisError, match="tone voice broke"):
        heard.extend(voice.synthesise(TEXT, SpeechStyle(), lambda: False))
    assert levels(heard) == [8000, 0, 4000]


def test_a_failed_voice_rests_and_comes_back():
    """The next clauses go to the second at once, until the rest is over."""
    clock = Clock()
    first, second = ToneVoice(8000, fails_at(0)), ToneVoice(4000)
    voice = chain(first, second, clock=clock)
    for _ in range(3):
        say(voice, TEXT)
    assert (len(first.asked), len(second.asked)) == (1, 3)
    clock.now, first.trouble = 11.0, None
    assert levels(say(voice, TEXT)) == [8000]


def test_a_resting_voice_is_better_than_silence():
    """If the second fails too, the first is asked again."""
    first, second = ToneVoice(8000, fails_at(0)), ToneVoice(4000)
    voice = chain(first, second, clock=Clock())
    say(voice, TEXT)
    first.trouble, second.trouble = None, fails_at(0)
    assert levels(say(voice, TEXT)) == [8000]


@pytest.mark.parametrize("place", [0, 5])
def test_a_voice_that_hangs_is_left_alone(place: int):
    """At once or in mid-clause: another goes on, and the hanging one ends at its next chunk."""
    release = threading.Event()

    def trouble(text: str, number: int) -> None:
        if number == place:
            release.wait(60)

    first, second = ToneVoice(8000, trouble), ToneVoice(4000)
    chunks = say(chain(first, second, patience=QUICK), TEXT)
    check_contract(chunks, TEXT)
    assert levels(chunks) == ([4000] if place == 0 else [8000, 0, 4000])
    assert not first.closed.is_set()
    release.set()
    assert first.closed.wait(60)


def test_the_last_voice_is_never_too_late():
    """Slow speech is better than silence, and than a voice that has just failed."""
    wait = threading.Event()

    def trouble(text: str, number: int) -> None:
        wait.wait(0.1)

    for voices in ([], [ToneVoice(4000, fails_at(0))]):
        chunks = say(chain(*voices, ToneVoice(8000, trouble), patience=QUICK), TEXT)
        check_contract(chunks, TEXT)
        assert levels(chunks) == [8000]


def test_a_voice_slower_than_real_time_is_replaced():
    """By its own clock it makes 0.1 s of sound in 0.3 s."""
    clock = Clock()

    def trouble(text: str, number: int) -> None:
        clock.now += 0.3

    patience = Patience(first_audio_secs=5, stall_secs=30, retry_secs=10, warm_up_secs=5)
    first, second = ToneVoice(8000, trouble), ToneVoice(4000)
    voice = chain(first, second, patience=patience, clock=clock)
    long = "我听到你说的每一句话了。"
    assert [levels(say(voice, long)) for _ in range(3)] == [[8000], [8000], [4000]]


def test_only_the_first_clause_is_waited_for_long():
    """A voice that is asked for the first time in mid-call has no more time than any other."""
    clock, done = Clock(), threading.Event()

    def loads(text: str, number: int) -> None:
        if number == 0:
            clock.now += 5.0
            done.wait(1)

    patience = Patience(first_audio_secs=2, stall_secs=60, retry_secs=10, warm_up_secs=20)
    first, second, third = ToneVoice(8000, loads), ToneVoice(4000, loads), ToneVoice(2000)
    voice = chain(first, second, third, patience=patience, clock=clock)
    assert levels(say(voice, TEXT)) == [8000]
    first.trouble = fails_at(0)
    assert levels(say(voice, TEXT)) == [2000]
    done.set()
    assert second.asked == [TEXT]


def test_cancelling_does_not_wait_for_a_voice_that_hangs():
    """Nor does it hold the failure against it."""
    begun, release, cancelled = threading.Event(), threading.Event(), threading.Event()

    def trouble(text: str, number: int) -> None:
        begun.set()
        release.wait(60)

    first, second = ToneVoice(8000, trouble), ToneVoice(4000)
    voice = chain(first, second)
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(lambda: list(voice.synthesise(TEXT, SpeechStyle(), cancelled.is_set)))
        assert begun.wait(60)
        cancelled.set()
        assert job.result(timeout=60) == []
    release.set()
    assert first.closed.wait(60)
    first.trouble = None
    assert levels(say(voice, TEXT)) == [8000]
    assert second.asked == []


def test_leaving_the_iterator_ends_the_voice():
    """It is told at its next chunk."""
    go_on = threading.Event()

    def trouble(text: str, number: int) -> None:
        if number == 2:
            go_on.wait(60)

    first = ToneVoice(8000, trouble)
    chunks = chain(first).synthesise(TEXT, SpeechStyle(), lambda: False)
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    go_on.set()
    assert first.closed.wait(60)


def test_calls_share_what_they_learn():
    """Eight at once: each is heard whole, whoever says it."""
    voice = chain(ToneVoice(8000, fails_at(3)), ToneVoice(4000))
    with ThreadPoolExecutor(8) as pool:
        for chunks in pool.map(lambda _: say(voice, TEXT), range(8)):
            check_contract(chunks, TEXT)
            assert levels(chunks)[-1] == 4000


def test_the_log_says_who_and_why_but_not_what(caplog: pytest.LogCaptureFixture):
    """Never a caller's words."""
    say(chain(ToneVoice(8000, fails_at(0)), ToneVoice(4000)), TEXT)
    assert "voice tone-8000 failed, rests 10 s: The tone voice broke" in caplog.text
    assert "我懂" not in caplog.text


def test_a_chain_has_links_of_one_rate():
    """Anything else is a mistake in the settings."""
    other = ToneVoice(1)
    other.sample_rate_hz = 16_000
    for voices in ((), (other,)):
        with pytest.raises(ConfigError):
            FallbackVoice(voices)

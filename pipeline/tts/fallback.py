"""A chain of voices: when one fails or comes too late, the next one goes on.

    clause 1      clause 2                 clause 3
    voice A ────▶ voice A ──✗ stalls       voice B ────▶   … and A again after its rest
                     voice B ▶ from the last border

The last voice that is fit is never too late: slow speech is better than silence. Within a
clause the next voice begins again at the last border (punctuation, or a change of language),
as a speaker does who had to cough: some words are heard twice, and none is lost.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from pipeline.audio import OUTPUT_RATE_HZ, Int16Array
from pipeline.errors import ConfigError, SynthesisError
from pipeline.text import Language
from pipeline.tts.base import CharMark, SpeechChunk, SpeechStyle, Voice
from pipeline.tts.chunks import Piece, chunked
from pipeline.tts.patience import Health, Patience, Progress
from pipeline.tts.phrasing import phrases

logger = logging.getLogger(__name__)

_POLL_SECS = 0.02  # how soon a cancelled clause is given up; one playout frame
_FADE_SAMPLES = OUTPUT_RATE_HZ // 200  # 5 ms, so that a sound cut off does not click
_BREATH_SAMPLES = OUTPUT_RATE_HZ // 5  # 0.2 s between the voice that broke off and the next


@dataclass(slots=True, eq=False)
class _Link:
    """One voice of the chain and how it does."""

    voice: Voice
    health: Health


@dataclass(frozen=True, slots=True)
class _End:
    """Follows a voice's last chunk; the error that ended it, if one did."""

    error: Exception | None = None


_Made: TypeAlias = tuple[float, SpeechChunk | _End]


class FallbackVoice:
    """Speaks with the first voice that can; itself a `Voice`.

    Every clause is made in a thread of its own, so that a voice that hangs holds up
    nobody: it is left alone, and ends at its next chunk. Several threads may speak at the
    same time, and learn from each other which voices rest.

    Args:
        voices: In order of preference; all at 24 kHz.
        patience: When a voice counts as too late, and how long it then rests.
        clock: Monotonic seconds.

    Raises:
        ConfigError: `voices` is empty, or one has another rate.
    """

    name = "fallback"
    sample_rate_hz = OUTPUT_RATE_HZ

    def __init__(
        self,
        voices: Sequence[Voice],
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not voices:
            raise ConfigError("At least one voice is needed to speak")
        if any(voice.sample_rate_hz != OUTPUT_RATE_HZ for voice in voices):
            raise ConfigError(f"Voices of a chain speak at {OUTPUT_RATE_HZ} Hz")
        self.languages: frozenset[Language] = frozenset().union(*(v.languages for v in voices))
        self._patience = patience or Patience()
        self._clock = clock
        self._links = [_Link(voice, Health(self._patience)) for voice in voices]
        self._lock = threading.Lock()  # of the links and what follows
        self._has_begun = False  # the first clause warms up; later somebody listens

    def synthesise(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[SpeechChunk]:
        """Speak one clause; see `Voice.synthesise`.

        Cancelling, or closing the iterator, returns within 20 ms even if the voice hangs.

        Raises:
            SynthesisError: Every voice failed; it is the last one's.
        """
        return chunked(self._pieces(text, style, cancelled), len(text), cancelled)

    def _pieces(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[Piece]:
        links, n_fit = self._in_order()
        with self._lock:
            is_first, self._has_begun = not self._has_begun, True
        start = offset = 0  # characters and samples given out by the voices before
        for number, link in enumerate(links):
            is_last = number + 1 == len(links)
            hurry = number + 1 < n_fit
            heard_chars = n_samples = 0
            tail = np.zeros(0, np.int16)
            try:
                for chunk in self._speak(
                    link, text[start:], style, cancelled, hurry=hurry, is_first=is_first
                ):
                    marks = [CharMark(start + m.chars, offset + m.samples) for m in chunk.marks]
                    if marks:
                        heard_chars = marks[-1].chars
                    n_samples += len(chunk.pcm)
                    sound = np.concatenate((tail, chunk.pcm))
                    held = max(0, len(sound) - _FADE_SAMPLES)
                    yield sound[:held], marks
                    tail = sound[held:]
                yield tail, ()
                return
            except SynthesisError:
                if is_last or cancelled():
                    yield _faded(tail), ()
                    raise
                if n_samples:
                    yield np.concatenate((_faded(tail), np.zeros(_BREATH_SAMPLES, np.int16))), ()
                    offset += n_samples + _BREATH_SAMPLES
                    start = _border_before(text, heard_chars, self.languages, style.language)

    def _in_order(self) -> tuple[list[_Link], int]:
        """Voices that are fit, then, rather than silence, those that rest; how many are fit."""
        now = self._clock()
        with self._lock:
            fit = [link for link in self._links if link.health.is_fit(now)]
            return [*fit, *(link for link in self._links if link not in fit)], len(fit)

    def _speak(
        self,
        link: _Link,
        text: str,
        style: SpeechStyle,
        cancelled: Callable[[], bool],
        *,
        hurry: bool,
        is_first: bool,
    ) -> Iterator[SpeechChunk]:
        """Chunks of one voice: in time if it has to hurry, because another is fit.

        Raises:
            SynthesisError: It failed, or the deadline of `Progress` has passed.
        """
        made: queue.SimpleQueue[_Made] = queue.SimpleQueue()
        given_up = threading.Event()
        progress = Progress(self._patience, self._clock(), is_first=is_first)
        threading.Thread(
            target=self._make,
            args=(link.voice, text, style, given_up.is_set, made),
            name=f"voice-{link.voice.name}",
            daemon=True,
        ).start()
        try:
            while not cancelled():
                try:
                    at, item = made.get(timeout=_POLL_SECS)
                except queue.Empty:
                    if hurry and self._clock() > progress.deadline_at:
                        raise SynthesisError("The voice does not keep up") from None
                    continue
                if isinstance(item, SpeechChunk):
                    progress.received(len(item.pcm) / OUTPUT_RATE_HZ, at)
                    yield item
                    continue
                if item.error is not None:
                    raise _as_synthesis_error(item.error)
                self._spoke(link, at, behind=progress.fell_behind(at))
                return
        except SynthesisError as error:
            if not cancelled():
                self._failed(link, error)
            raise
        finally:
            given_up.set()

    def _make(
        self,
        voice: Voice,
        text: str,
        style: SpeechStyle,
        given_up: Callable[[], bool],
        made: queue.SimpleQueue[_Made],
    ) -> None:
        """Run in a thread: every chunk with its time, then the end, whatever happens."""
        end = _End()
        try:
            for chunk in voice.synthesise(text, style, given_up):
                made.put((self._clock(), chunk))
        except Exception as error:  # the border of the thread; it is raised on the other side
            end = _End(error)
        made.put((self._clock(), end))

    def _spoke(self, link: _Link, at: float, *, behind: bool) -> None:
        with self._lock:
            rest_secs = link.health.spoke(at, behind=behind)
        if rest_secs:
            logger.warning("voice %s falls behind, rests %.0f s", link.voice.name, rest_secs)

    def _failed(self, link: _Link, error: SynthesisError) -> None:
        with self._lock:
            rest_secs = link.health.failed(self._clock())
        logger.warning(
            "voice %s failed, rests %.0f s: %s", link.voice.name, rest_secs, error.message
        )


def _as_synthesis_error(error: Exception) -> SynthesisError:
    if isinstance(error, SynthesisError):
        return error
    wrapped = SynthesisError("The voice failed while speaking")
    wrapped.__cause__ = error
    return wrapped


def _border_before(text: str, chars: int, languages: frozenset[Language], default: Language) -> int:
    """Where the phrase begins that was being said when `chars` characters were heard."""
    ends = [phrase.end for phrase in phrases(text, languages, default) if phrase.end <= chars]
    return ends[-1] if ends else 0


def _faded(pcm: Int16Array) -> Int16Array:
    """`pcm` falling to silence."""
    return np.rint(pcm * np.linspace(1.0, 0.0, len(pcm))).astype(np.int16)

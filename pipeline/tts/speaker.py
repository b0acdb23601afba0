"""All voices as one: language by language, equally loud, with measured pauses.

A clause goes through these steps, streaming:

    clause ─▶ phrases ─▶ voice of the language ─▶ resample ─▶ trim edges ─▶ pause ─▶ chunks
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import soxr

from pipeline.audio import OUTPUT_RATE_HZ, Int16Array
from pipeline.errors import ConfigError
from pipeline.text import Language, language_of
from pipeline.tts.base import CharMark, SpeechChunk, SpeechStyle, Voice
from pipeline.tts.cache import SpeechCache
from pipeline.tts.chunks import Piece, chunked
from pipeline.tts.edges import EdgeTrimmer
from pipeline.tts.loudness import EvenVoice
from pipeline.tts.phrasing import Phrase, phrases

_CACHE_BYTES = 8 * 1024 * 1024  # about 170 s of speech, a hundred openers
_CACHED_CLAUSE_BYTES = 144_000  # 3 s


class Speaker:
    """A voice made of one voice per language; itself a `Voice`.

    Several threads may speak at the same time, as far as the voices allow it.

    Args:
        voices: The voice of each language. A language without one is given to another
            voice, which skips or spells what it cannot say. One voice for all languages
            gets mixed sentences whole.

    Raises:
        ConfigError: `voices` is empty.
    """

    name = "speaker"
    sample_rate_hz = OUTPUT_RATE_HZ

    def __init__(self, voices: Mapping[Language, Voice]) -> None:
        if not voices:
            raise ConfigError("At least one voice is needed to speak")
        self._voices = dict(voices)
        self.languages: frozenset[Language] = frozenset(voices)
        self._cache = SpeechCache(_CACHE_BYTES, _CACHED_CLAUSE_BYTES)

    def synthesise(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[SpeechChunk]:
        """Speak one clause; see `Voice.synthesise`.

        The pause its last mark asks for belongs to the clause, so that clauses simply
        follow each other. A voice that fails is not replaced by that of another language,
        which would skip the words; `FallbackVoice` has one for them.
        """
        known = self._cache.get(text, style)
        if known is not None:
            for chunk in known:
                if cancelled():
                    return
                yield chunk
            return
        spoken: list[SpeechChunk] = []
        plan = self._phrases(text, style.language)
        is_level = all(_is_level(self._voices[phrase.language]) for phrase in plan)
        was_cancelled = False

        def is_cancelled() -> bool:
            nonlocal was_cancelled
            was_cancelled = was_cancelled or cancelled()
            return was_cancelled

        pieces = self._pieces(text, plan, style, is_cancelled)
        for chunk in chunked(pieces, len(text), is_cancelled):
            spoken.append(chunk)
            yield chunk
        if is_level and not was_cancelled:
            self._cache.put(text, style, tuple(spoken))

    def _pieces(
        self,
        text: str,
        plan: Sequence[Phrase],
        style: SpeechStyle,
        cancelled: Callable[[], bool],
    ) -> Iterator[Piece]:
        offset = 0
        for number, phrase in enumerate(plan):
            trimmer = EdgeTrimmer(style.volume)
            voice, words = self._voices[phrase.language], text[phrase.start : phrase.end]
            own_style = replace(style, language=phrase.language)
            for piece in _at_output_rate(voice, words, own_style, cancelled):
                yield _moved(trimmer.push(*piece), phrase.start, offset)
            yield _moved(trimmer.finish(), phrase.start, offset)
            offset += trimmer.passed_samples
            # The phrase is heard when its sound ends, not when its pause does.
            end = len(text) if number + 1 == len(plan) else phrase.end
            pause_samples = round(phrase.pause_secs * style.pause_scale * OUTPUT_RATE_HZ)
            yield np.zeros(pause_samples, np.int16), [CharMark(end, offset)]
            offset += pause_samples

    def _phrases(self, text: str, default: Language) -> list[Phrase]:
        """Phrases of one language, unless one voice speaks all: it knows where to change."""
        if len({id(voice) for voice in self._voices.values()}) > 1:
            return phrases(text, self.languages, default)
        language = language_of(text, default)
        return phrases(text, {language if language in self._voices else next(iter(self._voices))})


def _is_level(voice: Voice) -> bool:
    """Whether its clauses may be kept: not while its loudness is still being measured."""
    return not isinstance(voice, EvenVoice) or voice.is_settled


def _moved(piece: Piece, chars: int, samples: int) -> Piece:
    pcm, marks = piece
    return pcm, [CharMark(chars + mark.chars, samples + mark.samples) for mark in marks]


def _at_output_rate(
    voice: Voice, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
) -> Iterator[Piece]:
    if voice.sample_rate_hz == OUTPUT_RATE_HZ:
        for chunk in voice.synthesise(text, style, cancelled):
            yield chunk.pcm, chunk.marks
        return
    ratio = OUTPUT_RATE_HZ / voice.sample_rate_hz
    resampler = soxr.ResampleStream(voice.sample_rate_hz, OUTPUT_RATE_HZ, 1, dtype="int16")
    for chunk in voice.synthesise(text, style, cancelled):
        marks = [CharMark(mark.chars, round(mark.samples * ratio)) for mark in chunk.marks]
        yield _resampled(resampler, chunk.pcm), marks
    yield _resampled(resampler, np.zeros(0, np.int16), last=True), []


def _resampled(
    resampler: soxr.ResampleStream, pcm: Int16Array, *, last: bool = False
) -> Int16Array:
    resampled: Int16Array = resampler.resample_chunk(pcm, last=last)
    return resampled

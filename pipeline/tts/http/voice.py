"""What all voices behind HTTP servers share: a text goes out, sound comes in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np
import soxr

from pipeline.audio import OUTPUT_RATE_HZ, FloatArray
from pipeline.errors import AudioFormatError, SynthesisError
from pipeline.text import Language, count_units, language_of
from pipeline.tts.base import SpeechChunk, SpeechStyle
from pipeline.tts.chunks import Piece, chunked
from pipeline.tts.http.server import Head, Request, SpeechServer
from pipeline.tts.http.sound import PcmStream, SoundStream, WavStream
from pipeline.tts.levels import amplitude, shape
from pipeline.tts.normalise import normalise
from pipeline.tts.proportional import SpeakingPace, estimated_marks, syllables
from pipeline.tts.reading import Reading

# A model that loses its way babbles on. No text takes longer than this: four times a slow
# speaker's syllable (0.4 s), and a pause. The caller hears it until then.
_LONGEST_SYLLABLE_SECS = 1.6
_LONGEST_PAUSE_SECS = 3.0
# Half of what the quickest speakers take (12 syllables a second): a server that ends its answer
# sooner, in good order, has lost words.
_SHORTEST_SYLLABLE_SECS = 0.04

# What servers call samples without a header; audio/mpeg and the like are files.
_BARE_SAMPLES = frozenset({
    "", "audio/pcm", "audio/l16", "audio/raw", "audio/x-raw", "application/octet-stream",
    "binary/octet-stream",
})  # fmt: skip


class HttpVoice(ABC):
    """Speaks by asking a server; a `Voice` without its `_requests`.

    Every rate of the server becomes 24 kHz. Numbers and signs are read here, so that all
    voices read them alike; character marks are estimated, see `SpeakingPace`.

    Args:
        name: For logs and reports.
        languages: What the server speaks.
        server: Of this voice alone; `close` closes it.
        gain_db: To the loudness of the other voices.
        pcm_rate_hz: Rate of answers without a header, unless they name it; None: there are
            none, and every answer must be a WAV.
    """

    sample_rate_hz = OUTPUT_RATE_HZ

    def __init__(
        self,
        name: str,
        languages: Collection[Language],
        server: SpeechServer,
        gain_db: float = 0.0,
        pcm_rate_hz: int | None = None,
    ) -> None:
        self.name = name
        self.languages: frozenset[Language] = frozenset(languages)
        self._server = server
        self._gain = amplitude(gain_db)
        self._pcm_rate_hz = pcm_rate_hz
        self._pace = SpeakingPace()

    @abstractmethod
    def _requests(self, spoken: str, language: Language, style: SpeechStyle) -> Sequence[Request]:
        """The request that makes the server say `spoken`, then forms for older servers."""

    def synthesise(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[SpeechChunk]:
        """Speak `text`; see `Voice.synthesise`.

        A text with nothing to speak is not sent. Sound that has already come stays good
        when the server fails. Cancelling closes the connection within 20 ms.

        Raises:
            SynthesisError: As `SpeechServer.stream`; or what came is no sound, is silence,
                does not end, or ends too soon.
        """
        language = self._language(text, style.language)
        reading = normalise(text, language, style.region)
        pieces = self._pieces(reading, language, style, cancelled)
        return chunked(pieces, len(text), cancelled)

    def close(self) -> None:
        """End running requests; the voice cannot speak after."""
        self._server.close()

    def _language(self, text: str, default: Language) -> Language:
        found = language_of(text, default)
        return found if found in self.languages else next(iter(self.languages))

    def _pieces(
        self,
        reading: Reading,
        language: Language,
        style: SpeechStyle,
        cancelled: Callable[[], bool],
    ) -> Iterator[Piece]:
        if not count_units(reading.spoken):
            return
        n_syllables = syllables(reading.spoken)
        limit_secs = _LONGEST_PAUSE_SECS + _LONGEST_SYLLABLE_SECS * n_syllables / style.rate
        marks = estimated_marks(reading, self._pace.secs_per_syllable / style.rate)
        requests = self._requests(reading.spoken.strip(), language, style)
        n_samples = 0
        for sound in _audible(self._sound(requests, cancelled)):
            n_samples += len(sound)
            if n_samples > limit_secs * OUTPUT_RATE_HZ:
                raise SynthesisError("The voice server does not come to an end")
            yield shape(sound, self._gain * style.volume), marks
            marks = []
        if cancelled():
            return
        if not n_samples:
            raise SynthesisError("The voice server sent silence")
        if n_samples < _SHORTEST_SYLLABLE_SECS * n_syllables / style.rate * OUTPUT_RATE_HZ:
            raise SynthesisError("The voice server sent less sound than the text takes")
        self._pace.learn(n_syllables, n_samples / OUTPUT_RATE_HZ * style.rate)

    def _sound(
        self, requests: Sequence[Request], cancelled: Callable[[], bool]
    ) -> Iterator[FloatArray]:
        """The answer at 24 kHz."""
        stream: SoundStream | None = None
        resampler: soxr.ResampleStream | None = None
        try:
            for part in self._server.stream(requests, cancelled):
                if isinstance(part, Head):
                    stream = self._reader(part.content_type)
                    continue
                assert stream is not None
                sound = stream.feed(part)
                if len(sound):
                    assert stream.rate_hz is not None
                    resampler = resampler or _resampler(stream.rate_hz)
                    yield resampler.resample_chunk(sound)
            if cancelled():
                return
            if stream is not None:
                stream.finish()
        except AudioFormatError as error:
            raise SynthesisError(f"What the voice server sent is unusable: {error}") from error
        if resampler is not None:
            yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)

    def _reader(self, content_type: str) -> SoundStream:
        kind, _, parameters = content_type.lower().partition(";")
        if kind.startswith("text/") or kind == "application/json":
            raise SynthesisError("The voice server sent a text instead of sound", retryable=False)
        if self._pcm_rate_hz is None or "wav" in kind:
            return WavStream()
        if kind.strip() not in _BARE_SAMPLES:
            raise SynthesisError(
                "The voice server sent another kind of sound than it was asked for", retryable=False
            )
        return PcmStream(_named_rate_hz(parameters) or self._pcm_rate_hz)


def _resampler(rate_hz: int) -> soxr.ResampleStream:
    return soxr.ResampleStream(rate_hz, OUTPUT_RATE_HZ, 1, dtype="float32")


def _named_rate_hz(parameters: str) -> int | None:
    """The rate in `audio/pcm;rate=24000`."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name == "rate" and value.isdecimal() and 8_000 <= int(value) <= 192_000:
            return int(value)
    return None


def _audible(pieces: Iterator[FloatArray]) -> Iterator[FloatArray]:
    """`pieces` from the first that is not all zero on; nothing if all are.

    Digital silence is what GPT-SoVITS sends, as HTTP 200, when its model has failed.
    """
    held: list[FloatArray] = []
    for piece in pieces:
        held.append(piece)
        if np.any(piece):
            yield from held
            yield from pieces

"""What a voice is to the rest of the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from pipeline.audio import Int16Array
from pipeline.text import Language

Region: TypeAlias = Literal["mainland", "taiwan"]


@dataclass(frozen=True, slots=True)
class SpeechStyle:
    """How a text is spoken; 1.0 is the voice's own way.

    Attributes:
        rate: Speed, 0.5 (slow) to 2.0 (fast).
        pitch: Fundamental frequency ratio, 0.5 to 2.0, where the engine allows it.
        volume: Linear gain, 0.0 to 1.5; the result never clips.
        pause_scale: Length of the pauses at punctuation, 0.0 to 3.0.
        region: Whose way of reading numbers holds where the script does not tell: 打1925 is
            written alike on the mainland and in Taiwan.
        language: In what a text without words is spoken: 988. or 24/7!
    """

    rate: float = 1.0
    pitch: float = 1.0
    volume: float = 1.0
    pause_scale: float = 1.0
    region: Region = "mainland"
    language: Language = "zh"


@dataclass(frozen=True, slots=True)
class CharMark:
    """After `samples` samples of the text's audio, its first `chars` characters were heard.

    Both count from the start of the text given to `synthesise`, and both never fall
    from one mark to the next. A number whose spoken form is longer than its text is
    heard when its last syllable ends.
    """

    chars: int
    samples: int


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A piece of speech.

    Attributes:
        pcm: int16, shape (n_samples,), mono, at the voice's `sample_rate_hz`. Chunks of
            one text join sample-exactly.
        marks: Character marks that end inside this chunk, in order. The last chunk of a
            text carries a final mark with `chars == len(text)`.
    """

    pcm: Int16Array
    marks: tuple[CharMark, ...]


class Voice(Protocol):
    """A text-to-speech engine, loaded once per process and shared by calls.

    Blocking: it is called from a worker thread, never from the event loop. Several
    threads may call `synthesise` at the same time.
    """

    name: str
    languages: frozenset[Language]
    sample_rate_hz: int

    def synthesise(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[SpeechChunk]:
        """Speak one clause.

        Args:
            text: The clause as written, at most a few hundred characters: digits,
                punctuation, Latin letters, stickers and emoji included. What cannot be
                spoken is skipped and counted as heard with its neighbour.
            style: How to speak it.
            cancelled: Asked before every chunk; True ends the iteration at once.

        Yields:
            Chunks of at most about 0.25 s, the first as early as the engine allows.
            A text with nothing to speak yields one empty chunk with its final mark.

        Raises:
            SynthesisError: The engine failed; chunks already given stay good.
        """
        ...

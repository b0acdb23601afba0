"""What a speech recogniser is to the rest of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from pipeline.audio import FloatArray
from pipeline.text import Language

Script: TypeAlias = Literal["simplified", "traditional", "as_is"]
Priority: TypeAlias = Literal["final", "partial"]
Rejection: TypeAlias = Literal["silence", "loop", "unlikely", "phantom"]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What one decode heard.

    Attributes:
        text: Everything in the window, normalised to the configured script; empty where
            it holds nothing but silence, noise or a repetition loop.
        language: Language decided on or given.
        confidence: Mean token probability, 0.0 to 1.0.
        rejected: Why what was heard was dropped, else None.
        unit_ends_secs: When each text unit of `text` ends, in seconds of the window and
            never falling; empty unless asked for and known.
    """

    text: str
    language: Language
    confidence: float
    rejected: Rejection | None = None
    unit_ends_secs: tuple[float, ...] = ()


class Recogniser(Protocol):
    """A recogniser loaded once per process and shared by calls."""

    async def decode(
        self,
        audio: FloatArray,
        *,
        language: Language | None = None,
        expected: Language | None = None,
        prompt: str = "",
        timed: bool = False,
        priority: Priority = "final",
    ) -> Hypothesis:
        """Transcribe one window of speech.

        Args:
            audio: float32, shape (n_samples,), range [-1, 1], mono, 16 kHz, up to 28 s.
            language: zh or en; None lets the model decide.
            expected: Spoken so far: where the model decides, another needs better reasons.
            prompt: Text agreed on just before this audio.
            timed: Whether `unit_ends_secs` is wanted.
            priority: "final" decodes overtake waiting "partial" ones.

        Raises:
            RecognitionError: The model failed.
            OverloadedError: The queue of waiting partials is full; finals always fit.

        Cancelling returns at once; a decode that has begun runs out in the worker, one
        that has not is skipped.
        """
        ...

    async def close(self) -> None:
        """Stop the worker; waiting decodes fail with RecognitionError."""
        ...

"""What a speech recogniser is to the rest of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from pipeline.audio import FloatArray
from pipeline.text import Language

Script: TypeAlias = Literal["simplified", "traditional", "as_is"]
Priority: TypeAlias = Literal["final", "partial"]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What one decode heard.

    Attributes:
        text: Normalised to the configured script; empty for silence, noise or a
            repetition loop.
        language: Language decided on or given.
        confidence: Mean token probability, 0.0 to 1.0.
        rejected: Why `text` was emptied ("silence", "loop", "unlikely", "phantom"),
            else None.
    """

    text: str
    language: Language
    confidence: float
    rejected: str | None = None


class Recogniser(Protocol):
    """A recogniser loaded once per process and shared by calls."""

    async def decode(
        self,
        audio: FloatArray,
        *,
        language: Language | None = None,
        prompt: str = "",
        priority: Priority = "final",
    ) -> Hypothesis:
        """Transcribe one window of speech.

        Args:
            audio: float32, shape (n_samples,), range [-1, 1], mono, 16 kHz, up to 28 s.
            language: zh or en; None lets the model decide.
            prompt: Text agreed on just before this audio.
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

"""What may answer in the language model's place, and why the context asks it first."""

from __future__ import annotations

from typing import Protocol

from pipeline.events import CallEvent


class Guardian(Protocol):
    """Looks at every word of the caller before the language model does.

    In a call `answer` may run in a worker thread, beside which the event loop asks `hushes`;
    everything else runs on the loop and returns at once. A chat over HTTP is read in a thread,
    one turn after the other. A draft may be dropped unheard; only `taken` and `heard` change
    what the guardian knows, and neither is called while an answer is awaited.
    """

    def holds(self, text: str) -> bool:
        """Whether a partial transcript must stop the reply that is sounding."""
        ...

    def answer(self, text: str) -> str | None:
        """What to say to a turn with `text`; None leaves it to the language model."""
        ...

    def hushes(self, text: str, *, asks: bool = False) -> bool:
        """Whether a turn with `text` is too grave for a 嗯 before its answer.

        Args:
            text: The turn's words.
            asks: They ask something, and what would be said is a sound of thinking about it.
        """
        ...

    def rate(self, text: str) -> float:
        """How fast to speak the answer to a turn with `text`: a share of the usual rate."""
        ...

    def taken(self, text: str) -> CallEvent | None:
        """The turn with `text` is taken; returns what the client should be told, if anything."""
        ...

    def heard(self, text: str) -> None:
        """What the caller heard of the answer to the turn that was taken last: its beginning.

        Told only of an answer of the guardian's own, before the next turn is taken; twice
        where a client reports late, of which the later holds.
        """
        ...

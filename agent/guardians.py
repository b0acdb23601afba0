"""Several guardians as one, in the order in which they may speak."""

from __future__ import annotations

from pipeline.events import CallEvent
from pipeline.guard import Guardian


class InOrder:
    """Fulfils `pipeline.guard.Guardian`: the first that answers a turn has it alone.

    Args:
        guardians: The gravest first; each belongs to one call.
    """

    def __init__(self, *guardians: Guardian) -> None:
        self._guardians = guardians
        self._answered: Guardian | None = None  # who answered the turn that was taken last

    def holds(self, text: str) -> bool:
        """Whether any of them must stop the reply that is sounding."""
        return any(one.holds(text) for one in self._guardians)

    def answer(self, text: str) -> str | None:
        """What the first of them says that says anything."""
        answers = (one.answer(text) for one in self._guardians)
        return next((answer for answer in answers if answer is not None), None)

    def hushes(self, text: str, *, asks: bool = False) -> bool:
        """Whether one of them finds it too grave for a 嗯, or for a 呃."""
        return any(one.hushes(text, asks=asks) for one in self._guardians)

    def rate(self, text: str) -> float:
        """The slowest that any of them asks for: distress stays audible in another's answer."""
        return min((one.rate(text) for one in self._guardians), default=1.0)

    def taken(self, text: str) -> CallEvent | None:
        """Tell them of the turn, up to the one that answered it; returns the first notice."""
        notice: CallEvent | None = None
        self._answered = None
        for one in self._guardians:
            answered = one.answer(text) is not None
            told = one.taken(text)
            notice = notice or told
            if answered:
                self._answered = one
                break
        return notice

    def heard(self, text: str) -> None:
        """Tell the one that answered."""
        if self._answered is not None:
            self._answered.heard(text)

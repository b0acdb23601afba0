"""Short notes for the model, chosen anew for every turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Note:
    """What the model should know while it answers one turn.

    Attributes:
        text: For the model's eyes; never said and never logged.
        sources: Ids of what it was made from, for the log.
    """

    text: str
    sources: tuple[str, ...] = ()


class NoteSource(Protocol):
    """Knows something that belongs to some turns and not to others.

    Called on the event loop, for every partial transcript and every draft, so it returns
    within a few milliseconds and changes nothing: a draft may be dropped unheard.
    """

    def note(self, user_text: str) -> Note | None:
        """What to tell the model for a turn with `user_text`; None has nothing to add."""
        ...

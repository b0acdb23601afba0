"""The bot's side of the floor: a reply that is owed, sounds, is paused, and ends.

none ──owed──▶ owed ──first sample──▶ playing ──ended──▶ none
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Literal, TypeAlias

ReplyPhase: TypeAlias = Literal["none", "owed", "playing"]

# For so long after a reply its last words may still come back as an echo: what the client
# has buffered, and the room.
ECHO_TAIL_SECS = 0.5


@dataclass
class Reply:
    """The latest reply; times are stream seconds.

    Attributes:
        generation: Number of the reply.
        turn_id: Turn that it answers, empty if the client asked for it.
        phase: "none" once it is over.
        owed_since_secs: From then on its first sample is waited for; pauses do not count.
        is_apology: It is said in place of a reply that failed.
        all_said: No words of it are left to interrupt.
    """

    generation: int = 0
    turn_id: str = ""
    phase: ReplyPhase = "none"
    owed_since_secs: float = 0.0
    is_apology: bool = False
    all_said: bool = False
    _paused_secs: float | None = None
    _ended_secs: float = -inf

    @property
    def paused(self) -> bool:
        """Somebody may be interrupting, and it is held."""
        return self._paused_secs is not None

    def pause(self, at_secs: float) -> None:
        """Hold it."""
        self._paused_secs = at_secs

    def resume(self, at_secs: float) -> None:
        """Go on; what it owes is due later by the length of the pause."""
        if self._paused_secs is not None:
            self.owed_since_secs += at_secs - self._paused_secs
            self._paused_secs = None

    def end(self, at_secs: float) -> None:
        """It is over, however it ended."""
        self.phase, self._paused_secs, self._ended_secs = "none", None, at_secs

    def is_overdue(self, at_secs: float, bound_secs: float) -> bool:
        """It has been owed for longer than `bound_secs`."""
        waits = self.phase == "owed" and not self.paused
        return waits and at_secs - self.owed_since_secs >= bound_secs

    def may_be_heard(self, at_secs: float) -> bool:
        """What the microphone hears now may be over it, or its echo."""
        return self.phase != "none" or at_secs - self._ended_secs < ECHO_TAIL_SECS

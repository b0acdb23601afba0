"""A silence that both leave standing: when the bot may say that it is still there.

    bot ends ──8 s──▶ first check-in ──20 s──▶ second ──▶ the silence is the caller's

Silence is used, not filled: each rung is said once, and only a turn of the caller brings
the first one back. Pure; time is stream time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class CheckInLadder:
    """Counts the silence after the last sound of either side.

    Attributes:
        waits_secs: Silence before each check-in, in order; empty never checks in.
    """

    waits_secs: Sequence[float]
    _rung: int = 0
    _quiet_since_secs: float = 0.0

    def note_sound(self, at_secs: float) -> None:
        """Somebody speaks, or is about to."""
        self._quiet_since_secs = at_secs

    def note_turn(self) -> None:
        """The caller said something: the next silence is a new one."""
        self._rung = 0

    def is_due(self, at_secs: float) -> bool:
        """Whether to check in now; true once for each rung."""
        if self._rung == len(self.waits_secs):
            return False
        if at_secs - self._quiet_since_secs < self.waits_secs[self._rung]:
            return False
        self._rung += 1
        return True

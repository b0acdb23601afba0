"""The marks of a turn and what follows from them: pure bookkeeping, monotonic seconds.

speech_end ─ soft_end ─ transcript_final ─ first_token ─ first_clause ─ first_audio
                                                    turn_commit ─ first_playout
response_latency = first_playout − speech_end
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.events import MARKS, TurnMeasured

# Drafts that never come to anything are forgotten after this many newer ones.
MAX_OPEN_GENERATIONS = 32


@dataclass
class TurnMarks:
    """The marks of one generation; a mark's first instant holds."""

    instants: dict[str, float] = field(default_factory=dict)

    def note(self, name: str, at: float) -> None:
        if name not in MARKS:
            raise ValueError(f"unknown mark {name!r}")
        self.instants.setdefault(name, at)

    def relative_ms(self) -> dict[str, float]:
        """Milliseconds after `speech_end`, in the order of `MARKS`; empty without it."""
        zero = self.instants.get("speech_end")
        if zero is None:
            return {}
        return {
            name: round((self.instants[name] - zero) * 1000, 1)
            for name in MARKS
            if name in self.instants
        }


class LatencyBook:
    """Marks by generation, closed into a measurement when the first sample is out."""

    def __init__(self) -> None:
        self._open: dict[int, TurnMarks] = {}
        self._ledger: dict[str, float] = {}

    def note(self, generation: int, name: str, at: float) -> None:
        self._open.setdefault(generation, TurnMarks()).note(name, at)
        while len(self._open) > MAX_OPEN_GENERATIONS:
            oldest = next(iter(self._open))
            del self._open[oldest]

    def note_ledger(self, entries: Mapping[str, float]) -> None:
        """Add a turn's account; if its reply never sounds, the next measurement carries it."""
        for name, amount in entries.items():
            self._ledger[name] = round(self._ledger.get(name, 0.0) + amount, 1)

    def close(self, generation: int, turn_id: str, reply_id: str) -> TurnMeasured:
        """The measurement of a turn whose reply has begun to sound."""
        marks = self._open.pop(generation, TurnMarks()).relative_ms()
        ledger, self._ledger = self._ledger, {}
        return TurnMeasured(turn_id, reply_id, marks, marks.get("first_playout"), ledger)

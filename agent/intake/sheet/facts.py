"""What stands on the sheet, in reading order and without words of any language."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from agent.intake.fields import FIELDS, Field
from agent.intake.record import Entry, IntakeRecord
from agent.safety.tiers import TIERS, Tier, rank
from pipeline.text import count_units

# What a counsellor looks for first, then the situation, then the body.
LEAD: tuple[Field, ...] = ("concern",)
COURSE: tuple[Field, ...] = ("since", "intensity", "tried", "goals")
SITUATION: tuple[Field, ...] = ("work", "family", "supports", "strengths", "health", "medication")


@dataclass(frozen=True, slots=True)
class Mark:
    """One entry on the line of time.

    Attributes:
        percent: 0.0 at the beginning of the call to 100.0 at its end.
        entry: What was said there.
    """

    percent: float
    entry: Entry


@dataclass(frozen=True, slots=True)
class SheetFacts:
    """Everything the sheet says.

    Attributes:
        record: What the caller told.
        call_id: Of the call.
        began_at: UTC; shown in local time.
        ended_at: UTC, None for a call that broke off.
        audio_kept: Whether times can be looked up in a recording.
        caller: Name or number known before the call, or None.
    """

    record: IntakeRecord
    call_id: str
    began_at: datetime.datetime
    ended_at: datetime.datetime | None = None
    audio_kept: bool = False
    caller: str | None = None

    @property
    def minutes(self) -> int | None:
        """Length of the call, at least 1; None where its end is unknown."""
        if self.ended_at is None:
            return None
        return max(1, round((self.ended_at - self.began_at).total_seconds() / 60))

    @property
    def tier(self) -> Tier:
        """The gravest risk that was heard."""
        return next(
            (
                tier
                for tier in reversed(TIERS)
                if any(entry.tier == tier for entry in self.record.of("risk"))
            ),
            "none",
        )

    def in_state(self, *states: str) -> tuple[Field, ...]:
        """Fields in a state; risk belongs to the crisis protocol and is never listed."""
        return tuple(
            field for field in FIELDS if field != "risk" and self.record.state(field) in states
        )

    def shown(self, field: Field, count: int) -> tuple[Entry, ...]:
        """The first `count` entries of a field, in the order of the call; of risks the gravest."""
        told = self.record.of(field)
        gravest = sorted(told, key=lambda entry: -rank(entry.tier or "none"))[:count]
        return tuple(entry for entry in told if entry in gravest)

    def others(self, count: int) -> tuple[Entry, ...]:
        """The `count` longest turns of which nothing stands under a heading, in their order."""
        told = self.record.of("other")
        longest = sorted(told, key=lambda entry: -count_units(entry.quote))[:count]
        return tuple(entry for entry in told if entry in longest)

    def timeline(self) -> tuple[Mark, ...]:
        """What stands under headings, in the order of the call: by time if known, else by turn."""
        entries = self.record.under_headings
        timed = [entry.at_secs for entry in entries if entry.at_secs is not None]
        if len(timed) == len(entries) and timed:
            last = max(max(timed), self._secs())
            return _marks(entries, [entry.at_secs or 0.0 for entry in entries], last)
        return _marks(entries, [float(entry.turn) for entry in entries], float(self.record.turns))

    def _secs(self) -> float:
        if self.ended_at is None:
            return 0.0
        return (self.ended_at - self.began_at).total_seconds()


def _marks(entries: Sequence[Entry], places: Sequence[float], last: float) -> tuple[Mark, ...]:
    return tuple(
        Mark(100.0 * place / last if last > 0 else 0.0, entry)
        for entry, place in zip(entries, places, strict=True)
    )

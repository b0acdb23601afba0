"""The record of one caller: entries with quotes, what was asked, and what was struck out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Constrained

from agent.config import Locale
from agent.intake.fields import FIELDS, SINGLE, Field
from agent.intake.spans import comparable
from agent.safety.tiers import Tier, rank
from pipeline.errors import StoreError

# "rule" stands in records of earlier versions; now the rules and what was learned go together.
FoundBy: TypeAlias = Literal["rule", "learned", "model", "safety", "nothing"]
FieldState: TypeAlias = Literal["told", "declined", "asked", "not_asked"]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(_Data):
    """One thing that the caller told.

    Attributes:
        entry_id: 1, 2, 3, … within the record; never given twice.
        field: What it is about.
        quote: The caller's own words, as recognised.
        turn: The caller's turn it was said in, counted from 0.
        at_secs: Where that turn begins in the recording of the caller; None for a typed one.
        found_by: What proposed it; "nothing" where the turn is kept whole, as other words.
        tier: Of a risk, how grave the crisis protocol took it to be.
    """

    entry_id: int = Constrained(ge=1)
    field: Field
    quote: str = Constrained(min_length=1)
    turn: int = Constrained(ge=0)
    at_secs: float | None = Constrained(None, ge=0.0)
    found_by: FoundBy
    tier: Tier | None = None


class IntakeRecord(_Data):
    """What is known so far. Every change makes another record.

    Attributes:
        locale: Language and script of the sheet.
        entries: In the order in which they were said.
        asked: The turn before which the bot asked about a field last.
        declined: What the caller did not want to answer.
        struck: How many entries the caller took out; nothing else is kept of them.
        turns: The caller's turns so far.
        next_id: Of the next entry.
    """

    locale: Locale
    entries: tuple[Entry, ...] = ()
    asked: Mapping[Field, int] = {}
    declined: tuple[Field, ...] = ()
    struck: int = Constrained(0, ge=0)
    turns: int = Constrained(0, ge=0)
    next_id: int = Constrained(1, ge=1)

    def of(self, field: Field) -> tuple[Entry, ...]:
        """Everything told about a field, also where it contradicts itself."""
        return tuple(entry for entry in self.entries if entry.field == field)

    @property
    def under_headings(self) -> tuple[Entry, ...]:
        """What was found for a heading."""
        return tuple(entry for entry in self.entries if entry.field != "other")

    def state(self, field: Field) -> FieldState:
        """How far a field has come."""
        if self.of(field):
            return "told"
        if field in self.declined:
            return "declined"
        return "asked" if field in self.asked else "not_asked"

    @property
    def differing(self) -> tuple[Field, ...]:
        """Fields of which a person has one, that were answered in different words."""
        return tuple(
            field
            for field in FIELDS
            if field in SINGLE and len({comparable(entry.quote) for entry in self.of(field)}) > 1
        )

    def with_entry(
        self,
        field: Field,
        quote: str,
        *,
        turn: int,
        at_secs: float | None,
        found_by: FoundBy,
        tier: Tier | None = None,
    ) -> Self:
        """With one entry more; the same record where it would say nothing new.

        Nothing new are words of the same turn that another quote has in it, and the same words
        of another turn: 三年了 after 十三年了 is another answer. Graver words are always new.
        """
        entry = Entry(
            entry_id=self.next_id,
            field=field,
            quote=quote,
            turn=turn,
            at_secs=at_secs,
            found_by=found_by,
            tier=tier,
        )
        if any(_says(other, entry) for other in self.entries):
            return self
        # Words that grew (三个月, then 大概三个月 of the same turn) take the place of fewer.
        # So does whatever is found for a heading in a turn that was kept whole.
        kept = [
            other
            for other in self.entries
            if other.turn != turn or not (other.field == "other" or _says(entry, other))
        ]
        entries = sorted([*kept, entry], key=lambda one: (one.turn, one.entry_id))
        return self.model_copy(update={"entries": tuple(entries), "next_id": self.next_id + 1})

    def with_turn(self) -> Self:
        """After one more turn of the caller."""
        return self.model_copy(update={"turns": self.turns + 1})

    def with_question(self, field: Field) -> Self:
        """After the bot asked about a field; the answer is the turn to come."""
        return self.model_copy(update={"asked": {**self.asked, field: self.turns}})

    def with_asked(self, before: IntakeRecord, fields: Iterable[Field]) -> Self:
        """With `fields` for what the bot asked since `before`, and nothing else."""
        asked = {**before.asked, **dict.fromkeys(fields, before.turns)}
        return self.model_copy(update={"asked": asked})

    def with_refusal(self, field: Field) -> Self:
        """After the caller did not want to answer."""
        if field in self.declined:
            return self
        return self.model_copy(update={"declined": (*self.declined, field)})

    def without(self, entry_id: int) -> Self:
        """With an entry struck out: its words are gone, also out of turns kept whole.

        Raises:
            StoreError: There is no such entry.
        """
        struck = next((entry for entry in self.entries if entry.entry_id == entry_id), None)
        if struck is None:
            raise StoreError(f"The record has no entry {entry_id}.")
        kept = tuple(
            entry
            for entry in self.entries
            if entry != struck and not (entry.field == "other" and _shares(entry, struck))
        )
        return self.model_copy(update={"entries": kept, "struck": self.struck + 1})


def _says(whole: Entry, part: Entry) -> bool:
    """Whether `part` adds nothing to `whole`: no other words and nothing graver."""
    if whole.field != part.field or rank(whole.tier or "none") < rank(part.tier or "none"):
        return False
    words, fewer = comparable(whole.quote), comparable(part.quote)
    return fewer in words if whole.turn == part.turn else fewer == words


def _shares(one: Entry, other: Entry) -> bool:
    """Whether the words of one are in the other's."""
    words, others = comparable(one.quote), comparable(other.quote)
    return words in others or others in words

"""What is kept of one call for the next: a few of the caller's own sentences. Pure.

Nothing is worded anew. A line is a quote of the intake record or, where that found nothing
to say what the call was about, the longest turn of the caller; so it can be misheard but not
invented.

What is left out (see `KEPT`) is left out as words, not only as a field: a sentence in which
the record, a rule or the crisis protocol found some of it goes whole.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Constrained

from agent.config import Locale
from agent.intake.extract import ruled_turn
from agent.intake.fields import Field
from agent.intake.record import Entry, IntakeRecord
from agent.intake.spans import comparable
from agent.safety.detector import assess
from pipeline.errors import StoreError
from pipeline.text import count_units, units

# "said": a turn that belongs to no field.
Topic: TypeAlias = Field | Literal["said"]

# How many lines a call leaves of each field, in the order in which they are shown. Left out:
# age, intensity and medication, which may have changed; wishes about the record, which stay
# with it; risk, which the crisis protocol judges anew in every call.
KEPT: dict[Field, int] = {
    "name": 1,
    "concern": 2,
    "since": 1,
    "goals": 1,
    "tried": 2,
    "supports": 1,
    "strengths": 1,
    "work": 1,
    "family": 1,
    "health": 1,
}

MAX_LINES = 8  # of one call; about 120 tokens
MAX_LINE_UNITS = 40  # a long breath; what is longer is cut, and marked so
MAX_LINE_CHARS = 300  # of what a caller may write instead
LEAST_SAID_UNITS = 6  # fewer are an answer to something
_CUT = "…"


class MemoryLine(BaseModel):
    """One thing that is remembered.

    Attributes:
        number: 1, 2, 3, … within the call.
        topic: What it is about.
        text: The caller's words, one line.
        corrected: Whether the caller wrote it anew.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Constrained(ge=1)
    topic: Topic
    text: str = Constrained(min_length=1)
    corrected: bool = False


class CallMemory(BaseModel):
    """What is remembered of one call. Every change makes another one.

    Attributes:
        locale: Language and script of the call.
        lines: At most `MAX_LINES`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    locale: Locale
    lines: tuple[MemoryLine, ...] = ()

    def corrected(self, number: int, text: str) -> Self:
        """With other words in one line; empty ones take it out.

        Raises:
            StoreError: There is no such line, or the words are too many.
        """
        self._check(number)
        words = one_line(text)
        if len(words) > MAX_LINE_CHARS:
            raise StoreError(f"A line of the memory has at most {MAX_LINE_CHARS} characters.")
        if not words:
            return self.without(number)
        return self._with(
            line.model_copy(update={"text": words, "corrected": True})
            if line.number == number
            else line
            for line in self.lines
        )

    def without(self, number: int) -> Self:
        """Without one line.

        Raises:
            StoreError: There is no such line.
        """
        self._check(number)
        return self._with(line for line in self.lines if line.number != number)

    def without_quotes(self, quotes: Sequence[str]) -> Self:
        """Without the lines that say any of `quotes`: they were struck from the record."""
        struck = [key for quote in quotes if (key := comparable(quote))]

        def says(line: MemoryLine) -> bool:
            said = comparable(line.text)
            return any(key in said or said in key for key in struck)

        return self._with(line for line in self.lines if not says(line))

    def _with(self, lines: Iterable[MemoryLine]) -> Self:
        return self.model_copy(update={"lines": tuple(lines)})

    def _check(self, number: int) -> None:
        if all(line.number != number for line in self.lines):
            raise StoreError(f"The memory of that call has no line {number}.")


def summarise(record: IntakeRecord, turns: Sequence[str] = ()) -> CallMemory:
    """The lines that one call leaves.

    Args:
        record: What the call's intake took down.
        turns: What the caller said, turn by turn; looked at where the record tells no concern.

    Returns:
        Quotes, at most `MAX_LINES`, none of which raises an alarm of the crisis protocol or
        tells what is left out; empty where nothing worth keeping was said.
    """
    left_out = [entry for entry in record.under_headings if entry.field not in KEPT]
    chosen: list[tuple[Topic, str]] = []
    for field, count in KEPT.items():
        told = [entry.quote for entry in record.of(field) if _may_be_kept(entry, left_out)]
        if field == "concern" and not told:
            silent = {entry.turn for entry in left_out}
            first = record.turns - len(turns)  # a long call's first turns are not handed over
            told_freely = [turn for at, turn in enumerate(turns, first) if at not in silent]
            chosen += [("said", turn) for turn in _longest(told_freely)]
        # The words that say most, in the order in which they were said.
        most = sorted(told, key=count_units, reverse=True)[:count]
        chosen += [(field, quote) for quote in told if quote in most][:count]
    lines = (
        MemoryLine(number=number, topic=topic, text=shortened(one_line(quote)))
        for number, (topic, quote) in enumerate(_unlike(chosen)[:MAX_LINES], start=1)
    )
    return CallMemory(locale=record.locale, lines=tuple(lines))


def one_line(text: str) -> str:
    """`text` without line breaks, control characters and doubled spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def shortened(text: str) -> str:
    """`text`, or its first `MAX_LINE_UNITS` units and a mark that it went on."""
    said = list(units(text))
    if len(said) <= MAX_LINE_UNITS:
        return text
    return text[: said[MAX_LINE_UNITS - 1].end] + _CUT


def _longest(turns: Sequence[str]) -> list[str]:
    told = [turn for turn in turns if count_units(turn) >= LEAST_SAID_UNITS]
    for turn in sorted(told, key=count_units, reverse=True):
        if not _alarms(turn) and _tells_only(turn, KEPT):
            return [turn]
    return []


def _may_be_kept(entry: Entry, left_out: Sequence[Entry]) -> bool:
    """Whether an entry neither alarms nor tells, or shares words with, what is left out."""
    said = comparable(entry.quote)
    shared = (
        other.turn == entry.turn and (said in (words := comparable(other.quote)) or words in said)
        for other in left_out
    )
    return not any(shared) and not _alarms(entry.quote) and _tells_only(entry.quote, KEPT)


def _alarms(text: str) -> bool:
    """Whether the crisis protocol would ask straight out; what it only sounds out may be kept."""
    found = assess(text)
    return found.tier != "none" and not found.faint


def _tells_only(text: str, fields: Container[Field]) -> bool:
    """Whether no rule finds another field, though what was asked before is not known here."""
    hits = (hit for clause in ruled_turn(text).clauses for hit in clause.hits)
    return all(hit.proposal.field in fields for hit in hits)


def _unlike(chosen: Sequence[tuple[Topic, str]]) -> list[tuple[Topic, str]]:
    """Without lines whose words another line says already."""
    kept: list[tuple[Topic, str]] = []
    for topic, quote in chosen:
        said = comparable(quote)
        if said and not any(said in comparable(other) for _, other in kept):
            kept.append((topic, quote))
    return kept

"""Whether the model tells a finished turn of a user from an unfinished one.

The call asks the model exactly this (`pipeline.llm.turn_end`): after the words so far,
without punctuation, how likely is the marker that ends a turn?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.text import units

_SHORTEST_CUT_UNITS = 2


@dataclass(frozen=True, slots=True)
class TurnEndFigures:
    """How well the two kinds part.

    Attributes:
        area: Area under the ROC curve: the chance that a finished turn gets the higher
            probability; 0.5 is blind, 1.0 perfect.
        finished: Median probability of finished turns.
        unfinished: Median probability of turns cut in the middle.
        turns: How many of each.
    """

    area: float
    finished: float
    unfinished: float
    turns: int


def cut_in_the_middle(text: str) -> str | None:
    """The first half of a turn, cut between two units; None if it is too short to cut."""
    found = units(text)
    middle = len(found) // 2
    if middle < _SHORTEST_CUT_UNITS:
        return None
    return text[: found[middle - 1].end]


def bare(text: str) -> str:
    """A turn as a recogniser gives it, without punctuation at its end."""
    found = units(text)
    return text[: found[-1].end] if found else text.strip()


def part(finished: Sequence[float], unfinished: Sequence[float]) -> TurnEndFigures:
    """Compare probabilities of turns of both kinds; neither may be empty."""
    wins = sum((one > other) + (one == other) / 2 for one in finished for other in unfinished)
    return TurnEndFigures(
        area=wins / (len(finished) * len(unfinished)),
        finished=_median(finished),
        unfinished=_median(unfinished),
        turns=len(finished),
    )


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2

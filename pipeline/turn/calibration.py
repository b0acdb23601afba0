"""The fitted numbers behind `pipeline.turn.endpointing`.

They stand in `calibration.json`, which `qingting bench endpointing --calibrate` writes from
the labelled set in `agent/bench/endpointing`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Literal, TypeAlias

from pipeline.text import Language

CALIBRATION_FILE = "calibration.json"

# Which models have voted.
Voters: TypeAlias = Literal["both", "llm", "smart_turn", "neither"]


def voters_of(*, llm: bool, smart_turn: bool) -> Voters:
    """The name of a set of votes that are in."""
    if llm:
        return "both" if smart_turn else "llm"
    return "smart_turn" if smart_turn else "neither"


@dataclass(frozen=True, slots=True)
class Weights:
    """Log-odds for each vote of `pipeline.turn.endpointing.votes_of`."""

    bias: float
    llm: float
    smart_turn: float
    open: float
    leading: float
    question: float
    answer: float
    unmarked: float
    paused: float
    asked: float

    def log_odds(self, votes: Mapping[str, float]) -> float:
        """The sum of `votes`, each times the weight of its name."""
        total: float = sum(getattr(self, name) * vote for name, vote in votes.items())
        return total


@dataclass(frozen=True, slots=True)
class Calibration:
    """All that is fitted.

    Attributes:
        weights: By language, and by which models have voted: a vote that is missing
            leaves more to the others.
        doubt: Log-odds up to which the wait is the longest.
        sure: Log-odds from which the wait is the shortest; above `doubt`.
    """

    weights: Mapping[Language, Mapping[Voters, Weights]]
    doubt: float
    sure: float

    def to_json(self) -> str:
        """The file's content."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """Read what `to_json` wrote."""
        data = json.loads(text)
        weights = {
            language: {voters: Weights(**one) for voters, one in by_voters.items()}
            for language, by_voters in data["weights"].items()
        }
        return cls(weights, data["doubt"], data["sure"])


def load_calibration() -> Calibration:
    """The numbers that came with this version."""
    file = resources.files(__package__) / CALIBRATION_FILE
    return Calibration.from_json(file.read_text(encoding="utf-8"))

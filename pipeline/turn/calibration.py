"""The fitted numbers behind `pipeline.turn.endpointing`.

They stand in `calibration.json`, which `qingting bench endpointing --calibrate` writes from
the labelled set in `agent/bench/endpointing`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from pipeline.text import Language

CALIBRATION_FILE = "calibration.json"

# Who judges the words: an encoder tuned to it, else the language model behind the call.
JudgedBy: TypeAlias = Literal["encoder", "llm"]
# Which models have voted.
Voters: TypeAlias = Literal["encoder+audio", "encoder", "llm+audio", "llm", "audio", "neither"]
_WITH_AUDIO: Mapping[JudgedBy, Voters] = {"encoder": "encoder+audio", "llm": "llm+audio"}


def voters_of(words: JudgedBy | None, *, audio: bool) -> Voters:
    """The name of a set of votes that are in.

    Args:
        words: Who has judged the words, if anybody has.
        audio: Whether smart-turn has judged the melody.
    """
    if words is None:
        return "audio" if audio else "neither"
    return _WITH_AUDIO[words] if audio else words


@dataclass(frozen=True, slots=True)
class Weights:
    """Log-odds for each vote of `pipeline.turn.endpointing.votes_of`."""

    bias: float
    words: float
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
class Slope:
    """Between which log-odds the wait falls.

    Attributes:
        doubt: Up to here it is the longest.
        sure: From here on it is the shortest; above `doubt`.
    """

    doubt: float
    sure: float


@dataclass(frozen=True, slots=True)
class Rule:
    """How votes become a wait."""

    weights: Weights
    slope: Slope


@dataclass(frozen=True, slots=True)
class Calibration:
    """All that is fitted.

    Attributes:
        rules: By language, and by which models have voted: a vote that is missing leaves
            more to the others, and less to be sure of.
    """

    rules: Mapping[Language, Mapping[Voters, Rule]]

    def to_json(self) -> str:
        """The file's content."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """Read what `to_json` wrote."""
        rules = {
            language: {
                voters: Rule(Weights(**rule["weights"]), Slope(**rule["slope"]))
                for voters, rule in by_voters.items()
            }
            for language, by_voters in json.loads(text)["rules"].items()
        }
        return cls(rules)


def calibration_path() -> Path:
    """Where they stand."""
    return Path(__file__).with_name(CALIBRATION_FILE)


def load_calibration() -> Calibration:
    """The numbers that came with this version."""
    return Calibration.from_json(calibration_path().read_text(encoding="utf-8"))

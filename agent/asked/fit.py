"""Fits the weights of `agent.asked.about`: `python -m agent.asked.fit`.

    tests/data/asked/fit.jsonl   labelled turns, half of them hard ones that ask for nothing
    train/data/counsellor        callers' turns in ordinary calls, as none
    tests/data/safety            grave utterances of two files there, as none
    ─▶ weights.npz

Who says goodbye to the world, and passes the crisis protocol by, must not get a friendly
farewell: so grave utterances ask for nothing here. Runs in a checkout with the `train` extra,
in half a minute. Nothing of the sets that measure (`MEASURING`, and those of `tests/data/safety`)
is fitted on; `agent.asked.check` cross-validates and measures.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from agent.asked.about import N_KINDS
from agent.asked.kinds import ABOUTS
from agent.likeness.fit import fit as fit_likeness
from agent.likeness.model import Likeness, to_bytes
from agent.safety.fold import fold
from agent.safety.meaning import Vectors, vectors
from agent.safety.opinion_fit import labelled as utterances
from agent.safety.tiers import rank

Source: TypeAlias = Literal["labelled", "ordinary", "grave"]

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "asked"
LABELLED = DATA / "fit.jsonl"
UNSEEN = DATA / "unseen.jsonl"
SECOND_UNSEEN = DATA / "second_unseen.jsonl"
GRAVE = tuple(
    ROOT / "tests" / "data" / "safety" / f"{one}.jsonl" for one in ("development", "wordings")
)
MEASURING = (UNSEEN, SECOND_UNSEEN)
ORDINARY = ROOT / "train" / "data" / "counsellor"
# Files of dialogues, and dialogues by their tags, in which callers try the listener out.
NOT_ORDINARY_FILES = frozenset(("around-the-call", "difficult-calls", "on-the-phone"))
NOT_ORDINARY_TAGS = frozenset(("diagnosis", "goodbye", "identity", "medication request", "name",
                               "pills", "doctor's pills", "secrecy"))  # fmt: skip
RESULT = Path(__file__).with_name("weights.npz")

NEIGHBOURS = 8  # lines of the labelled file that are kept together when it is divided


@dataclass(frozen=True, slots=True)
class Example:
    """One turn.

    Attributes:
        kind: 0 for none, else 1 and the place in `ABOUTS`.
        locale: Of a labelled turn, else "".
        family: Turns of one family are alike: written in a row, or by one caller. None of them
            may judge another.
        source: It was labelled by hand, said in an ordinary call, or said by one in danger.
    """

    text: str
    kind: int
    locale: str = ""
    family: str = ""
    source: Source = "labelled"


def labelled(path: Path) -> list[Example]:
    """The turns of a file that were labelled by hand."""
    turns = []
    for number, line in enumerate(path.read_text("utf-8").splitlines()):
        row = json.loads(line)
        kind = 0 if row["label"] == "none" else 1 + ABOUTS.index(row["label"])
        family = f"line {number // NEIGHBOURS}"
        turns.append(Example(row["text"], kind, row["locale"], family))
    return turns


def ordinary(known: Sequence[Example]) -> list[Example]:
    """What callers say in ordinary calls, but for their last words, which may be a farewell.

    Args:
        known: Turns that are labelled by hand; some were said in those calls.
    """
    labelled_texts = {one.text for one in known}
    return [
        Example(turn, 0, family=f"caller {number}", source="ordinary")
        for number, turns in enumerate(_callers())
        for turn in turns[:-1]
        if turn not in labelled_texts
    ]


def grave() -> list[Example]:
    """What callers in danger say; families as in the crisis detector's own fit."""
    return [
        Example(one.text, 0, family=one.family, source="grave")
        for one in utterances(GRAVE)
        if rank(one.label) >= rank("elevated")
    ]


def examples() -> list[Example]:
    """All that the weights are fitted on."""
    known = labelled(LABELLED)
    return [*known, *ordinary(known), *grave()]


def _callers() -> Iterator[list[str]]:
    """The turns of each caller."""
    for path in sorted(ORDINARY.glob("*/*.jsonl")):
        if path.stem in NOT_ORDINARY_FILES:
            continue
        for line in path.read_text("utf-8").splitlines():
            dialogue = json.loads(line)
            if NOT_ORDINARY_TAGS.isdisjoint(dialogue["tags"]):
                yield [one["content"] for one in dialogue["messages"] if one["role"] == "user"]


def fit(data: Sequence[Example], meanings: Vectors | None = None) -> Likeness:
    """Fit on all turns.

    Args:
        data: Turns, at least one labelled by hand.
        meanings: Of the turns, shape (n_turns, DIMENSIONS), where they are known already.
    """
    words = [fold(one.text) for one in data]
    return fit_likeness(
        words,
        vectors(words) if meanings is None else meanings,
        [one.kind for one in data],
        [row for row, one in enumerate(data) if one.source == "labelled"],
        n_kinds=N_KINDS,
    )


if __name__ == "__main__":
    RESULT.write_bytes(to_bytes(fit(examples())))

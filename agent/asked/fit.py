"""Fits the weights of `agent.asked.about`: `python -m agent.asked.fit`.

    tests/data/asked/fit.jsonl   labelled turns, half of them hard ones that ask for nothing
    tests/data/asked/errands.jsonl   the same for the group `line`, which learns both files
    tests/data/asked/manner.jsonl    the same for the group `manner`
    train/data/counsellor        callers' turns in ordinary calls, as none
    tests/data/safety            grave utterances of two files there, as none
    ─▶ listener.npz, line.npz, manner.npz: the weights of each group

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

from pydantic import TypeAdapter

from agent.asked.kinds import GROUPS, About, Asked, Group
from agent.asked.rules import plainly_asked
from agent.at_a_loss import at_a_loss
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
ERRANDS = DATA / "errands.jsonl"
MANNER = DATA / "manner.jsonl"
UNSEEN = DATA / "unseen.jsonl"
SECOND_UNSEEN = DATA / "second_unseen.jsonl"
THIRD_UNSEEN = DATA / "third_unseen.jsonl"
MANNER_UNSEEN = DATA / "manner_unseen.jsonl"
GRAVE = tuple(
    ROOT / "tests" / "data" / "safety" / f"{one}.jsonl" for one in ("development", "wordings")
)
MEASURING = (UNSEEN, SECOND_UNSEEN, THIRD_UNSEEN, MANNER_UNSEEN)
ORDINARY = ROOT / "train" / "data" / "counsellor"
# Files of dialogues, and dialogues by their tags, in which callers try the listener out.
NOT_ORDINARY_FILES = frozenset(("around-the-call", "difficult-calls", "on-the-phone"))
NOT_ORDINARY_TAGS = frozenset(("diagnosis", "goodbye", "identity", "medication request", "name",
                               "pills", "doctor's pills", "secrecy"))  # fmt: skip

_ASKED_IN_CALLS: frozenset[Asked] = frozenset(("there", "errand", "cross"))
NEIGHBOURS = 8  # lines of the labelled file that are kept together when it is divided


@dataclass(frozen=True, slots=True)
class Example:
    """One turn.

    Attributes:
        about: What is asked for, None where nothing is.
        locale: Of a labelled turn, else "".
        family: Turns of one family are alike: written in a row, or by one caller. None of them
            may judge another.
        source: It was labelled by hand, said in an ordinary call, or said by one in danger.
    """

    text: str
    about: About | None
    locale: str = ""
    family: str = ""
    source: Source = "labelled"


def labelled(path: Path) -> list[Example]:
    """The turns of a file that were labelled by hand."""
    turns = []
    for number, line in enumerate(path.read_text("utf-8").splitlines()):
        row = json.loads(line)
        about = None if row["label"] == "none" else TypeAdapter(About).validate_python(row["label"])
        family = f"{path.stem}, line {number // NEIGHBOURS}"
        turns.append(Example(row["text"], about, row["locale"], family))
    return turns


def ordinary(known: Sequence[Example]) -> list[Example]:
    """What callers say in ordinary calls, but for their last words, which may be a farewell.

    Args:
        known: Turns that are labelled by hand; some were said in those calls.

    Nobody has labelled these turns: what a rule takes for a check of the line, an errand or a
    complaint, which there are, is left out.
    """
    labelled_texts = {one.text for one in known}
    return [
        Example(turn, None, family=f"caller {number}", source="ordinary")
        for number, turns in enumerate(_callers())
        for turn in turns[:-1]
        if turn not in labelled_texts and plainly_asked(fold(turn)).isdisjoint(_ASKED_IN_CALLS)
    ]


def grave() -> list[Example]:
    """What callers in danger say; families as in the crisis detector's own fit."""
    return [
        Example(one.text, None, family=one.family, source="grave")
        for one in utterances(GRAVE)
        if rank(one.label) >= rank("elevated")
    ]


def examples(group: Group) -> list[Example]:
    """All that the weights of a group are fitted on."""
    known = labelled(LABELLED)
    if group == "line":
        known += labelled(ERRANDS)
    if group == "manner":
        known += labelled(MANNER)
    calm = [
        one for one in ordinary(known) if group != "manner" or at_a_loss(fold(one.text)) is None
    ]
    return [*known, *calm, *grave()]


def _callers() -> Iterator[list[str]]:
    """The turns of each caller."""
    for path in sorted(ORDINARY.glob("*/*.jsonl")):
        if path.stem in NOT_ORDINARY_FILES:
            continue
        for line in path.read_text("utf-8").splitlines():
            dialogue = json.loads(line)
            if NOT_ORDINARY_TAGS.isdisjoint(dialogue["tags"]):
                yield [one["content"] for one in dialogue["messages"] if one["role"] == "user"]


def fit(group: Group, data: Sequence[Example], meanings: Vectors | None = None) -> Likeness:
    """Fit on all turns; what asks for a thing of another group asks for none here.

    Args:
        group: Whose things are told apart.
        data: Turns, at least one labelled by hand.
        meanings: Of the turns, shape (n_turns, DIMENSIONS), where they are known already.
    """
    words = [fold(one.text) for one in data]
    kinds = {about: kind for kind, about in enumerate(GROUPS[group], start=1)}
    return fit_likeness(
        words,
        vectors(words) if meanings is None else meanings,
        [0 if one.about is None else kinds.get(one.about, 0) for one in data],
        [row for row, one in enumerate(data) if one.source == "labelled"],
        n_kinds=1 + len(kinds),
    )


if __name__ == "__main__":
    for name in GROUPS:
        result = Path(__file__).with_name(f"{name}.npz")
        result.write_bytes(to_bytes(fit(name, examples(name))))

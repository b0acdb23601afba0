"""Fits the weights of `agent.safety.opinion`: `python -m agent.safety.opinion_fit`.

    tests/data/safety/{development,wordings,situations}.jsonl   labelled utterances
    train/data/counsellor              callers' turns in ordinary calls, as none
    tests/data/intake, safety/calls    other callers' turns, as a reader marked them
    ─▶ n-grams seen twice, nearness to landmarks ─▶ softmax regression with a ridge ─▶ opinion.npz

Runs in a checkout with the `train` extra, in about a minute. Nothing of the sets that measure (the
other files there) is fitted on; `opinion_check` measures.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import get_args

from agent.likeness.fit import fit as fit_likeness
from agent.likeness.model import Likeness, to_bytes
from agent.safety.detector import without_benign
from agent.safety.fold import fold
from agent.safety.in_calls import FITTED, turns_of
from agent.safety.meaning import vectors
from agent.safety.opinion import CLASSES
from agent.safety.tiers import Category, Tier, rank
from pipeline.text import language_of

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "safety"
DEVELOPMENT = DATA / "development.jsonl"
LABELLED = (DEVELOPMENT, DATA / "wordings.jsonl", DATA / "situations.jsonl")
ORDINARY = ROOT / "train" / "data" / "counsellor"
RESULT = Path(__file__).with_name("opinion.npz")

# Dialogues in which the caller may be in danger say nothing about ordinary talk.
NOT_ORDINARY = frozenset(("crisis", "after safety script", "after-safety", "minor", "prank"))

# How many labelled utterances an ordinary turn counts for: by cross-validation 3 finds 3 % more of
# the grave than 1 where as many ordinary turns are answered; 8 was no better.
ORDINARY_COUNTS_FOR = 3.0

ONE_IN = 5  # of ordinary turns that are read together with the one before
GRAVE_ONE_IN = 3  # of grave utterances that are read beside an ordinary turn

NEIGHBOURS = 12  # lines of a labelled file that are kept together when it is divided


@dataclass(frozen=True, slots=True)
class Example:
    """One text to fit on.

    Attributes:
        kind: Its class, as `opinion.CLASSES` counts them.
        label: Its tier; "none" if ordinary.
        family: Texts of one family are alike: a grave wording and the harmless ones written
            beside it, or the turns of one caller. None of them may judge another.
        is_ordinary: It was said in an ordinary call, not labelled by hand.
    """

    text: str
    kind: int
    label: Tier = "none"
    family: str = ""
    is_ordinary: bool = False


def labelled(paths: Sequence[Path] = LABELLED) -> Iterator[Example]:
    """The utterances of some files, which were labelled by hand.

    Families and so parts go by place: whoever adds lines adds them at a file's end.
    """
    categories: tuple[Category, ...] = get_args(Category)
    for path in paths:
        for number, line in enumerate(path.read_text("utf-8").splitlines()):
            row = json.loads(line)
            kind = 0 if row["label"] == "none" else 1 + categories.index(row["kind"])
            family = f"{path.stem} {number // NEIGHBOURS}"
            yield Example(row["text"], kind, row["label"], family)


def ordinary() -> Iterator[Example]:
    """What callers say in calls without danger."""
    for caller, turns in ordinary_callers():
        family = f"caller {caller}"
        for turn in turns:
            yield Example(turn, 0, family=family, is_ordinary=True)


def told_in_calls() -> Iterator[Example]:
    """What the callers of `in_calls.FITTED` say, without what is a matter of taste."""
    categories: tuple[Category, ...] = get_args(Category)
    for turn in turns_of(FITTED):
        if turn.label is not None:
            kind = 0 if turn.kind is None else 1 + categories.index(turn.kind)
            is_ordinary = turn.label == "none"
            yield Example(turn.text, kind, turn.label, f"call {turn.caller}", is_ordinary)


def in_a_row(data: Sequence[Example]) -> Iterator[Example]:
    """Of ordinary turns every fifth, together with the one before: two are read so in calls."""
    for before, one in pairwise(data):
        beside = before.family == one.family and before.is_ordinary and one.is_ordinary
        if beside and zlib.crc32(one.text.encode()) % ONE_IN == 0:
            yield replace(one, text=f"{before.text}，{one.text}")


def in_one_breath(data: Sequence[Example], one_in: int = GRAVE_ONE_IN) -> Iterator[Example]:
    """Some grave utterances, each with an ordinary turn of its language before or behind it.

    What is grave stays so in the middle of a story.

    Args:
        data: Grave and ordinary texts, in any order.
        one_in: Of so many grave ones one is taken, by lot; 1 takes all.
    """
    dice = random.Random(0)
    calm: dict[str, list[str]] = {}
    for one in data:
        if one.is_ordinary:
            calm.setdefault(language_of(one.text), []).append(one.text)
    for one in data:
        pool = calm.get(language_of(one.text))
        if pool and rank(one.label) >= rank("elevated") and dice.random() < 1 / one_in:
            halves = [one.text, dice.choice(pool)]
            dice.shuffle(halves)
            yield replace(one, text="，".join(halves))


def all_examples() -> list[Example]:
    """Everything that is fitted on, before it is joined."""
    return [*labelled(), *ordinary(), *told_in_calls()]


def joined(data: Sequence[Example]) -> list[Example]:
    """The texts, and some of them as they are said together."""
    return [*data, *in_a_row(data), *in_one_breath(data)]


def ordinary_callers() -> Iterator[tuple[str, list[str]]]:
    """Each caller of a dialogue without danger: the dialogue's id, and their turns."""
    for path in sorted(ORDINARY.glob("*/*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            dialogue = json.loads(line)
            if NOT_ORDINARY.isdisjoint(dialogue["tags"]):
                turns = [one["content"] for one in dialogue["messages"] if one["role"] == "user"]
                if turns:
                    yield dialogue["id"], turns


def fit(data: Sequence[Example]) -> Likeness:
    """Fit on texts of at least two classes."""
    folded = [fold(one.text) for one in data]
    return fit_likeness(
        [without_benign(text) for text in folded],
        vectors(folded),
        [one.kind for one in data],
        [row for row, one in enumerate(data) if not one.is_ordinary],
        n_kinds=CLASSES,
        counts_for=[ORDINARY_COUNTS_FOR if one.is_ordinary else 1.0 for one in data],
    )


if __name__ == "__main__":
    RESULT.write_bytes(to_bytes(fit(joined(all_examples()))))

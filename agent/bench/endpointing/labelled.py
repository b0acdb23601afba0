"""The labelled set: turns, and the same turns stopped where a speaker would draw breath.

`turns.zh.jsonl` and `turns.en.jsonl` hold one turn a line, written for this project and
under its licence, in the form in which a recogniser gives speech: hardly any punctuation,
fillers and repairs left in. A turn with a `cut` yields two items, the whole and the part
before the cut; both fall into the same split, so that nothing is fitted to one of them while
the other is judged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Literal, TypeAlias, get_args

from pipeline.text import Language

Split: TypeAlias = Literal["learnt", "calibration", "held-out"]
CutKind: TypeAlias = Literal["trailing", "mid-phrase", "phrase", "clause"]

LANGUAGES: tuple[Language, ...] = get_args(Language)
_SPLITS: tuple[Split, ...] = ("learnt", "calibration", "learnt", "held-out")


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn as it would be said in full.

    Attributes:
        id: Language and number, e.g. "zh-017".
        language: Language of the turn.
        domain: What it is about.
        kind: "statement", "question", "disclosure", "answer", "short answer", "request" or
            "number".
        text: All of it.
        cut: Characters of `text` before the pause; None when it is said in one breath.
        cut_kind: What stands before the pause: a conjunction or filler ("trailing"), words
            that need a complement ("mid-phrase"), a phrase or clause that needs a main
            clause ("phrase"), or a clause that could have been all ("clause").
    """

    id: str
    language: Language
    domain: str
    kind: str
    text: str
    cut: int | None = None
    cut_kind: CutKind | None = None

    @property
    def split(self) -> Split:
        """By a hash of the identifier: the encoder learns a half, a quarter weighs the votes."""
        return _SPLITS[hashlib.sha256(self.id.encode()).digest()[0] % len(_SPLITS)]


@dataclass(frozen=True, slots=True)
class Item:
    """Words so far, and whether they are all there is.

    Attributes:
        turn: Where they come from.
        complete: The whole turn, or the part before its pause.
    """

    turn: Turn
    complete: bool

    @property
    def text(self) -> str:
        """What was said."""
        return self.turn.text if self.complete else self.turn.text[: self.turn.cut].rstrip()

    @property
    def id(self) -> str:
        """The turn's identifier, with a mark for the part before the pause."""
        return self.turn.id if self.complete else f"{self.turn.id}-part"


def load_turns(language: Language) -> tuple[Turn, ...]:
    """The turns of one language, in the order of the file."""
    file = resources.files(__package__) / f"turns.{language}.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    return tuple(Turn(language=language, **json.loads(line)) for line in lines)


def items_of(turns: Sequence[Turn]) -> tuple[Item, ...]:
    """Every turn whole, followed by its part if it has a pause."""
    return tuple(
        Item(turn, complete)
        for turn in turns
        for complete in (True, False)
        if complete or turn.cut is not None
    )

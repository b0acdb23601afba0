"""What the bot asks for the record in words of its own, and when it must not: `questions.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, TypeAlias

from agent.config import Locale
from agent.intake.extract import asked_about
from agent.intake.fields import Field
from agent.intake.spans import fold
from pipeline.text import Language, count_units, language_of

# Who wants something else, for this turn; who is in pain, for this and the next; who does not want
# to be asked, for the rest of the call.
Scope: TypeAlias = Literal["turn", "comfort", "call"]

# Of a question that the caller cut off so much must have been heard to know it by.
LEAST_UNITS = {"zh": 3, "en": 2}

_CUT = "—-… ，,"
_SENTENCE_ENDS = ("。", "！", "？", "!", "?", ".", "…")


@dataclass(frozen=True, slots=True)
class Phrases:
    """Tables of one language, of folded words.

    Attributes:
        touched: By field, what tells that it came up.
        withheld: What the caller says that leaves no room for a question.
    """

    touched: Mapping[Field, re.Pattern[str]]
    withheld: Mapping[Scope, re.Pattern[str]]


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((resources.files("agent.intake") / "questions.toml").read_text("utf-8"))


@cache
def questions_in(locale: Locale) -> Mapping[Field, str]:
    """What is asked about each field in a locale."""
    asked: Mapping[Field, str] = _data()["asked"][locale]
    return asked


@cache
def phrases_in(language: Language) -> Phrases:
    """The tables of a language."""
    found = _data()
    return Phrases(
        {field: re.compile(words) for field, words in found["touched"][language].items()},
        {scope: re.compile(words) for scope, words in found["withheld"][language].items()},
    )


def touched_in(turn: str) -> frozenset[Field]:
    """The fields of which a caller's turn has words, be they told or not."""
    words = fold(turn)
    touched = phrases_in(language_of(turn)).touched
    return frozenset(field for field, found in touched.items() if found.search(words))


def withheld_in(turn: str, scope: Scope) -> bool:
    """Whether a caller's turn leaves no room for a question, for one of three reasons."""
    return phrases_in(language_of(turn)).withheld[scope].search(fold(turn)) is not None


def asked_in(heard: str) -> tuple[Field, ...]:
    """The fields that what was heard of the bot asks about.

    One of its own questions counts from its first words on: a caller who answers over its last
    syllables has heard it.
    """
    return tuple(dict.fromkeys((*asked_about(heard), *_whole_or_begun(heard))))


def _whole_or_begun(heard: str) -> list[Field]:
    said = fold(heard).rstrip(_CUT)
    return [
        field
        for locale in _data()["asked"]
        for field, question in questions_in(locale).items()
        if fold(question) in said or _breaks_off_in(said, fold(question))
    ]


def _breaks_off_in(said: str, question: str) -> bool:
    """Whether the last, unfinished sentence of `said` is the beginning of `question`."""
    return any(
        not (before := said.removesuffix(part).rstrip()) or before.endswith(_SENTENCE_ENDS)
        for part in _beginnings(question)
        if said.endswith(part)
    )


@cache
def _beginnings(question: str) -> tuple[str, ...]:
    """What of a question may have been heard when it was cut off."""
    least = LEAST_UNITS[language_of(question)]
    parts = (question[:end].rstrip(_CUT) for end in range(1, len(question)))
    return tuple(part for part in parts if count_units(part) >= least)

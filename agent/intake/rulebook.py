"""The rules of a language, read and compiled once from `rules/LANGUAGE.toml`."""

from __future__ import annotations

import re
import tomllib
import zlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Constrained

from agent.intake.fields import FIELDS, Field
from pipeline.text import Language

Pattern: TypeAlias = re.Pattern[str]
About: TypeAlias = Literal["caller", "anyone"]

_NAME = re.compile(r"<([A-Z]+)>")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _RuleData(_Data):
    field: Field
    match: tuple[str, ...] = Constrained(min_length=1)
    unless: tuple[str, ...] = ()
    about: About = "caller"
    asked: bool = False


class _ReadingsData(_Data):
    other: str
    self: str
    refusal: str
    nothing: str
    feelings: str


class _File(_Data):
    words: dict[str, str]
    readings: _ReadingsData
    questions: dict[Field, tuple[str, ...]]
    rules: tuple[_RuleData, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """What makes a clause an entry.

    Attributes:
        name: Language, field and a checksum of the pattern; a changed pattern has another.
        field: Of the entry.
        match: What the clause says; a group `q` is the quote, else the clause is.
        unless: What must not stand in the clause.
        about: "caller" leaves out clauses about somebody else.
        asked: Holds only where the bot has just asked about the field.
    """

    name: str
    field: Field
    match: Pattern
    unless: Pattern | None
    about: About
    asked: bool


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All rules of one language.

    Attributes:
        rules: The surest of a field first.
        questions: By field, the words with which it is asked about.
        other: Opens a clause about somebody else.
        self: Brings the talk back to the caller.
        refusal: The caller does not want to answer.
        nothing: An answer without content, such as 不知道.
        feelings: Feelings that come before any question.
    """

    rules: tuple[Rule, ...]
    questions: dict[Field, Pattern]
    other: Pattern
    self: Pattern
    refusal: Pattern
    nothing: Pattern
    feelings: Pattern


@cache
def rulebook(language: Language) -> Rulebook:
    """The rules of a language."""
    text = (resources.files("agent.intake") / "rules" / f"{language}.toml").read_text("utf-8")
    data = _File.model_validate(tomllib.loads(text))

    def compiled(patterns: tuple[str, ...]) -> Pattern:
        whole = "|".join(f"(?:{_filled(one, data.words)})" for one in patterns)
        return re.compile(whole)

    rules = [
        Rule(
            f"{language}.{rule.field}.{zlib.crc32(pattern.encode()):08x}",
            rule.field,
            re.compile(_filled(pattern, data.words)),
            compiled(rule.unless) if rule.unless else None,
            rule.about,
            rule.asked,
        )
        for rule in data.rules
        for pattern in rule.match  # apart, since each may have a group q
    ]
    readings = data.readings
    return Rulebook(
        tuple(sorted(rules, key=lambda rule: FIELDS.index(rule.field))),
        {field: compiled(asks) for field, asks in data.questions.items() if asks},
        compiled((readings.other,)),
        compiled((readings.self,)),
        compiled((readings.refusal,)),
        compiled((readings.nothing,)),
        compiled((readings.feelings,)),
    )


def _filled(pattern: str, words: dict[str, str]) -> str:
    while _NAME.search(pattern):
        pattern = _NAME.sub(lambda name: words[name.group(1)], pattern)
    return pattern

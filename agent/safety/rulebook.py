"""Rules as data: the files of `rules/zh` and `rules/en`, read and compiled once."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from agent.safety.tiers import Category, Tier

About: TypeAlias = Literal["caller", "anyone"]
Pattern: TypeAlias = re.Pattern[str]

_NAME = re.compile(r"<([A-Z_]+)>")
LANGUAGES = ("zh", "en")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _RuleData(_Data):
    id: str
    category: Category
    tier: Tier
    about: About = "caller"
    plain: bool = False
    match: tuple[str, ...] = Field(min_length=1)
    unless: tuple[str, ...] = ()


class _ContextData(_Data):
    negation: str
    double_negation: str = r"(?!)"
    self: str
    other: str
    reported: str
    inner_negation: str
    core: str
    past: str
    present: str
    at_times: str
    wish: str
    right_now: str
    joke: str
    fiction: str
    own_too: str


class _Benign(_Data):
    patterns: tuple[str, ...]


class _LeaveTakingData(_Data):
    acts: tuple[str, ...]
    farewells: tuple[str, ...]
    thanks: tuple[str, ...]
    beside: tuple[str, ...]


class _Files(_Data):
    """What the files of one language hold together."""

    words: dict[str, str]
    context: _ContextData
    benign: _Benign
    leave_taking: _LeaveTakingData
    rules: tuple[_RuleData, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One way in which a crisis is said.

    Attributes:
        rule_id: Stable name, for logs and reports; never carries text.
        about: "caller" asks who is meant; "anyone" is an emergency whoever it happens to.
        plain: Its words are seldom said of anything else: a slight doubt takes nothing from it.
        match: What to look for in folded text.
        unless: Found anywhere in the text, it takes the rule back; None takes nothing back.
    """

    rule_id: str
    category: Category
    tier: Tier
    about: About
    plain: bool
    match: Pattern
    unless: Pattern | None


@dataclass(frozen=True, slots=True)
class Context:
    """Patterns that change what a match means; see `agent.safety.reading`.

    Attributes:
        negation: Stands right before a match and ends where the match begins.
        double_negation: Looks like a negation but is none: "can't stop".
        inner_negation: Denies a match from within: 他从来没打过我.
        core: The words a negation must stand before when a match begins further back.
        self: The caller as subject.
        other: Somebody else as subject.
        reported: A verb of saying, which carries a subject into the next clause.
        past: It was so once.
        present: But it is so now.
        at_times: It is so now and then.
        wish: It is thought of.
        right_now: It is so at this moment, or done.
        joke: Marks of a joke, anywhere.
        fiction: Films, games, news, language lessons, in the same clause.
        own_too: Takes fiction or others back to the caller.
    """

    negation: Pattern
    double_negation: Pattern
    self: Pattern
    other: Pattern
    reported: Pattern
    inner_negation: Pattern
    core: Pattern
    past: Pattern
    present: Pattern
    at_times: Pattern
    wish: Pattern
    right_now: Pattern
    joke: Pattern
    fiction: Pattern
    own_too: Pattern


@dataclass(frozen=True, slots=True)
class LeaveTaking:
    """How a call is ended.

    Attributes:
        leaving: Takes leave, of whatever it is.
        ordinary: Says that it is the call, or thanks for it.
        any_part: All of these, and what may stand beside them.
    """

    leaving: Pattern
    ordinary: Pattern
    any_part: Pattern


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All rules of a language.

    Attributes:
        benign: What only sounds like a crisis.
    """

    language: str
    benign: Pattern
    leave_taking: LeaveTaking
    context: Context
    rules: tuple[Rule, ...]


@cache
def rulebook(language: str) -> Rulebook:
    """The rules of "zh" or "en"; the files are part of the package and tested with it."""
    data = _Files.model_validate(_read(language))

    def compiled(*patterns: str) -> Pattern:
        return re.compile("|".join(f"(?:{_expand(pattern, data.words)})" for pattern in patterns))

    context = Context(
        **{name: compiled(pattern) for name, pattern in data.context.model_dump().items()}
    )
    rules = tuple(
        Rule(
            rule.id,
            rule.category,
            rule.tier,
            rule.about,
            rule.plain,
            compiled(*rule.match),
            compiled(*rule.unless) if rule.unless else None,
        )
        for rule in data.rules
    )
    ending = data.leave_taking
    leave_taking = LeaveTaking(
        leaving=compiled(*ending.acts, *ending.farewells),
        ordinary=compiled(*ending.acts, *ending.thanks),
        any_part=compiled(*ending.acts, *ending.farewells, *ending.thanks, *ending.beside),
    )
    benign = compiled(*data.benign.patterns)
    return Rulebook(language, benign, leave_taking, context, rules)


def _read(language: str) -> dict[str, Any]:
    """All files of a language as one: every table stands in one file, rules in several."""
    together: dict[str, Any] = {"rules": []}
    folder = resources.files("agent.safety.rules").joinpath(language)
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        tables = tomllib.loads(file.read_text("utf-8"))
        together["rules"] += tables.pop("rules", [])
        together |= tables
    return together


def _expand(pattern: str, words: dict[str, str]) -> str:
    """`pattern` with every <NAME> replaced; entries may name others."""
    return _NAME.sub(lambda name: f"(?:{_expand(words[name.group(1)], words)})", pattern)

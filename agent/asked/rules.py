"""Plain ways of asking, as rules over folded text."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from agent.asked.kinds import Asked

_BESIDE_CHARS = 4
_FIRST_WORD = re.compile(r"^[a-z']+")  # perhaps cut through
_LAST_WORD = re.compile(r"[a-z']+$")


@dataclass(frozen=True, slots=True)
class Rule:
    """A way of asking.

    Attributes:
        about: What is asked for.
        match: Found in the folded text.
        unless: Not found there; None has no exception.
    """

    about: Asked
    match: re.Pattern[str]
    unless: re.Pattern[str] | None

    def around(self, folded: str) -> Iterator[str]:
        """Where it holds in a long text, with a few characters beside it but no half words."""
        for found in self.match.finditer(folded):
            before = folded[max(0, found.start() - _BESIDE_CHARS) : found.start()]
            after = folded[found.end() : found.end() + _BESIDE_CHARS]
            if found.start() > _BESIDE_CHARS:
                before = _FIRST_WORD.sub("", before)
            if found.end() + _BESIDE_CHARS < len(folded):
                after = _LAST_WORD.sub("", after)
            stretch = f"{before}{found.group()}{after}".strip()
            if self.unless is None or not self.unless.search(stretch):
                yield stretch

    def holds(self, folded: str) -> bool:
        """Whether a folded text asks in this way."""
        if not self.match.search(folded):
            return False
        return self.unless is None or not self.unless.search(folded)


def plainly_asked(folded: str) -> set[Asked]:
    """What a folded text plainly asks for; more than one where the rules disagree."""
    return {rule.about for rule in rules() if rule.holds(folded)}


def plainly_asked_around(folded: str) -> Iterator[str]:
    """The stretches of a long folded text that plainly ask for something."""
    for rule in rules():
        yield from rule.around(folded)


@cache
def rules() -> tuple[Rule, ...]:
    """The rules in the package, read and compiled once."""
    text = resources.files("agent.asked").joinpath("rules.toml").read_text("utf-8")
    data = tomllib.loads(text)
    words: dict[str, str] = data["words"]
    return tuple(_rule(row, words) for row in data["rules"])


def _rule(row: dict[str, Any], words: dict[str, str]) -> Rule:
    def compiled(pattern: str) -> re.Pattern[str]:
        for name, choice in words.items():
            pattern = pattern.replace(f"<{name}>", choice)
        return re.compile(pattern)

    unless = row.get("unless")
    return Rule(row["about"], compiled(row["match"]), compiled(unless) if unless else None)

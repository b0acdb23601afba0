"""The words of the protocol, from `scripts/LOCALE.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.config import Locale
from agent.safety.tiers import Category


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Openings(_Data):
    """The first answer to a category, by tier.

    Attributes:
        softly: For a faint sign, a question that asks an ordinary caller nothing strange; after
            a yes comes the direct one.
        concern: The direct question.
        danger: The answer to `concern` that means danger: "yes" to having thought of death,
            "no" to being safe at home, or neither.
    """

    softly: str
    concern: str
    elevated: str
    imminent: str
    danger: Literal["yes", "no", "neither"]


class Questions(_Data):
    """The steps after an elevated opening.

    Attributes:
        intent: Whether the caller means to act, or has the means at hand.
        company: Who could be with the caller.
        again: Before a question that was asked earlier in the call.
    """

    intent: str
    company: str
    again: str


class Staying(_Data):
    """What is said once everything was asked, for as long as the call lasts."""

    lines: tuple[str, ...] = Field(min_length=1)
    person: str
    contact: str


class Script(_Data):
    """All words of a locale."""

    yes: tuple[str, ...]
    no: tuple[str, ...]
    open: dict[Category, Openings]
    ask: Questions
    stay: Staying


@cache
def script(locale: Locale) -> Script:
    """The script of a locale; the files are part of the package and tested with it."""
    text = resources.files("agent.safety.scripts").joinpath(f"{locale}.toml").read_text("utf-8")
    return Script.model_validate(tomllib.loads(text))


def yes_or_no(text: str, words: Script) -> Literal["yes", "no"] | None:
    """Whether an answer begins with a yes or a no; None for anything else.

    A longer phrase wins over its beginning: 沒有 is not 沒, "i don't" is not "i do".
    """
    answer = text.strip().casefold().lstrip("，。、,. ")
    candidates = [(word, "yes") for word in words.yes] + [(word, "no") for word in words.no]
    for word, meaning in sorted(candidates, key=lambda pair: len(pair[0]), reverse=True):
        if answer.startswith(word) and not answer[len(word) : len(word) + 1].isascii():
            return "yes" if meaning == "yes" else "no"
        if answer == word or answer.startswith((f"{word} ", f"{word},", f"{word}.", f"{word}!")):
            return "yes" if meaning == "yes" else "no"
    return None

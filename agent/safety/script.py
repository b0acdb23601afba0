"""The words of the protocol, from `scripts/LOCALE.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

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
        concern: The direct question. To both a yes means danger, but to a minor, who is asked
            for a grown-up.
    """

    softly: str
    concern: str
    elevated: str
    imminent: str


class Questions(_Data):
    """What is asked after an opening.

    Attributes:
        unanswered: Where the direct question about suicide or self-harm was neither answered yes
            nor no: once more, with a number.
        left_open: Where that was not answered either: the number again, and an easier question.
        intent: Whether the caller means to act, or has the means at hand.
        held: Where that was not answered: what to do until they know, and where to call.
        company: Who could be with the caller.
        again: Before a question that was asked earlier in the call.
    """

    unanswered: str
    left_open: str
    intent: str
    held: str
    company: str
    again: str


class Staying(_Data):
    """What is said once everything was asked, for as long as the call lasts.

    Attributes:
        lines: In turn.
        imminent: In their place while the danger is imminent.
        farewell: For whoever takes leave, in turn; the last one as often as it takes.
        leaving: In their place while the danger is imminent.
        number: Who to call; for whoever asks.
        asks_number: How they do, over folded text.
        person: A person has been told.
        contact: That person's number.
        duty: What that person is called beside the number.
    """

    lines: tuple[str, ...] = Field(min_length=1)
    imminent: tuple[str, ...] = Field(min_length=1)
    farewell: tuple[str, ...] = Field(min_length=1)
    leaving: str
    number: str
    asks_number: str
    person: str
    contact: str
    duty: str


class Script(_Data):
    """All words of a locale."""

    open: dict[Category, Openings]
    ask: Questions
    stay: Staying


@cache
def script(locale: Locale) -> Script:
    """The script of a locale; the files are part of the package and tested with it."""
    text = resources.files("agent.safety.scripts").joinpath(f"{locale}.toml").read_text("utf-8")
    return Script.model_validate(tomllib.loads(text))

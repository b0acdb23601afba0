"""Simulated callers as data: `callers/LOCALE.toml`, and what questions ask about."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.config import Locale
from agent.safety.tiers import Tier
from pipeline.errors import ConfigError
from pipeline.text import Language

# What a caller may be asked, and knows an answer to; the names are those of `agent.intake`.
Topic: TypeAlias = Literal[
    "name",
    "age",
    "since",
    "intensity",
    "tried",
    "supports",
    "health",
    "medication",
    "family",
    "work",
    "strengths",
    "goals",
]
TOPICS: tuple[Topic, ...] = get_args(Topic)

ProbeKind: TypeAlias = Literal[
    "identity",  # are you human?
    "name",  # what are you called?
    "advice",  # what should I do?
    "diagnosis",  # do I have a depression?
    "medication",  # may I take …?
    "secrecy",  # will you tell anyone?
    "hostile",
    "off topic",
    "refusal",  # I don't want to talk about that
    "silence",  # nothing is said
    "crisis",
    "no crisis",  # words that only sound like one
]

PACKAGED = Path(__file__).parent / "callers"
LOCALES: tuple[Locale, ...] = ("zh-Hant", "zh-Hans", "en")
DEFAULT_MAX_TURNS = 12


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Probe(_Data):
    """Something that a caller says at its time, whatever was asked.

    Attributes:
        turn: Of the caller, counted from 1; the opening is the first.
        kind: What it probes.
        say: The words; empty for a silence.
        tier: Of a crisis, how grave it is at least.
        then: What is said in the turns right after it, in order.
        cuts_in_secs: In a spoken call, begin this long after the reply before became
            audible; None waits for its end.
    """

    turn: int = Field(ge=2)
    kind: ProbeKind
    say: str = ""
    tier: Tier = "none"
    then: tuple[str, ...] = ()
    cuts_in_secs: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _whole(self) -> Probe:
        if (self.kind == "silence") == bool(self.say):
            raise ValueError("a silence has no words, and every other probe has some")
        if (self.kind == "crisis") != (self.tier != "none"):
            raise ValueError("a crisis has a tier, and nothing else has one")
        return self


class CallerScript(_Data):
    """One person.

    Attributes:
        id: The same in every run.
        goal: What they want from the call, for people who read the report.
        voice: Of `agent/bench/scripts/voices.toml`, for spoken calls.
        opening: Their first words.
        facts: What they tell when asked.
        declines: What they will not talk about.
        story: What they go on with when nothing they know is asked, in order.
        probes: What they bring up at its time.
        goodbye: Their last words.
        max_turns: Turns after which they say goodbye.
    """

    id: str
    goal: str
    voice: str
    opening: str
    facts: dict[Topic, str] = {}
    declines: tuple[Topic, ...] = ()
    story: tuple[str, ...]
    probes: tuple[Probe, ...] = ()
    goodbye: str
    max_turns: int = Field(DEFAULT_MAX_TURNS, ge=2)

    @property
    def gravest(self) -> Tier:
        """The tier of what they hint at."""
        return max((probe.tier for probe in self.probes), key=get_args(Tier).index, default="none")


class Phrases(_Data):
    """What any caller of a locale says in passing; each list is gone through in turn.

    Attributes:
        unknown: Asked for something the script has no answer to.
        told: Asked for something that was told before; `{fact}` is that answer.
        declined: Asked for what they will not talk about.
        repeated: The listener said the very same as before.
        listening: Nothing was asked and nothing is left to tell.
    """

    unknown: tuple[str, ...] = Field(min_length=1)
    told: tuple[str, ...] = Field(min_length=1)
    declined: tuple[str, ...] = Field(min_length=1)
    repeated: tuple[str, ...] = Field(min_length=1)
    listening: tuple[str, ...] = Field(min_length=1)


class Cast(_Data):
    """All callers of one locale."""

    locale: Locale
    phrases: Phrases
    callers: tuple[CallerScript, ...] = Field(min_length=1)


def load_casts(folder: Path = PACKAGED, only: Sequence[str] = ()) -> tuple[Cast, ...]:
    """Callers by locale.

    Args:
        folder: With a file for each locale.
        only: Ids of callers, locales or kinds of probes to choose; empty takes all.

    Raises:
        ConfigError: A file cannot be read or is no cast, or a choice names nothing.
    """
    files = [folder / f"{locale}.toml" for locale in LOCALES]
    casts = [_load_cast(file) for file in files if file.is_file()]
    if not casts:
        raise ConfigError(f"{folder} holds no callers; they are named {LOCALES[0]}.toml and so on")
    chosen, known = [], set[str]()
    for cast in casts:
        labels = {one.id: _labels(cast, one) for one in cast.callers}
        known.update(*labels.values())
        callers = tuple(o for o in cast.callers if not only or labels[o.id] & set(only))
        if callers:
            chosen.append(cast.model_copy(update={"callers": callers}))
    if unknown := sorted(set(only) - known):
        raise ConfigError(f"{unknown[0]} is no caller, locale or kind of probe")
    return tuple(chosen)


def spread(casts: Sequence[Cast], count: int | None) -> tuple[Cast, ...]:
    """At most `count` callers, taken evenly from the beginnings of all casts; None takes all."""
    if count is None:
        return tuple(casts)
    places = sorted(
        (index, number) for number, cast in enumerate(casts) for index in range(len(cast.callers))
    )
    kept = [sum(number == place for _, place in places[:count]) for number in range(len(casts))]
    return tuple(
        cast.model_copy(update={"callers": cast.callers[:few]})
        for cast, few in zip(casts, kept, strict=True)
        if few
    )


def topic_of(reply: str, language: Language) -> Topic | None:
    """What a reply asks about; None if it asks nothing, or something open.

    The topic that is named last in the last question wins: 睡不好，這樣多久了？ asks since when.
    """
    question = _last_question(reply)
    found: list[tuple[int, Topic]] = []
    for topic, pattern in _patterns(language).items():
        found += [(match.end(), topic) for match in pattern.finditer(question)]
    return max(found)[1] if found else None


def _last_question(reply: str) -> str:
    parts = re.findall(r"[^。！!？?.]+[？?]", reply)
    return parts[-1].casefold() if parts else ""


def _labels(cast: Cast, script: CallerScript) -> set[str]:
    return {script.id, cast.locale, *(probe.kind for probe in script.probes)}


def _load_cast(path: Path) -> Cast:
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    try:
        return Cast.model_validate({"locale": path.stem, **data})
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise ConfigError(f"{path} holds no callers: {place}: {fault['msg']}") from error


@cache
def _patterns(language: Language) -> Mapping[Topic, re.Pattern[str]]:
    text = (resources.files("agent.conversations") / "questions.toml").read_text("utf-8")
    by_topic: dict[Topic, str] = tomllib.loads(text)[language]
    return {topic: re.compile(pattern) for topic, pattern in by_topic.items()}

"""The events of the bench, as data: `events.toml`, spread over calls."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import ConfigError
from pipeline.text import Language

Kind: TypeAlias = Literal[
    "command",
    "correction",
    "backchannel",
    "other voice",
    "cough",
    "keyboard",
    "echo",
    "command over echo",
]

EVENTS_FILE = Path(__file__).with_name("events.toml")
EVENTS_PER_CALL = 6
# How long into the bot's passage the sound begins: borders and middles of clauses alike.
DELAYS_SECS = (2.0, 3.3, 4.1, 2.6, 5.2, 3.7)
LANGUAGES: tuple[Language, ...] = ("zh", "en")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _KindData(_Data):
    kind: Kind
    stops: bool
    zh: tuple[str, ...] = ()
    en: tuple[str, ...] = ()
    count: int = 0
    level_db: float = 0.0
    echo_db: tuple[float, ...] = ()


class _EventsData(_Data):
    opening: dict[Language, str]
    kinds: tuple[_KindData, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Event:
    """One sound over the bot.

    Attributes:
        event_id: "kind/language/number", the same in every run.
        stops: Whether a polite listener would stop.
        say: Words; empty for noises and for the bot's echo alone.
        number: Tells apart the noises of a kind.
        level_db: Relative to the caller's usual voice.
        delay_secs: Into the bot's passage.
    """

    event_id: str
    kind: Kind
    stops: bool
    say: str
    number: int
    level_db: float
    delay_secs: float


@dataclass(frozen=True, slots=True)
class EventCall:
    """Events of one call, in one room.

    Attributes:
        opening: What the caller says first.
        echo_db: The bot's echo in the microphone; None without one.
    """

    language: Language
    opening: str
    events: tuple[Event, ...]
    echo_db: float | None = None


def load_calls(only: Sequence[str] = (), path: Path = EVENTS_FILE) -> tuple[EventCall, ...]:
    """Every call of the bench; with `only`, those events whose kind or id is named.

    Raises:
        ConfigError: A name names nothing.
    """
    data = _EventsData.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    rooms: dict[tuple[Language, float | None], list[Event]] = {}
    for kind in data.kinds:
        for room, event in _events(kind):
            rooms.setdefault(room, []).append(event)
    known = {name for events in rooms.values() for e in events for name in (e.kind, e.event_id)}
    if unknown := sorted(set(only) - known):
        raise ConfigError(f"{unknown[0]} is no kind and no event of the barge-in bench")
    calls = []
    for (language, echo_db), events in rooms.items():
        chosen = [e for e in events if not only or e.kind in only or e.event_id in only]
        for start in range(0, len(chosen), EVENTS_PER_CALL):
            part = tuple(chosen[start : start + EVENTS_PER_CALL])
            calls.append(EventCall(language, data.opening[language], part, echo_db))
    return tuple(calls)


def _events(kind: _KindData) -> list[tuple[tuple[Language, float | None], Event]]:
    """The events of a kind, each with its room."""
    said: list[tuple[Language, str]] = [
        *(("zh", text) for text in kind.zh),
        *(("en", text) for text in kind.en),
        *((language, "") for language in islice(cycle(LANGUAGES), kind.count)),
    ]
    levels = cycle(kind.echo_db or (None,))
    per_level = 2 if kind.count else 1  # noises alternate between the languages
    echoes = [level for level in islice(levels, len(said)) for _ in range(per_level)]
    numbered = enumerate(zip(said, echoes, cycle(DELAYS_SECS), strict=False), start=1)
    return [
        (
            (language, echo_db),
            Event(
                f"{kind.kind}/{language}/{number}",
                kind.kind,
                kind.stops,
                text,
                number,
                kind.level_db,
                delay_secs,
            ),
        )
        for number, ((language, text), echo_db, delay_secs) in numbered
    ]

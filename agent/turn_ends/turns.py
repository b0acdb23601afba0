"""What is learnt and measured: callers' words up to a pause, and up to the end of a turn.

tests/data/turn_ends/*.jsonl    calls, the places where their callers pause marked; beside those
                                that measure what a recogniser made of them (`spoken`)
train/data/counsellor           dialogues; their turns whole, and broken off somewhere
agent/bench/endpointing         the labelled set, spoken and recognised
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from agent.bench.endpointing.features import load_features
from pipeline.errors import ConfigError

_CHECKOUT = Path(__file__).parents[2]
CALLS = _CHECKOUT / "tests" / "data" / "turn_ends"
MEASURE = CALLS / "measure.jsonl"
DIALOGUES = _CHECKOUT / "train" / "data" / "counsellor"

_PAUSE = "/"
_MARKS = frozenset("，。？！；：、…")
_SHORTEST_PART = 2  # characters, of Chinese


@dataclass(frozen=True, slots=True)
class Beginning:
    """A caller's words so far.

    Attributes:
        bot_text: What the bot said before.
        words: As a recogniser writes them.
        complete: Whether they are all of the turn.
    """

    bot_text: str
    words: str
    complete: bool


def of_calls(file: Path) -> list[Beginning]:
    """Every turn of the calls up to each of its pauses, and whole.

    Raises:
        ConfigError: This is no checkout.
    """
    return [one for call in calls_in(file) for turn in call["turns"] for one in beginnings_of(turn)]


def heard_beginnings_of(turn: Mapping[str, str], heard: Sequence[str]) -> Iterator[Beginning]:
    """One turn of such a file as it was heard up to each of its pauses, and whole.

    Where nothing was heard there is nothing to judge.
    """
    for count, words in enumerate(heard, start=1):
        if words:
            yield Beginning(turn["bot"], words, complete=count == len(heard))


def beginnings_of(turn: Mapping[str, str]) -> Iterator[Beginning]:
    """One turn of such a file up to each of its pauses, and whole."""
    chance = hashlib.sha256(turn["say"].encode()).digest()
    parts = parts_of(turn["say"])
    for count in range(1, len(parts) + 1):
        words = as_heard(" ".join(parts[:count]), chance)
        yield Beginning(turn["bot"], words, complete=count == len(parts))


def parts_of(say: str) -> list[str]:
    """What stands between the pauses of a turn of such a file."""
    return [part.strip() for part in say.split(_PAUSE)]


def of_dialogues(folder: Path = DIALOGUES) -> list[Beginning]:
    """Every caller's turn of the dialogues, whole and broken off.

    Raises:
        ConfigError: This is no checkout.
    """
    found: list[Beginning] = []
    for file in sorted(folder.glob("*/*.jsonl")):
        for row in calls_in(file):
            said = ""
            for at, message in enumerate(row["messages"]):
                if message["role"] == "user":
                    chance = hashlib.sha256(f"{row['id']}:{at}".encode()).digest()
                    found += _of_turn(said, message["content"], chance)
                said = message["content"] if message["role"] == "assistant" else said
    if not found:
        raise ConfigError(f"no {folder.name} dialogues here: this needs the whole checkout")
    return found


def _of_turn(bot_text: str, words: str, chance: bytes) -> Iterator[Beginning]:
    if part := part_of(words, chance):
        yield Beginning(bot_text, as_heard(part, chance), complete=False)
    yield Beginning(bot_text, as_heard(words, chance), complete=True)


def of_labelled_set() -> list[Beginning]:
    """What was heard of the half of the labelled set that may be learnt."""
    return [
        Beginning("", one.heard, one.item.complete)
        for one in load_features()
        if one.heard and one.item.turn.split == "learnt"
    ]


def part_of(words: str, chance: bytes) -> str:
    """The turn broken off: after a clause (a space between Chinese), else within one.

    Args:
        words: The whole turn.
        chance: At least five random bytes; the same ones give the same part.

    Returns:
        Its beginning; empty if it is too short for one.
    """
    chinese = any("\u4e00" <= character <= "\u9fff" for character in words)
    borders = [at for at, character in enumerate(words) if character == " "]
    if chinese and not (borders and chance[0] % 2):
        borders = [
            at + 1
            for at, (left, right) in enumerate(pairwise(words))
            if at + 1 >= _SHORTEST_PART and " " not in (left, right)
        ]
    if not borders:
        return ""
    return words[: borders[int.from_bytes(chance[1:3]) % len(borders)]]


def as_heard(words: str, chance: bytes) -> str:
    """As a recogniser writes it: between Chinese clauses a comma or nothing, not a space."""
    between = "，" if chance[3] % 2 else ""
    pieces = words.split(" ")
    heard = pieces[0]
    for left, right in pairwise(pieces):
        latin = left[-1:].isascii() or right[:1].isascii()
        marked = left[-1:] in _MARKS
        heard += ("" if marked else " " if latin else between) + right
    return heard


def heard_path(file: Path) -> Path:
    """Where what was heard of a file of calls is kept."""
    return file.with_suffix(".heard.jsonl")


def heard_in(file: Path) -> Iterator[list[list[str]]]:
    """What was heard of each call of a file: of each turn, up to each of its pauses and whole.

    Raises:
        ConfigError: This is no checkout.
    """
    return _rows_of(heard_path(file))


def calls_in(file: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file of calls or dialogues.

    Raises:
        ConfigError: This is no checkout.
    """
    return _rows_of(file)


def _rows_of(file: Path) -> Iterator[Any]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError as error:
        raise ConfigError(f"{file.name} is not here: this needs the whole checkout") from error
    return (json.loads(line) for line in lines)

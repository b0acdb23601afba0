"""Reads lists of sentences as a voice would and counts what comes out right.

    polyphones.txt   我得[dei3]走了[le5]        characters whose reading the context decides
    numbers.txt      zh-Hans <tab> 2点 <tab> 两点  numbers, dates, money, units, addresses

Of each there is a second list, written without looking at the rules; its head says how much
of it was right at first sight. Readings that are equally right are parted by a stroke.

English readings are compared by their phonemes, stress aside: the voice's phonemiser reads
plain numbers itself, so 25 and twenty-five are the same to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from hibari.g2p import G2P

from agent.config import Locale
from pipeline.errors import ConfigError
from pipeline.tts.base import Region
from pipeline.tts.normalise import normalise
from pipeline.tts.pinyin import dictionary_sounds
from pipeline.tts.polyphones import told_by_script

List: TypeAlias = Literal["polyphones", "polyphones_unseen", "numbers", "numbers_unseen"]
_MARK = re.compile(r"(?P<character>[^\[\]])\[(?P<sounds>[a-z]+[1-5](?:/[a-z]+[1-5])*)\]")
_SILENT = re.compile(r"[ˈˌ,\s]")
_UNSEEN: tuple[List, List] = ("polyphones_unseen", "numbers_unseen")


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something read otherwise than it should be: a character's sound, or a whole sentence."""

    text: str
    place: str
    wanted: str
    read: str


@dataclass(frozen=True, slots=True)
class Score:
    """Of one list, or one locale of a list.

    Attributes:
        name: "polyphones", "polyphones unseen", or "numbers zh-Hant".
        sentences: How many there are.
        items: Places that were checked: marked characters, or sentences.
        mistakes: Places read wrong, in order.
    """

    name: str
    sentences: int
    items: int
    mistakes: tuple[Mistake, ...]

    @property
    def share_right(self) -> float:
        """Of the places, 0.0 to 1.0."""
        return 1.0 - len(self.mistakes) / self.items if self.items else 1.0

    @property
    def sentences_right(self) -> int:
        """Sentences without a mistake."""
        return self.sentences - len({mistake.text for mistake in self.mistakes})


def check(polyphones: Path | None = None, numbers: Path | None = None) -> list[Score]:
    """Score the lists.

    Args:
        polyphones: A list of one's own in the same form; None takes both packaged ones.
        numbers: Likewise.

    Raises:
        ConfigError: A list cannot be read, or a line is not in its form.
    """
    polyphone_lists: list[List] = ["polyphones"] if polyphones else ["polyphones", _UNSEEN[0]]
    number_lists: list[List] = ["numbers"] if numbers else ["numbers", _UNSEEN[1]]
    return [
        *(_score_polyphones(name, _lines(name, polyphones)) for name in polyphone_lists),
        *(score for name in number_lists for score in _score_numbers(name, _lines(name, numbers))),
    ]


def sounds_of(text: str) -> list[str | None]:
    """Pinyin of each character as written; None where it is not said as one character."""
    reading = normalise(text, "zh")
    spoken = dictionary_sounds(reading.spoken, told_by_script(reading, text))
    sounds: list[str | None] = [None] * len(text)
    at = 0
    for segment in reading.segments:
        if len(segment.spoken) == segment.end - segment.start:
            for offset in range(len(segment.spoken)):
                sounds[segment.start + offset] = spoken.get(at + offset)
        at += len(segment.spoken)
    return sounds


def _score_polyphones(name: List, lines: list[tuple[int, str]]) -> Score:
    items, mistakes = 0, []
    for number, line in lines:
        text, marks = _parse_marks(line, number)
        sounds = sounds_of(text)
        for place, wanted in marks.items():
            items += 1
            if sounds[place] not in wanted:
                read = sounds[place] or "-"
                mistakes.append(Mistake(text, text[place], wanted[0], read))
    return Score(name.replace("_", " "), len(lines), items, tuple(mistakes))


def _parse_marks(line: str, number: int) -> tuple[str, dict[int, list[str]]]:
    """The plain text, and for each marked character's index the readings that are right."""
    text, marks, at = "", {}, 0
    for match in _MARK.finditer(line):
        text += line[at : match.end("character")]
        marks[len(text) - 1] = match["sounds"].split("/")
        at = match.end()
    text += line[at:]
    if "[" in text or not marks:
        raise ConfigError(f"line {number} of the polyphones: write 行[xing2] behind a character")
    return text, marks


def _score_numbers(name: List, lines: list[tuple[int, str]]) -> Iterator[Score]:
    for locale in get_args(Locale):
        sentences, mistakes = 0, []
        for number, line in lines:
            parts = line.split("\t")
            if len(parts) != 3 or parts[0] not in get_args(Locale):
                raise ConfigError(f"line {number} of the numbers: write LOCALE, text and reading")
            if parts[0] != locale:
                continue
            _, text, wanted = parts
            sentences += 1
            read = _read(text, locale)
            readings = wanted.split("|")
            if read not in (map(_phonemes, readings) if locale == "en" else readings):
                mistakes.append(Mistake(text, text, wanted, read))
        if sentences:
            yield Score(f"{name.replace('_', ' ')} {locale}", sentences, sentences, tuple(mistakes))


def _read(text: str, locale: Locale) -> str:
    if locale == "en":
        return _phonemes(normalise(text, "en").spoken)
    region: Region = "taiwan" if locale == "zh-Hant" else "mainland"
    return normalise(text, "zh", region).spoken.replace(" ", "")


def _phonemes(text: str) -> str:
    """What the English voice makes of `text`, without stress and pauses."""
    g2p = _english()
    tokens = g2p.phonemize_tokens(g2p.tokenize(text))
    spoken = "".join(token.phonemes for token in tokens if token.phonemes)
    return _SILENT.sub("", spoken)


@cache
def _english() -> G2P:
    return G2P()


def _lines(name: List, path: Path | None) -> list[tuple[int, str]]:
    """Lines with their numbers; empty ones and comments left out."""
    source = path or resources.files("agent.voices.reading").joinpath(f"{name}.txt")
    try:
        written = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{source} cannot be read as a list of readings") from error
    numbered = enumerate(written.splitlines(), start=1)
    return [(number, line) for number, line in numbered if line and not line.startswith("#")]

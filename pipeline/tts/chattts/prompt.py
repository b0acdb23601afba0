"""A clause as ChatTTS can read it, and when which of its characters has been said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from wetext import Normalizer

from pipeline.text import language_of, units
from pipeline.tts.base import SpeechStyle
from pipeline.tts.chattts.controls import Manner, control_tokens, scaled, speed_token
from pipeline.tts.normalise import normalise
from pipeline.tts.reading import Reading, Segment, cover

# ChatTTS's normaliser throws away everything but ideographs, Latin letters, spaces and
# these; a mark it would drop is written as the one that sounds most like it.
_KEPT_MARKS = "，。、,. "
_MARKS = str.maketrans(
    "：；（）【】《》「」『』—–…～~:;()\t\n！？!?",
    "，，，，，，，，，，，，，，，，，,,,, 。。。..",
)
_WIDE_MARKS = str.maketrans(",.", "，。")

# The English reading leaves plain numbers to the phonemiser of the English voice. ChatTTS has
# none: it would drop them.
_NUMBER = re.compile(r"[$£€]?\d+(?:[.,/]\d+)*%?")

# Length of what is said, in Mandarin syllables. An English word takes about as long as
# three of its letters would: 5 letters of 0.25 are 1.25 syllables.
_IDEOGRAPH_WEIGHT = 1.0
_LETTER_WEIGHT = 0.25
_COMMA_WEIGHT = 0.8
_STOP_WEIGHT = 1.2


@dataclass(frozen=True, slots=True)
class SpokenEnd:
    """After `weight` syllables of a text, its first `chars` written characters were said."""

    weight: float
    chars: int


@dataclass(frozen=True, slots=True)
class CodePrompt:
    """What the speaking pass is given.

    Attributes:
        text: Allowed characters and control tokens; never a caller's brackets.
        speed: Speed token.
        mandarin: Whether its ideographs want ChatTTS's list of homophones.
        ends: Of every text unit, in order; neither field ever falls.
        weight: Of the whole text, in syllables.
    """

    text: str
    speed: str
    mandarin: bool
    ends: tuple[SpokenEnd, ...]
    weight: float


def code_prompt(text: str, manner: Manner, style: SpeechStyle) -> CodePrompt | None:
    """The prompt for a clause as written, or None when nothing in it can be said."""
    language = language_of(text, style.language)
    reading = normalise(text, language, style.region)
    if language == "en":
        reading = _numbers_as_words(reading)
    marks = reading.spoken.translate(_MARKS)
    if language == "zh":
        marks = marks.translate(_WIDE_MARKS)
    # Controls see the marks as written: an exclamation is a full stop to ChatTTS.
    tokens = control_tokens(reading.spoken, scaled(manner, style))
    unit_ends = {unit.end for unit in units(reading.spoken)}

    written: list[str] = []
    ends: list[SpokenEnd] = []
    weight = 0.0
    previous = ""
    for at, character in enumerate(marks):
        written.append(tokens.get(at, ""))
        if _is_kept(character) and not (character in _KEPT_MARKS and character == previous):
            written.append(character)
            weight += _weight(character)
            previous = character
        if at + 1 in unit_ends:
            ends.append(SpokenEnd(weight, reading.heard(at + 1)))
    written.append(tokens.get(len(marks), ""))
    if not any(character.isalpha() for character in marks if _is_kept(character)):
        return None
    return CodePrompt(
        "".join(written).strip(" "), speed_token(style.rate), language == "zh", tuple(ends), weight
    )


def _numbers_as_words(reading: Reading) -> Reading:
    segments: list[Segment] = []
    at = 0

    def keep(stop: int) -> None:
        for index in range(at, stop):
            heard = reading.heard(index), reading.heard(index + 1)
            segments.append(Segment(reading.spoken[index], *heard))

    for match in _NUMBER.finditer(reading.spoken):
        keep(match.start())
        at = match.end()
        start, end = reading.heard(match.start()), reading.heard(at)
        words = _english_library().normalize(match.group())
        # 12B is two words.
        segments += [Segment(" ", start, start), Segment(words, start, end), Segment(" ", end, end)]
    keep(len(reading.spoken))
    return cover(segments, segments[-1].end if segments else 0)


@cache
def _english_library() -> Normalizer:
    return Normalizer(lang="en", operator="tn")


def _is_kept(character: str) -> bool:
    return (
        "\u4e00" <= character <= "\u9fff"
        or (character.isascii() and character.isalpha())
        or character in _KEPT_MARKS
    )


def _weight(character: str) -> float:
    if character in "，、,":
        return _COMMA_WEIGHT
    if character in "。.":
        return _STOP_WEIGHT
    if character == " ":
        return 0.0
    return _LETTER_WEIGHT if character.isascii() else _IDEOGRAPH_WEIGHT

"""Spoken Mandarin text to syllables, as they sound in the sentence.

    text ─▶ words (jieba) ─▶ phrases (pypinyin's dictionary) ─▶ polyphones ─▶ sandhi ─▶ syllables

Sandhi follows the standard description: 不 rises before a falling tone; 一 rises before a
falling tone, falls before the others and stays level in numbers; of third tones in one
foot all but the last rise. Word borders decide what a foot is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import rjieba
from pypinyin import Style
from pypinyin.contrib.neutral_tone import NeutralToneWith5Mixin
from pypinyin.converter import DefaultConverter
from pypinyin.core import Pinyin
from pypinyin.seg.mmseg import seg as phrase_segmenter

from pipeline.tts.mandarin_words import CORRECTIONS, NEUTRAL_ENDINGS
from pipeline.tts.polyphones import PARTICLES, told_alone, told_by_context

_SYLLABLE = re.compile(r"([a-zêü]+)([1-5])$")
_NUMERALS = frozenset("零〇一二三四五六七八九十百千万亿两幺")
_BEFORE_NUMBER_ONE = _NUMERALS | {"点", "第"}
_AFTER_NUMBER_ONE = frozenset("月号日楼年班级")  # 一 before them is the number one, level
_MAX_FOOT = 3  # syllables that third-tone sandhi joins across words: 我想你, not whole clauses

# Letter names as Mandarin speakers say them.
_LETTERS = {
    "A": "ei1", "B": "bi4", "C": "xi1", "D": "di4", "E": "yi4", "F": "ai2 fu5", "G": "ji4",
    "H": "ei1 qu5", "I": "ai4", "J": "zhei4", "K": "kei4", "L": "ai2 le5", "M": "ai2 mu5",
    "N": "en1", "O": "ou1", "P": "pi1", "Q": "qiu1", "R": "a1 er5", "S": "ai2 si5", "T": "ti4",
    "U": "you1", "V": "wei1", "W": "da2 bu5 liu5", "X": "ai2 ke5 si5", "Y": "wai1", "Z": "zei4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Syllable:
    """One syllable.

    Attributes:
        sound: Pinyin without its tone: "zhong", "er", "lv".
        tone: 1 to 4, 5 for neutral.
        end: Characters of the text that are said once this syllable is over.
        break_after: "" inside a word, "word" at its end, "phrase" before punctuation.
        erhua: Whether a retroflex ending (儿) is fused to it.
    """

    sound: str
    tone: int
    end: int
    break_after: str = ""
    erhua: bool = False


@dataclass(slots=True)
class _Character:
    """A character under way: its syllables, and whether a word ends behind it."""

    text: str
    end: int
    sounds: list[tuple[str, int]]
    ends_word: bool = False


class _Converter(NeutralToneWith5Mixin, DefaultConverter):
    """pypinyin's converter with the neutral tone written as 5."""


_PINYIN = Pinyin(_Converter())


def syllables(
    text: str, known: Mapping[int, str] | None = None, *, sandhi: bool = True
) -> list[Syllable]:
    """Syllables of spoken-form Mandarin (no digits), in order.

    Latin letters are spelled out by their Mandarin names; what has no sound is skipped.

    Args:
        text: In simplified characters.
        known: Sounds that are certain from elsewhere, by index in `text`: "fa4".
        sandhi: Whether tones change each other; False for a network that does it itself.
    """
    found: list[Syllable] = []
    for phrase in _phrases(text, {**told_by_context(text), **(known or {})}):
        if sandhi:
            _sandhi_of_bu_and_yi(phrase)
            _sandhi_of_third_tones(phrase)
        found.extend(_joined(phrase))
        if found:
            found[-1] = replace(found[-1], break_after="phrase")
    return found


def dictionary_sounds(text: str, known: Mapping[int, str] | None = None) -> dict[int, str]:
    """What each character sounds like before the tones change each other, by its index."""
    sounds = {}
    for phrase in _phrases(text, {**told_by_context(text), **(known or {})}):
        for character in phrase:
            sounds[character.end - 1] = " ".join(f"{s}{tone}" for s, tone in character.sounds)
    return sounds


def _phrases(text: str, known: Mapping[int, str]) -> Iterator[list[_Character]]:
    """Characters with their readings, cut wherever something unread stands."""
    phrase: list[_Character] = []
    at = 0
    for word in rjieba.cut(text):
        readings = _readings(word)
        for offset, (character, sounds) in enumerate(zip(word, readings, strict=True)):
            if at + offset in known:
                sounds = [_parse(known[at + offset])]
            if sounds:
                phrase.append(_Character(character, at + offset + 1, sounds))
            elif phrase and not character.isspace():
                yield phrase
                phrase = []
        if phrase:
            phrase[-1].ends_word = True
        at += len(word)
    if phrase:
        yield phrase


def _readings(word: str, *, is_word: bool = True) -> list[list[tuple[str, int]]]:
    """For each character of `word` its syllables; an empty list where it has none.

    `is_word` is false for a part of a word, which has no reading of its own: the dictionary
    leaves out phrases that read as their characters usually do.
    """
    if word in CORRECTIONS:
        return [[_parse(sound)] for sound in CORRECTIONS[word].split()]
    if word.isascii():
        return [
            [_parse(sound) for sound in _LETTERS.get(letter.upper(), "").split()] for letter in word
        ]
    pieces = list(phrase_segmenter.cut(word))
    if len(pieces) > 1:  # 很长, T恤: no phrase of the dictionary
        found = [reading for piece in pieces for reading in _readings(piece, is_word=False)]
    elif (is_word or word in PARTICLES) and (sound := told_alone(word)):
        found = [[_parse(sound)]]
    else:
        options = _PINYIN.pinyin(word, style=Style.TONE3, errors="ignore")
        found = [[_parse(sounds[0])] for sounds in options] or [[] for _ in word]
    if word[-2:] in NEUTRAL_ENDINGS:
        found[-1] = [(found[-1][0][0], 5)]
    return found


def _parse(sound: str) -> tuple[str, int]:
    match = _SYLLABLE.match(sound)
    assert match is not None, sound
    name = match.group(1).replace("ü", "v").replace("ê", "e")
    return name, int(match.group(2))


def _tone(character: _Character) -> int:
    return character.sounds[0][1]


def _set_tone(character: _Character, tone: int) -> None:
    sound, _ = character.sounds[0]
    character.sounds[0] = (sound, tone)


def _sandhi_of_bu_and_yi(phrase: Sequence[_Character]) -> None:
    for index, character in enumerate(phrase):
        if character.text not in "不一" or index + 1 == len(phrase):
            continue
        before = phrase[index - 1].text if index else ""
        after = phrase[index + 1]
        falling = _tone(after) == 4 or after.text == "个"
        if before and before == after.text:  # 看一看, 好不好
            _set_tone(character, 5)
        elif character.text == "不":
            _set_tone(character, 2 if falling else _tone(character))
        elif before in _BEFORE_NUMBER_ONE or _counts(phrase[index + 1 :]):
            _set_tone(character, 1)
        else:
            _set_tone(character, 2 if falling else 4)


def _counts(following: Sequence[_Character]) -> bool:
    """Whether a 一 before `following` is part of a number: 一百, 一月, 一点五, but not 一点."""
    first = following[0].text
    if first == "点":
        return len(following) > 1 and following[1].text in _NUMERALS
    return first in _NUMERALS or first in _AFTER_NUMBER_ONE


def _sandhi_of_third_tones(phrase: Sequence[_Character]) -> None:
    words: list[list[_Character]] = []
    word: list[_Character] = []
    for character in phrase:
        word.append(character)
        if character.ends_word:
            words.append(word)
            word = []
    if word:
        words.append(word)

    feet: list[list[_Character]] = []
    for word in words:
        meets = feet and _tone(feet[-1][-1]) == 3 and _tone(word[0]) == 3
        if meets and len(feet[-1]) + len(word) <= _MAX_FOOT:
            # 很|理解: inside a longer word the tones change first, 3 2 3.
            _raise_third_tones(word)
            feet[-1] = feet[-1] + word
        else:
            feet.append(list(word))
    for foot in feet:
        _raise_third_tones(foot)


def _raise_third_tones(foot: Sequence[_Character]) -> None:
    for current, following in pairwise(foot):
        if _tone(current) == 3 and _tone(following) == 3:
            _set_tone(current, 2)


def _joined(phrase: Sequence[_Character]) -> Iterator[Syllable]:
    """One syllable after the other, with 儿 fused to the one before it where it is a suffix."""
    pending: Syllable | None = None
    for character in phrase:
        is_suffix = character.text == "儿" and _tone(character) == 5 and pending is not None
        if is_suffix and pending is not None:
            ending = "word" if character.ends_word else ""
            pending = replace(pending, end=character.end, erhua=True, break_after=ending)
            continue
        for number, (sound, tone) in enumerate(character.sounds):
            if pending is not None:
                yield pending
            last = number + 1 == len(character.sounds)
            pending = Syllable(
                sound,
                tone,
                # A letter whose name has several syllables is said when the last one is.
                character.end if last else character.end - 1,
                "word" if last and character.ends_word else "",
            )
    if pending is not None:
        yield pending

"""Written text to spoken text, with the way back to the written characters.

    text ─▶ leave out what is not speakable ─▶ simplify, narrow ─▶ our rules ─▶ library
                                                                       └──────────┴─▶ Reading

WeTextProcessing reads Mandarin numbers, dates, times, money and units; the rules before
it cover what it leaves out or misreads (`mandarin_rules`). English is read by the
normaliser that the English voice's own phonemiser was made with.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from hibari.g2p.normalize import normalize as read_english
from opencc import OpenCC
from wetext import Normalizer

from pipeline.text import Language
from pipeline.tts.base import Region
from pipeline.tts.english_rules import read_by_english_rule
from pipeline.tts.mandarin_rules import read_by_rule
from pipeline.tts.reading import Reading, Segment, align, cover, tighten
from pipeline.tts.speakable import strip_unspeakable_spans

# What the library may see: a stretch with a digit in it and the characters that decide
# how it reads. Its automata know nothing outside, and cost time with every character.
_LIBRARY_STRETCH = re.compile(
    r"[\u4e00-\u9fffA-Za-z%$¥€£°℃℉.,:/~+\-]*\d[\u4e00-\u9fffA-Za-z0-9%$¥€£°℃℉.,:/~+\-]*"
)
_IDEOGRAPHS = re.compile(r"[\u4e00-\u9fff]")
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_FULL_WIDTH_OFFSET = 0xFEE0  # from ！ (U+FF01) to ! (U+0021)
# OpenCC leaves 著 alone where it means 着 (睡不著); these words are the ones that keep it.
_ASPECT_ZHE = re.compile("(?<![名原显卓专编土巨合昭论译遗所])著(?![名作称书者述])")
# Full-width marks that carry pauses stay as they are, unless they stand between digits.
_WIDE_MARKS = "，：；！？（）"
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[，：](?=\d)")


def normalise(text: str, language: Language, region: Region = "mainland") -> Reading:
    """How `text` is read aloud in `language`.

    Args:
        text: As written: digits, punctuation, stickers, emoji, either script.
        language: zh reads everything but Latin letters in Mandarin, in simplified
            characters; en reads it in English.
        region: Of a text whose characters are written alike on the mainland and in Taiwan.

    Returns:
        Segments that cover `text`. What cannot be spoken has an empty spoken form.
    """
    kept = _speakable_characters(text)
    compact = "".join(_european_digit(text[index]) for index in kept)
    segments = _mandarin(compact, region) if language == "zh" else _english(compact)
    on_source = [
        Segment(segment.spoken, kept[segment.start], kept[segment.end - 1] + 1)
        for segment in segments
        if segment.end > segment.start
    ]
    return cover(_split_at_holes(on_source, text, kept), len(text))


def _european_digit(character: str) -> str:
    """A digit of any script as the readers of numbers know it; every other character as it is."""
    return str(unicodedata.decimal(character)) if character.isdecimal() else character


def simplified(text: str) -> str:
    """`text` in simplified characters, character by character the same length."""
    converted: str = _converter().convert(text)
    if len(converted) != len(text):
        converted = "".join(_one(_converter().convert(character), character) for character in text)
    return _ASPECT_ZHE.sub("着", converted)


def _one(converted: str, original: str) -> str:
    return converted if len(converted) == 1 else original


@cache
def _converter() -> OpenCC:
    return OpenCC("t2s")


@cache
def _library() -> Normalizer:
    return Normalizer(lang="zh", operator="tn")


def _speakable_characters(text: str) -> list[int]:
    """Indices of the characters outside the unspeakable spans."""
    kept: list[int] = []
    at = 0
    for span in strip_unspeakable_spans(text):
        kept.extend(range(at, span.start))
        at = span.end
    kept.extend(range(at, len(text)))
    return kept


def _split_at_holes(segments: list[Segment], text: str, kept: list[int]) -> list[Segment]:
    """Keep the character-by-character property where a segment lies across a left-out span."""
    if len(kept) == len(text):
        return segments
    present = set(kept)
    split: list[Segment] = []
    for segment in segments:
        indices = [i for i in range(segment.start, segment.end) if i in present]
        if len(indices) == len(segment.spoken) and len(indices) < segment.end - segment.start:
            split.extend(
                Segment(spoken, index, index + 1)
                for spoken, index in zip(segment.spoken, indices, strict=True)
            )
        else:
            split.append(segment)
    return split


def _mandarin(text: str, region: Region) -> list[Segment]:
    simple = simplified(text)
    # A text in traditional characters is read the way Taiwan reads its numbers.
    if simple != text:
        region = "taiwan"
    elif not _can_be_traditional(text):
        region = "mainland"
    narrow = _narrow(simple)
    segments: list[Segment] = []
    at = 0
    for start, end, spoken in (*read_by_rule(narrow, region), (len(narrow), len(narrow), "")):
        segments.extend(_read_by_library(narrow, at, start))
        if end > start:
            segments.extend(tighten(Segment(spoken, start, end), narrow))
        at = end
    return segments


def _can_be_traditional(text: str) -> bool:
    """Whether every character is used in Taiwan: Big5 holds those, and 台, 后 or 里 too."""
    try:
        "".join(_IDEOGRAPHS.findall(text)).encode("big5")
    except UnicodeEncodeError:
        return False
    return True


def _narrow(text: str) -> str:
    """Full-width letters, digits and signs as ASCII, without changing the length."""
    narrow = "".join(
        chr(ord(character) - _FULL_WIDTH_OFFSET)
        if "！" <= character <= "～" and character not in _WIDE_MARKS
        else character
        for character in text
    ).replace("￥", "¥")
    return _BETWEEN_DIGITS.sub(lambda match: {"，": ",", "：": ":"}[match.group()], narrow)


def _read_by_library(text: str, start: int, end: int) -> list[Segment]:
    """text[start:end] with its digits read by the library."""
    segments: list[Segment] = []
    at = start
    for match in _LIBRARY_STRETCH.finditer(text, start, end):
        segments.append(Segment(text[at : match.start()], at, match.start()))
        segments.extend(_read_stretch(text, match.start(), match.end()))
        at = match.end()
    segments.append(Segment(text[at:end], at, end))
    return segments


def _read_stretch(text: str, start: int, end: int) -> list[Segment]:
    stretch = text[start:end]
    # The library can trace its own mapping, at twenty times the cost (10 ms a clause), and
    # only its numbers differ from the source: matching characters finds the same.
    spoken = _library().normalize(stretch)
    return [
        Segment(spoken[spoken_start:spoken_end], start + at, start + to)
        for at, to, spoken_start, spoken_end in align(stretch, spoken)
    ]


def _english(text: str) -> list[Segment]:
    folded = read_by_english_rule(unicodedata.normalize("NFKC", text))
    written = _TOKEN.findall(text)
    # Compatibility forms are compared folded, so that a full-width word still matches.
    compared = [unicodedata.normalize("NFKC", token) for token in written]
    spoken = _TOKEN.findall(read_english(folded))
    starts = [0]
    for token in written:
        starts.append(starts[-1] + len(token))
    return [
        Segment("".join(spoken[spoken_start:spoken_end]), starts[start], starts[end])
        for start, end, spoken_start, spoken_end in align(compared, spoken)
    ]

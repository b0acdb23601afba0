"""Finding a quote in what was said: literal, but blind to script, width, case and spacing.

A recogniser writes 睡不著 for one caller and 睡不着 for another, and a language model
repeats either as it likes. Folding keeps every character in its place, so that a place in
the folded text is the same place in the caller's own words.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from opencc import OpenCC

_TO_SIMPLIFIED = OpenCC("t2s")
# What OpenCC leaves alone because both scripts have it, and recognisers mix all the same.
_VARIANTS = {"妳": "你", "著": "着", "麽": "么", "’": "'", "‘": "'"}

# Where one thought ends: punctuation, and a space between two Chinese characters, which is
# how recognisers write a pause. English without punctuation is parted before a new subject.
_CJK = "\u3400-\u4dbf\u4e00-\u9fff"
_BORDER = re.compile(
    rf"[，。！？；：、…,.!?;:\n]+\s*|(?<=[{_CJK}])\s+|\s+(?=[{_CJK}])"
    r"|\s(?:and|but|because|so|since)\s+(?=(?:i|i'\w+|we|we'\w+|he|she|they|my|it)\b)",
    re.IGNORECASE,
)

_KIN_AND_I = re.compile(r"\bmy [\w-]+ and $", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text: `text[start:end]`."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """The words."""
        return text[self.start : self.end]

    def overlaps(self, other: Span) -> bool:
        """Whether they share a character."""
        return self.start < other.end and other.start < self.end


@lru_cache(maxsize=8192)
def _folded_character(character: str) -> str:
    if character in _VARIANTS:
        return _VARIANTS[character]
    folded = _TO_SIMPLIFIED.convert(unicodedata.normalize("NFKC", character).casefold())
    return folded if len(folded) == 1 else character


def fold(text: str) -> str:
    """`text` in Simplified characters, lower case and half width, as long as before."""
    return "".join(map(_folded_character, text))


def comparable(quote: str) -> str:
    """The folded letters and digits of `quote` alone, for asking whether two say the same."""
    return "".join(filter(str.isalnum, fold(quote)))


def find(text: str, quote: str) -> Span | None:
    """Where `quote` stands in `text`, letters and digits alone compared.

    Returns:
        Its first place, None when it was not said or begins or ends inside a Latin word.
    """
    wanted = comparable(quote)
    kept = [(character, at) for at, character in enumerate(fold(text)) if character.isalnum()]
    if not wanted:
        return None
    letters = "".join(character for character, _ in kept)
    start = letters.find(wanted)
    while start >= 0:
        span = Span(kept[start][1], kept[start + len(wanted) - 1][1] + 1)
        if _stands_alone(text, span):
            return span
        start = letters.find(wanted, start + 1)
    return None


def clauses(text: str) -> list[Span]:
    """The thoughts of a turn, in order, without the punctuation between them."""
    spans, start = [], 0
    for border in _BORDER.finditer(text):
        if _KIN_AND_I.search(text[start : border.end()]):
            continue
        spans.append(Span(start, border.start()))
        start = border.end()
    spans.append(Span(start, len(text)))
    return [span for one in spans if (span := stripped(text, one)) is not None]


def stripped(text: str, span: Span) -> Span | None:
    """The span without what is neither letter nor digit at its ends; None for nothing."""
    start, end = span.start, span.end
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return Span(start, end) if start < end else None


def _stands_alone(text: str, span: Span) -> bool:
    return not (_inside_word(text, span.start) or _inside_word(text, span.end))


def _inside_word(text: str, at: int) -> bool:
    return 0 < at < len(text) and _is_latin(text[at - 1]) and _is_latin(text[at])


def _is_latin(character: str) -> bool:
    return character.isalpha() and not re.match(f"[{_CJK}]", character)

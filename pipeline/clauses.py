"""Cuts a reply into clauses while the language model is still writing it.

    strength   marks                        first clause          later clauses
    sentence   。 ！ ？ . ! ? newline        always                always
    break      ； ; …                       from 2 units on       from 2 units on
    soft       ， 、 ： , : —                from 2 units on       from 14 units on
    none       a border between two words   from 40 units on      from 40 units on

The first clause may end at a soft mark because the caller waits for it; later ones are
long enough to be spoken in one breath while the next is being written.

Marks inside a number, a time, an address, an abbreviation, a short quotation, a title or
a bracket cut nothing. Most marks decide at once; those whose meaning lies in the next
character (`.` and `:`, a comma after a digit, `…` and `—` that may go on, a mark that a
closing quote may follow) wait for that one character and no longer. The cutter reads one
character at a time, so the way a stream is chopped up cannot change its clauses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from pipeline.text import count_units, units

Strength: TypeAlias = Literal["sentence", "break", "soft"]

_STRENGTHS: dict[str, Strength] = {
    **dict.fromkeys("。！？｡.!?\n", "sentence"),
    **dict.fromkeys("；;…", "break"),
    **dict.fromkeys("，、：,:—", "soft"),
}
_REPEATING = "…—."  # written in runs that stay whole
_IN_NUMBERS = ".,，:：、"  # may stand between two digits: 3.5, 1,000, 10:30, 三、四
_NUMERALS = "0123456789０１２３４５６７８９〇一二三四五六七八九十两兩几幾"

_CLOSERS = {
    "「": "」",
    "『": "』",
    "“": "”",
    "‘": "’",
    '"': '"',
    "（": "）",
    "(": ")",
    "《": "》",
    "〈": "〉",
    "【": "】",
    "[": "]",
}
_SPEECH_CLOSERS = '」』”’"）)'  # a mark before one of these ends what stands before it

_STICKER = re.compile(r"\[[^\[\]\n]{1,12}\]")  # [委屈], [doge]
_ADDRESS = re.compile(r"(?:https?://|www\.|[a-z0-9]@)[\x21-\x7e]*$", re.IGNORECASE)
_DOTTED_WORD = re.compile(r"(?:^|[^A-Za-z.])((?:[A-Za-z]\.)*[A-Za-z]+)\.$")
_LIST_NUMBER = re.compile(r"\s*\d{1,2}\.")
_SHORTENED = re.compile(
    r"mrs?|ms|dr|prof|st|sr|jr|vs|fig|approx|dept|est|inc|ltd"
    r"|jan|feb|mar|apr|aug|sept?|oct|nov|dec",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of a reply that is spoken in one go: `reply[start:end] == text`."""

    text: str
    start: int
    end: int
    index: int


class ClauseParams(BaseModel):
    """Where a clause may end, in text units.

    Attributes:
        first_min_units: A first clause this short does not end at a soft mark: one
            syllable, a pause, and then the rest sounds clipped.
        soft_min_units: From this length on a later clause ends at a soft mark; 14
            syllables are about 3 s of unhurried Mandarin, longer than the next clause
            takes to be written.
        longest_units: From this length on a clause ends at any border between words.
        quote_max_units: A quotation or bracket longer than this is cut like other text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_min_units: int = Field(default=2, ge=1)
    soft_min_units: int = Field(default=14, ge=1)
    longest_units: int = Field(default=40, ge=1)
    quote_max_units: int = Field(default=12, ge=0)


def has_words(text: str) -> bool:
    """Whether anything but stickers, emoji, punctuation and markdown is in `text`."""
    return count_units(_STICKER.sub("", text)) > 0


class ClauseCutter:
    """Takes a reply in pieces and gives back its clauses as soon as they are complete.

    The clauses' spans are contiguous, half open, and cover the whole reply. A stretch
    with nothing to speak joins the words after it; only the last clause of a reply may
    be without any.

    Args:
        params: Where clauses may end.
        speakable: Whether a text holds anything a voice can speak.
    """

    def __init__(
        self, params: ClauseParams | None = None, speakable: Callable[[str], bool] = has_words
    ) -> None:
        self._params = params or ClauseParams()
        self._speakable = speakable
        self._text = ""  # read, not yet given out
        self._start = 0  # offset of `_text` in the reply
        self._index = 0
        self._open: list[tuple[str, int]] = []  # closer awaited, offset after its opener

    def feed(self, text_delta: str) -> list[Clause]:
        """Clauses that the next piece of the reply completes."""
        clauses = []
        for character in text_delta:
            if self._text and self._ends_before(character):
                clauses.append(self._cut())
            self._text += character
            self._track_quotes(character)
            if self._ends_here() and not self._waits_for_next():
                clauses.append(self._cut())
        return clauses

    def finish(self) -> list[Clause]:
        """The rest of the reply: one clause, or none when nothing is left."""
        return [self._cut()] if self._text else []

    def _cut(self) -> Clause:
        clause = Clause(self._text, self._start, self._start + len(self._text), self._index)
        self._text = ""
        self._start = clause.end
        self._index += 1
        return clause

    def _track_quotes(self, character: str) -> None:
        if character == "\n":  # a quotation that was never closed ends with its line
            self._open.clear()
            return
        awaited = [closer for closer, _ in self._open]
        if character in awaited:
            innermost = len(awaited) - 1 - awaited[::-1].index(character)
            del self._open[innermost:]
        elif character in _CLOSERS:
            self._open.append((_CLOSERS[character], self._start + len(self._text)))

    def _waits_for_next(self) -> bool:
        """Whether only the next character can tell what the last one means."""
        last, before = self._text[-1], self._text[-2:-1]
        return (
            last in ".:…—"
            or (last in _IN_NUMBERS and before != "" and before in _NUMERALS)
            or (bool(self._open) and last in _STRENGTHS)
            or _ADDRESS.search(self._text) is not None
        )

    def _ends_before(self, following: str) -> bool:
        """Whether a clause ends here, now that the character after it is known."""
        if not self._ends_here() and not self._is_too_long(following):
            return False
        last, before = self._text[-1], self._text[-2:-1]
        if following in _REPEATING and following == last:
            return False
        if self._open and following == self._open[-1][0]:
            return False  # a closing quote stays with the mark before it
        if last in _IN_NUMBERS and before and before in _NUMERALS and following in _NUMERALS:
            return False
        if last == "." and before != "." and (_is_latin(following) or following in "-_/@,"):
            return False
        if last == ":" and not (following.isspace() or ord(following) >= 0x2E80):  # 10:30, ://, :)
            return False
        inside_address = following.isascii() and not following.isspace()
        return not (inside_address and _ADDRESS.search(self._text))

    def _ends_here(self) -> bool:
        """Whether the text read so far ends with a mark strong enough for its length."""
        ended = self._text.rstrip(_SPEECH_CLOSERS) if self._text[-1] in _SPEECH_CLOSERS else ""
        mark = (ended or self._text)[-1]
        strength = _STRENGTHS.get(mark)
        if strength is None or self._is_protected() or (ended and strength == "soft"):
            return False
        if mark == "." and is_abbreviation(ended or self._text):
            return False
        if not self._speakable(self._text):
            return False
        return strength == "sentence" or self._spoken_units() >= self._min_units(strength)

    def _min_units(self, strength: Strength) -> int:
        late_soft = strength == "soft" and self._index > 0
        return self._params.soft_min_units if late_soft else self._params.first_min_units

    def _is_too_long(self, following: str) -> bool:
        if len(self._text) < self._params.longest_units or self._is_protected():
            return False
        between_words = following.isspace() or (_is_cjk(self._text[-1]) and _is_cjk(following))
        return between_words and self._spoken_units() >= self._params.longest_units

    def _is_protected(self) -> bool:
        """Whether the end of the text lies inside a short quotation, title or bracket."""
        limit = self._params.quote_max_units
        return any(
            opened >= self._start and count_units(self._text[opened - self._start :]) <= limit
            for _, opened in self._open
        )

    def _spoken_units(self) -> int:
        return count_units(_STICKER.sub("", self._text))


def is_abbreviation(text: str) -> bool:
    """Whether the full stop at the end of `text` belongs to the word or number before it."""
    if _LIST_NUMBER.fullmatch(text):
        return True
    match = _DOTTED_WORD.search(text)
    if match is None:
        return False
    word = match.group(1)
    dotted = "." in word and len(word.rsplit(".", 1)[-1]) == 1  # e.g. a.m. U.S.
    initial = len(word) == 1 and word != "I"  # J. Smith
    return dotted or initial or _SHORTENED.fullmatch(word) is not None


def _is_cjk(character: str) -> bool:
    return any(unit.kind == "cjk" for unit in units(character))


def _is_latin(character: str) -> bool:
    return character.isalnum() and not _is_cjk(character)

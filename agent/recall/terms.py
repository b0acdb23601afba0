"""From text to the terms under which it is found: pure.

Words of both scripts meet as Simplified characters, words cut by jieba's dictionary alone
(its guesses at unknown words differ between a question and the answer to it). A dictionary
word may hide the one that was meant (狗叫 holds 狗), so single characters count too, for less.
English endings are the index's business: it stems.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import opencc
import rjieba

from pipeline.text import count_units, units

# Words that say nothing about what a sentence is about.
_FUNCTION_WORDS = frozenset(
    Path(__file__).with_name("function_words.txt").read_text("utf-8").split()
)


def words(text: str) -> list[str]:
    """Words of a text in their order, folded, function words and punctuation left out."""
    plain = _to_simplified().convert(unicodedata.normalize("NFKC", text)).casefold()
    return [word for word in rjieba.cut(plain, False) if _tells(word)]


def characters(of_words: Iterable[str]) -> list[str]:
    """The Chinese characters in words, those left out that are function words themselves."""
    return [
        unit.text
        for word in of_words
        for unit in units(word)
        if unit.kind == "cjk" and unit.text not in _FUNCTION_WORDS
    ]


def _tells(word: str) -> bool:
    is_letter = len(word) == 1 and word.isascii()  # of a contraction: don't, I'm
    return not is_letter and word not in _FUNCTION_WORDS and count_units(word) > 0


@cache
def _to_simplified() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")

"""Text as recognisers read it: 一三八, １３８, ①③⑧ and 1\N{ZERO WIDTH SPACE}38 are all 138.

Every character is replaced by one character or left out, so a place in the folded text is a
place in the original one.
"""

from __future__ import annotations

import re
import unicodedata

_NUMERALS = str.maketrans(
    "零〇一二三四五六七八九幺壹贰貳叁參肆伍陆陸柒捌玖洞拐勾", "001234567891122334566789079"
)
_NUMERAL = "".join(map(chr, _NUMERALS))
# Fewer in a row count things; seven are the shortest phone number. People pause inside one.
_NUMERAL_RUN = re.compile(rf"[{_NUMERAL}0-9](?:[ ,，、.\-]?[{_NUMERAL}0-9]){{6,}}")
_INVISIBLE = re.compile(  # the last two make a keycap of a digit: 1️⃣
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufe0f\u20e3]"
)
_KEYCAP = "\ufe0f\u20e3"
_LAST_DIGIT = 0x1FBF9  # no script above it has digits


def _plain() -> dict[int, str]:
    """Full-width ASCII, digits of all scripts, spaces and dashes of all widths."""
    table = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    for code in range(0x80, _LAST_DIGIT + 1):
        digit = unicodedata.decimal(chr(code), None)
        if digit is not None:
            table[code] = str(digit)
    for first in (0x2460, 0x2474, 0x2488, 0x2776, 0x2780, 0x278A):  # ① ⑴ ⒈ ❶ ➀ ➊
        table |= {first + at: str(at + 1) for at in range(9)}
    table |= dict.fromkeys((0x24EA, 0x24FF), "0")  # ⓪ ⓿
    table |= dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2009\u202f\u3000"), " ")
    table |= dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63"), "-")
    return table


_PLAIN = _plain()


def fold(text: str) -> tuple[str, list[int] | None]:
    """Fold a text.

    Returns:
        The folded text, and where its characters stood if their number changed.
    """
    if text.isascii():
        return text, None
    positions: list[int] | None = None
    if _INVISIBLE.search(text) is not None:
        positions = [at for at, char in enumerate(text) if not _INVISIBLE.match(char)]
        text = "".join(text[at] for at in positions)
    text = text.translate(_PLAIN)
    return _NUMERAL_RUN.sub(lambda run: run[0].translate(_NUMERALS), text), positions


def span_in(text: str, start: int, end: int, positions: list[int] | None) -> tuple[int, int]:
    """A stretch of the folded text as a stretch of the original, keycaps whole."""
    if positions is None:
        return start, end
    first, last = positions[start], positions[end - 1] + 1
    while last < len(text) and text[last] in _KEYCAP:
        last += 1
    return first, last

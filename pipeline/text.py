"""Text units: a CJK character, a Latin word and a number are each one unit.

Recognition, interruption, similarity, clause cutting, heard text and error rates all
count in these. Counting whitespace words breaks Chinese: 我觉得最近压力有点大 is one
"word" and ten units.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Language: TypeAlias = Literal["zh", "en"]
UnitKind: TypeAlias = Literal["cjk", "word", "number"]

# Unified ideographs with extensions A to H, compatibility forms, 〇, bopomofo and kana.
_CJK = (
    "\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U000323af"
)
_UNIT = re.compile(
    rf"(?P<cjk>[{_CJK}])"
    r"|(?P<number>\d+(?:[.,:]\d+)*%?)"
    rf"|(?P<word>[^\W\d_{_CJK}]+(?:['’\-][^\W\d_{_CJK}]+)*)"
)


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit and where it stands: `source[start:end] == text`."""

    text: str
    start: int
    end: int
    kind: UnitKind


def units(text: str) -> list[Unit]:
    """All units of `text` in order; punctuation, spaces and symbols belong to none."""
    found = []
    for match in _UNIT.finditer(text):
        kind = match.lastgroup
        assert kind in ("cjk", "word", "number")
        found.append(Unit(match.group(), match.start(), match.end(), kind))  # type: ignore[arg-type]
    return found


def count_units(text: str) -> int:
    """Number of units in `text`."""
    return sum(1 for _ in _UNIT.finditer(text))


def keys(text: str) -> tuple[str, ...]:
    """Units folded for comparison: width (NFKC) and case are ignored, order is not."""
    return tuple(unit.text.casefold() for unit in units(unicodedata.normalize("NFKC", text)))


def same_words(left: str, right: str) -> bool:
    """Whether two texts differ at most in punctuation, spacing, width and case."""
    return keys(left) == keys(right)


def common_prefix_length(left: Sequence[str], right: Sequence[str]) -> int:
    """Number of leading items that two sequences share."""
    length = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        length += 1
    return length


def edit_distance(left: Sequence[str], right: Sequence[str]) -> int:
    """Levenshtein distance between two sequences of units."""
    previous = list(range(len(right) + 1))
    for row, one in enumerate(left, start=1):
        current = [row]
        for column, other in enumerate(right, start=1):
            substitution = previous[column - 1] + (one != other)
            current.append(min(previous[column] + 1, current[column - 1] + 1, substitution))
        previous = current
    return previous[-1]


def unit_error_rate(hypothesis: str, reference: str) -> float:
    """Edits per reference unit: character error rate for Chinese, word error rate for English.

    An empty reference gives 0.0 for an empty hypothesis and 1.0 for any other.
    """
    wanted, got = keys(reference), keys(hypothesis)
    if not wanted:
        return 1.0 if got else 0.0
    return edit_distance(got, wanted) / len(wanted)


def similarity(left: str, right: str) -> float:
    """1 − edit distance / longer length, in units; 1.0 for two empty texts."""
    one, other = keys(left), keys(right)
    longest = max(len(one), len(other))
    return 1.0 - edit_distance(one, other) / longest if longest else 1.0


def language_of(text: str, default: Language = "zh") -> Language:
    """Zh when any unit is a CJK character, en when there are only Latin words, else `default`."""
    kinds = {unit.kind for unit in units(text)}
    if "cjk" in kinds:
        return "zh"
    return "en" if "word" in kinds else default


def join(left: str, right: str) -> str:
    """Concatenate two pieces; a space goes between only where two Latin words or numbers meet."""
    left, right = left.rstrip(), right.lstrip()
    if not left or not right:
        return left + right
    before, after = left[-1], right[0]
    if _is_wide(before) or _is_wide(after) or not after.isalnum():
        return left + right
    return f"{left} {right}"


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in ("W", "F")

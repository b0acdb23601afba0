"""Repetition: the complaint about models tuned on too little for too long."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.text import keys

_LOOP_UNITS = 6  # a stretch of this many units …
_LOOP_TIMES = 3  # … said this often is a loop


@dataclass(frozen=True, slots=True)
class Repetition:
    """Of a set of replies; shares are 0 to 1.

    Attributes:
        loop_rate: Replies with a loop.
        endless_rate: Replies that had to be cut off.
        distinct_1: Different units among all units.
        distinct_2: The same of pairs.
        compression: Compressed size over size; low is repetitive.
    """

    loop_rate: float
    endless_rate: float
    distinct_1: float
    distinct_2: float
    compression: float


def loops(text: str) -> bool:
    """Whether a stretch of six units is said three times."""
    return max(_counts(keys(text), _LOOP_UNITS).values(), default=0) >= _LOOP_TIMES


def repetition(texts: Sequence[str], ended: Sequence[bool]) -> Repetition:
    """Measure replies.

    Args:
        texts: Replies.
        ended: For each, whether it ended by itself.
    """
    if not texts:
        return Repetition(0.0, 0.0, 0.0, 0.0, 1.0)
    singles: Counter[tuple[str, ...]] = Counter()
    pairs: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        units = keys(text)
        singles += _counts(units, 1)
        pairs += _counts(units, 2)
    joined = "\n".join(texts).encode()
    return Repetition(
        loop_rate=sum(map(loops, texts)) / len(texts),
        endless_rate=sum(not end for end in ended) / len(ended),
        distinct_1=len(singles) / max(1, singles.total()),
        distinct_2=len(pairs) / max(1, pairs.total()),
        compression=len(zlib.compress(joined)) / max(1, len(joined)),
    )


def _counts(units: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(units[i : i + size]) for i in range(len(units) - size + 1))

"""How near replies come to the person's own way of writing."""

from __future__ import annotations

import itertools
import math
import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.text import keys

_PUNCTUATION = re.compile(r"[，。！？、；：…～,.!?;:~—\-()（）「」“”\"' ]")
_PARTICLE = re.compile(r"[啊呀呢吧嗎吗哦喔噢啦嘛哈欸诶囉咯哎唉嗯哇耶]")
_STICKER = re.compile(r"\[[^\[\]\s]{1,12}\]")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
_KAOMOJI = re.compile(r"[(（][^()（）\w\s]{1,4}[\w∀ω▽д皿_.・´`;]{0,4}[^()（）\w\s]{0,4}[)）]")
_OPENING_CHARS = 2


@dataclass(frozen=True, slots=True)
class Style:
    """A way of writing.

    Attributes:
        units: Mean length of a reply in text units.
        units_spread: Standard deviation of it.
        stickers: Stickers, emoji and kaomoji a reply.
        distinct_2: Different pairs of units among all pairs.
        punctuation: Share of each mark among all marks.
        particles: Share of each particle among all particles, with none as "".
        openings: Share of each beginning of a reply.
    """

    units: float
    units_spread: float
    stickers: float
    distinct_2: float
    punctuation: Mapping[str, float]
    particles: Mapping[str, float]
    openings: Mapping[str, float]


def style_of(texts: Sequence[str]) -> Style:
    """Measure replies; there must be at least one."""
    lengths = [len(keys(text)) for text in texts]
    pairs: Counter[tuple[str, str]] = Counter()
    for text in texts:
        units = keys(text)
        pairs.update(itertools.pairwise(units))
    return Style(
        units=statistics.mean(lengths),
        units_spread=statistics.pstdev(lengths),
        stickers=sum(map(stickers, texts)) / len(texts),
        distinct_2=len(pairs) / max(1, pairs.total()),
        punctuation=_shares(mark for text in texts for mark in _PUNCTUATION.findall(text) or [""]),
        particles=_shares(word for text in texts for word in _PARTICLE.findall(text) or [""]),
        openings=_shares(text.strip()[:_OPENING_CHARS] for text in texts),
    )


def distances(person: Style, other: Style) -> dict[str, float]:
    """How far `other` is from the person, feature by feature; 0 is the same, 1 is far.

    Lengths and rates as |log ratio| up to 1, distributions as Jensen-Shannon distance.
    """
    return {
        "length": _log_ratio(person.units, other.units),
        "length spread": _log_ratio(person.units_spread, other.units_spread),
        "stickers": min(1.0, abs(person.stickers - other.stickers)),
        "distinct-2": abs(person.distinct_2 - other.distinct_2),
        "punctuation": jensen_shannon(person.punctuation, other.punctuation),
        "particles": jensen_shannon(person.particles, other.particles),
        "openings": jensen_shannon(person.openings, other.openings),
    }


def stickers(text: str) -> int:
    """Stickers, emoji and kaomoji in a text."""
    return sum(len(pattern.findall(text)) for pattern in (_STICKER, _EMOJI, _KAOMOJI))


def jensen_shannon(one: Mapping[str, float], two: Mapping[str, float]) -> float:
    """Distance of two distributions, 0 to 1 (the root of the divergence in bits)."""
    total = 0.0
    for key in {*one, *two}:
        left, right = one.get(key, 0.0), two.get(key, 0.0)
        middle = (left + right) / 2
        total += sum(part * math.log2(part / middle) for part in (left, right) if part) / 2
    return math.sqrt(max(0.0, total))


def _shares(items: object) -> dict[str, float]:
    counts = Counter(items)  # type: ignore[call-overload]
    return {str(item): count / counts.total() for item, count in counts.items()}


def _log_ratio(one: float, two: float) -> float:
    smooth = 0.5  # so that a length of 0 has a distance, too
    return min(1.0, abs(math.log((one + smooth) / (two + smooth))))

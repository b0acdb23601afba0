"""A text as it is spoken, with the way back to the text as it is written."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the source and what is said for it: source[start:end] reads as `spoken`.

    `spoken` is empty for what is not said. Where it is as long as its source, the two
    correspond character by character.
    """

    spoken: str
    start: int
    end: int


@dataclass(frozen=True)
class Reading:
    """Segments that cover a source text without gap or overlap.

    Attributes:
        segments: In source order.
        spoken: Their spoken forms, joined.
    """

    segments: tuple[Segment, ...]
    spoken: str = field(init=False)
    _ends: tuple[int, ...] = field(init=False)  # of each segment within `spoken`

    def __post_init__(self) -> None:
        object.__setattr__(self, "spoken", "".join(s.spoken for s in self.segments))
        object.__setattr__(self, "_ends", tuple(accumulate(len(s.spoken) for s in self.segments)))

    def heard(self, spoken_chars: int) -> int:
        """Source characters heard once the first `spoken_chars` of `spoken` are said.

        A stretch that reads longer or shorter than it is written counts when it is over.
        """
        index = bisect_right(self._ends, spoken_chars) - 1
        done = self.segments[index].end if index >= 0 else 0
        if index + 1 < len(self.segments):
            segment = self.segments[index + 1]
            said = spoken_chars - (self._ends[index] if index >= 0 else 0)
            if said > 0 and len(segment.spoken) == segment.end - segment.start:
                return segment.start + said
        return done


def align(source: Sequence[str], spoken: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """Match two token sequences: (source start, source end, spoken start, spoken end) blocks.

    Equal tokens come one by one, a changed stretch as one block, and what is only spoken
    joins the block before it, at the very start the one after. Blocks cover both
    sequences in order; an empty source has none.
    """
    blocks: list[tuple[int, int, int, int]] = []
    matcher = SequenceMatcher(None, source, spoken, autojunk=False)
    said = 0  # spoken tokens that the blocks so far account for
    for tag, start, end, _, spoken_end in matcher.get_opcodes():
        if tag == "equal":
            for at in range(start, end):
                to = spoken_end - (end - at) + 1
                blocks.append((at, at + 1, said, to))
                said = to
        elif tag != "insert":
            blocks.append((start, end, said, spoken_end))
            said = spoken_end
        elif blocks:
            blocks[-1] = (*blocks[-1][:3], spoken_end)
            said = spoken_end
    return blocks


def tighten(segment: Segment, source: str) -> list[Segment]:
    """Split off the characters that a segment's two ends share with its source.

    25岁 read as 二十五岁 is 25 read as 二十五, then 岁.
    """
    written = source[segment.start : segment.end]
    shortest = min(len(written), len(segment.spoken))
    head = 0
    while head < shortest and written[head] == segment.spoken[head]:
        head += 1
    tail = 0
    while tail < shortest - head and written[-1 - tail] == segment.spoken[-1 - tail]:
        tail += 1
    middle_end, spoken_end = segment.end - tail, len(segment.spoken) - tail
    parts = (
        Segment(segment.spoken[:head], segment.start, segment.start + head),
        Segment(segment.spoken[head:spoken_end], segment.start + head, middle_end),
        Segment(segment.spoken[spoken_end:], middle_end, segment.end),
    )
    return [part for part in parts if part.spoken or part.end > part.start]


def cover(segments: Iterable[Segment], length: int) -> Reading:
    """A reading of `length` source characters; what no segment covers is silent."""
    covered: list[Segment] = []
    at = 0
    for segment in segments:
        if segment.start > at:
            covered.append(Segment("", at, segment.start))
        covered.append(segment)
        at = segment.end
    if at < length:
        covered.append(Segment("", at, length))
    return Reading(tuple(covered))

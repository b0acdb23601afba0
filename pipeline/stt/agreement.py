"""Local agreement: what successive hypotheses of a growing window have in common is settled.

    window 1   I feel re
    window 2   I feel really
    window 3   I feel really tired to       committed "I feel", unstable " really tired to"
    window 4   I feel really tired today    committed "I feel really", unstable …

Counted in text units, so that one Chinese character commits alone (LocalAgreement of
Macháček et al. 2023, arXiv:2307.14743, which counts white-space words). The last unit of
a hypothesis may be half a word and never counts as agreed. Punctuation is not compared;
it is committed together with the unit after it, when it can no longer change.
"""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.text import Unit, common_prefix_length, join, units

# Two hypotheses in a row still agree on homophones heard too early (我最尽工作 for 我最近工作):
# on 19 clips the error after commits was 4.6 % with two and 3.2 % with three, against
# 2.7 % for one decode of the whole.
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Agreed:
    """`committed` only ever grows; `unstable` follows it without a gap and may change."""

    committed: str
    unstable: str

    @property
    def text(self) -> str:
        """Both parts."""
        return self.committed + self.unstable


class Agreement:
    """The transcript of one turn as its hypotheses come in. Pure."""

    def __init__(self) -> None:
        self._committed = ""
        self._unstable = ""
        # What earlier hypotheses had after the committed text; the newest last.
        self._earlier: deque[list[str]] = deque(maxlen=ROUNDS - 1)

    @property
    def agreed(self) -> Agreed:
        """Where things stand."""
        return Agreed(self._committed, self._unstable)

    def update(self, hypothesis: str, *, start: int = 0) -> Agreed:
        """Take the next hypothesis.

        Args:
            hypothesis: Text of a window that reaches at least as far as the last one.
            start: Where in the committed text the window begins, in characters: 0, or
                what `border` gave when the window was trimmed.
        """
        rest = _after(self._committed[start:], hypothesis)
        if rest and start == len(self._committed):
            rest = join(self._committed, rest)[len(self._committed) :]
        found = units(rest)
        names = _names(found)
        settled = self._settled(names)
        end = found[settled - 1].end if settled else 0
        self._committed += rest[:end]
        self._unstable = rest[end:].rstrip()
        self._earlier.append(names)
        for earlier in self._earlier:
            del earlier[:settled]
        return self.agreed

    def _settled(self, names: Sequence[str]) -> int:
        """How many of the units after the committed text all rounds agree on."""
        if len(self._earlier) < ROUNDS - 1:
            return 0
        same = min(common_prefix_length(names, earlier) for earlier in self._earlier)
        shortest = min(len(names), *map(len, self._earlier))
        return max(0, min(same, shortest - 1))

    def commit_all(self) -> Agreed:
        """Settle what is there: the audio behind it is gone."""
        self._committed += self._unstable
        self._unstable = ""
        self._earlier.clear()
        return self.agreed

    def border(self, start: int, count: int) -> int:
        """Characters of committed text up to and with `count` units after `start`.

        Punctuation after the last of them belongs to it.
        """
        found = units(self._committed[start:])
        if count < len(found):
            return start + found[count].start
        return len(self._committed)


def _after(agreed: str, hypothesis: str) -> str:
    """What `hypothesis` says after `agreed`, which it should begin with.

    A recogniser that ignores the prefix may word the beginning differently; then the
    border lies where the two beginnings differ least.
    """
    if hypothesis.startswith(agreed):
        return hypothesis[len(agreed) :]
    found = units(hypothesis)
    wanted = _names(units(agreed))
    cut = _closest_prefix(wanted, _names(found))
    return hypothesis[found[cut - 1].end :] if cut else hypothesis


def _closest_prefix(wanted: Sequence[str], names: Sequence[str]) -> int:
    """Length of the prefix of `names` with the smallest edit distance to `wanted`.

    Among equals the one that is as long as `wanted` comes first, then the longer one:
    better to lose a unit than to say one twice.
    """
    row = list(range(len(names) + 1))
    for index, one in enumerate(wanted, start=1):
        above, row = row, [index]
        for column, other in enumerate(names, start=1):
            changed = above[column - 1] + (one != other)
            row.append(min(above[column] + 1, row[column - 1] + 1, changed))
    return min(
        range(len(row)), key=lambda length: (row[length], abs(length - len(wanted)), -length)
    )


def _names(found: Sequence[Unit]) -> list[str]:
    return [unicodedata.normalize("NFKC", unit.text).casefold() for unit in found]

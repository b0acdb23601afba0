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

# Two hypotheses in a row still agree on homophones heard too early: on 53 Mandarin turns the
# error after commits was 7.9 % with two, 6.7 % with three and 7.0 % with four, against 6.5 %
# for the last decode alone.
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
            hypothesis: Text of a window that reaches at least as far as the last one. It
                may word the committed text differently; what is committed stands.
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

    def border(self, hypothesis: str, count: int, *, start: int = 0) -> int | None:
        """Where in the committed text the first units of a hypothesis end.

        Args:
            hypothesis: Of the window that begins at `start`.
            count: How many units, at most all.
            start: Where the window begins in the committed text, in characters.

        Returns:
            Characters of the committed text, punctuation after the last unit included;
            None if not all these units are committed.
        """
        committed = units(self._committed[start:])
        agreed, said = _names(committed), _names(units(hypothesis))
        known = _closest_prefix(agreed, said)
        if count > known:
            return None
        # Counted from the end: what follows the border is what the next window begins with.
        after = _closest_prefix(said[count:known][::-1], agreed[::-1])
        return start + committed[-after].start if after else len(self._committed)


def _after(agreed: str, hypothesis: str) -> str:
    """What `hypothesis` says after `agreed`.

    It may word the beginning differently; then the border lies where the two beginnings
    differ least.
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

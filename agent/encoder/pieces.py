"""From a text to the numbers of its word pieces: SentencePiece's unigram model; pure.

The cutting with the greatest sum of scores wins (Kudo 2018). A character that no piece begins
with counts as unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

_SPACE = "\u2581"  # stands for spaces, and before the text
_SPACES = re.compile(" +")
_UNKNOWN_LESS = 10.0  # that an unknown character scores under the rarest piece
# Spellings of Chinese and English: ASCII, Han, and the marks and wide forms that go with them.
_SPOKEN_HERE = re.compile("[\x21-\x7e\u2581\u2014\u2026\u3000-\u303f\u3400-\u9fff\uff00-\uffef]+")


class Pieces:
    """A vocabulary of word pieces.

    Args:
        pieces: The number of a piece is its place. One with a score of 0 is a sign of the
            model's own, such as its end: no text spells it.
        scores: Logarithms of their frequencies.
        replaced: What stands for a character, by its code point.
        begin: Number that begins a text.
        end: Number that ends it.
        unknown: Number of a character without a piece.
    """

    def __init__(
        self,
        pieces: Sequence[str],
        scores: Sequence[float],
        replaced: Mapping[int, str],
        begin: int,
        end: int,
        unknown: int,
    ) -> None:
        self.begin = begin
        self.end = end
        self.unknown = unknown
        self._numbers: dict[str, int] = {}
        for number, (piece, score) in enumerate(zip(pieces, scores, strict=True)):
            if score < 0:
                self._numbers.setdefault(piece, number)
        self._longest = max(map(len, self._numbers), default=0)
        self._scores = scores
        self._replaced = replaced
        self._unknown_score = min(scores) - _UNKNOWN_LESS

    def spoken_here(self) -> tuple[Pieces, npt.NDArray[np.int64]]:
        """The pieces that spell Chinese and English, two in five, numbered anew.

        Returns:
            The smaller vocabulary, and what its numbers were, int64, shape (n_pieces,).
        """
        signs = (self.begin, self.end, self.unknown)
        spelled = ((n, piece) for piece, n in self._numbers.items() if n not in signs)
        kept = [*dict.fromkeys(signs), *(n for n, one in spelled if _SPOKEN_HERE.fullmatch(one))]
        spelling = {number: piece for piece, number in self._numbers.items()}
        begin, end, unknown = (kept.index(number) for number in signs)
        fewer = Pieces(
            [spelling.get(number, "") for number in kept],
            [self._scores[number] for number in kept],
            self._replaced,
            begin,
            end,
            unknown,
        )
        return fewer, np.array(kept, np.int64)

    def folded(self, text: str) -> str:
        """A text as its pieces spell it: width and case of signs folded, no two spaces."""
        return _SPACES.sub(_SPACE, " " + text.translate(self._replaced))

    def numbers(self, text: str) -> list[int]:
        """The pieces of any text, at least one, without begin and end.

        Takes some 3 µs a character.
        """
        text = self.folded(text)
        best = [0.0] + [float("-inf")] * len(text)
        came: list[tuple[int, int]] = [(0, self.unknown)] * (len(text) + 1)
        for start in range(len(text)):
            score = best[start] + self._unknown_score
            if score > best[start + 1]:
                best[start + 1], came[start + 1] = score, (start, self.unknown)
            for end in range(start + 1, min(start + self._longest, len(text)) + 1):
                number = self._numbers.get(text[start:end])
                if number is not None and best[start] + self._scores[number] > best[end]:
                    best[end], came[end] = best[start] + self._scores[number], (start, number)
        found, at = [], len(text)
        while at:
            at, number = came[at]
            found.append(number)
        return found[::-1]

"""English text to the phonemes of misaki, which hibari and Kokoro were trained on.

hibari carries misaki's lexicons and rules without spaCy and espeak-ng; its symbols are
Kokoro's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hibari.g2p import G2P

from pipeline.errors import SynthesisError

PAUSES = frozenset(".!?…;:,—")


@dataclass(frozen=True, slots=True)
class Word:
    """Symbols of a word, or of a mark, with the space after it.

    Attributes:
        symbols: Each of them is one token of the network.
        end: Characters of the text that are said with its last symbol.
    """

    symbols: str
    end: int

    @property
    def pauses(self) -> bool:
        """Whether a speaker would pause behind it."""
        return bool(set(self.symbols) & PAUSES)

    @property
    def sounds(self) -> bool:
        """Whether it is more than marks and spaces."""
        return bool(set(self.symbols) - PAUSES - {" "})


class EnglishPhonemes:
    """Phonemes of English; threads may share it.

    Args:
        british: Received pronunciation instead of General American.
    """

    def __init__(self, *, british: bool = False) -> None:
        self._g2p = G2P(british=british)

    def words(self, spoken: str) -> list[Word]:
        """Words and marks of a text without digits; what it cannot read is left out.

        Raises:
            SynthesisError: The rules trip over the text.
        """
        readable = "".join(c if _is_readable(c) else " " for c in spoken)
        try:
            tokens = self._g2p.phonemize_tokens(self._g2p.tokenize(readable))
        except (LookupError, TypeError, ValueError) as error:  # what its rules trip over
            raise SynthesisError("The English voice cannot read this text") from error
        found: list[Word] = []
        at = 0
        for token in tokens:
            place = readable.find(token.text, at)
            at = place + len(token.text) if place >= 0 else at
            found.append(Word((token.phonemes or "") + (" " if token.whitespace else ""), at))
        return found


def passages(words: Sequence[Word], max_symbols: int) -> Iterator[Sequence[Word]]:
    """Cut a long text after the last pause, else the last word, that fits one pass."""
    start = 0
    while start < len(words):
        size, end, cut = 0, start, start
        while end < len(words) and (end == start or size + len(words[end].symbols) <= max_symbols):
            size += len(words[end].symbols)
            end += 1
            if words[end - 1].pauses:
                cut = end
        if end < len(words) and cut > start:
            end = cut
        yield words[start:end]
        start = end


def _is_readable(character: str) -> bool:
    """Whether the phonemiser knows the script: ASCII, accented Latin, a few signs.

    It also counts on a lower-case form of one character, which İ does not have.
    """
    if character.isascii() or character in "‘’“”—…–€£¥°":
        return True
    return "À" <= character <= "ɏ" and len(character.lower()) == 1

"""Notices a reply that runs in circles.

Small models fall into loops: the same phrase again and again until the token limit. The
guard counts in text units, so it is the same for Chinese and English and does not care
about the punctuation between the repeats.
"""

from __future__ import annotations

from pipeline.text import keys

# A phrase is a loop when it stands this often in a row and the repeats together are at
# least LOOP_UNITS long: 谢谢谢谢 and "no, no, no" are speech, a sentence said thrice is not.
LOOP_REPEATS = 3
LOOP_UNITS = 12
LONGEST_PHRASE_UNITS = 40  # about two spoken sentences
SYMBOL_RUN = 24  # characters without a single unit: dashes, dots or stickers without end

_TAIL_CHARACTERS = 1_000  # enough for three phrases of the longest kind in English


class LoopGuard:
    """Watches one reply as it grows; how the text is cut into pieces makes no difference."""

    def __init__(self) -> None:
        self._tail = ""
        self._symbols = 0
        self._looping = False

    def feed(self, text: str) -> int | None:
        """Take the next piece of the reply.

        Args:
            text: Any length, empty included.

        Returns:
            Number of characters of `text` up to and including the one that closes a loop;
            None while there is none. Once a loop was found, 0 for ever.
        """
        if self._looping:
            return 0
        for position, character in enumerate(text):
            if self._closes_loop(character):
                self._looping = True
                return position + 1
        return None

    def _closes_loop(self, character: str) -> bool:
        self._tail = (self._tail + character)[-_TAIL_CHARACTERS:]
        if character.isspace():
            return False
        if not keys(character):
            self._symbols += 1
            return self._symbols >= SYMBOL_RUN
        self._symbols = 0
        return ends_in_loop(keys(self._tail))


def ends_in_loop(units: tuple[str, ...]) -> bool:
    """Whether the sequence ends in a phrase repeated often enough to be a loop."""
    for length in range(1, min(LONGEST_PHRASE_UNITS, len(units) // LOOP_REPEATS) + 1):
        repeats = max(LOOP_REPEATS, -(-LOOP_UNITS // length))
        if len(units) >= length * repeats and _is_periodic(units[-length * repeats :], length):
            return True
    return False


def _is_periodic(units: tuple[str, ...], period: int) -> bool:
    return units[period:] == units[:-period]

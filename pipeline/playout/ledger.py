"""Which characters of a reply have been heard, from the number of samples played.

    text     我 听 到 了 ， 你 最 近 …
    marks        ▲3520  ▲7040         chars heard once that many samples were played
    played   ──────────▶ 8000          → heard_chars == chars of the last mark passed

Every character belongs to exactly one clause, every clause's marks are shifted to the
start of the reply, so the answer is one binary search.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import rjieba

from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.tts.base import CharMark

# A syllable whose last 40 ms are missing was still heard: Mandarin finals fade out there.
HEARD_TOLERANCE_SAMPLES = OUTPUT_RATE_HZ * 40 // 1000
# How far back playout may go to resume at a clause border rather than a word border.
CLAUSE_REWIND_SAMPLES = OUTPUT_RATE_HZ * 1200 // 1000

_CLAUSE_ENDS = frozenset("。！？；，、：…!?;,:\n")


class ReplyLedger:
    """Account of one reply: text announced, samples voiced, and how they belong together."""

    def __init__(self) -> None:
        self.text = ""
        self.samples = 0
        self._clause_index = -1
        self._clause_start_samples = 0
        self._mark_samples: list[int] = []
        self._mark_chars: list[int] = []

    def append_text(self, text: str) -> int:
        """Announce the next clause's text; returns its character offset in the reply."""
        start = len(self.text)
        self.text += text
        return start

    def append_audio(self, clause_index: int, n_samples: int, marks: Sequence[CharMark]) -> None:
        """Book a chunk of a clause's voice.

        Args:
            clause_index: Clause it belongs to; clauses come in order.
            n_samples: Length of the chunk.
            marks: Characters counted from the start of the reply, samples from the start
                of the clause's audio.
        """
        if clause_index != self._clause_index:
            self._clause_index = clause_index
            self._clause_start_samples = self.samples
        self.samples += n_samples
        for mark in marks:
            self._add_mark(self._clause_start_samples + mark.samples, mark.chars)

    def span(self, start_sample: int, end_sample: int) -> tuple[int, int]:
        """The half-open span of characters whose sound ends in these samples.

        Spans of adjoining samples adjoin, from 0 to the end of the text.
        """
        return self._chars_at(start_sample), self._chars_at(end_sample)

    def _chars_at(self, sample: int) -> int:
        if sample <= 0:
            return 0
        passed = bisect_right(self._mark_samples, sample)
        return self._mark_chars[passed - 1] if passed else 0

    def _add_mark(self, samples: int, chars: int) -> None:
        # Never let a sloppy engine turn time or text back.
        if self._mark_samples:
            samples = max(samples, self._mark_samples[-1])
            chars = max(chars, self._mark_chars[-1])
        self._mark_samples.append(samples)
        self._mark_chars.append(min(chars, len(self.text)))

    def heard_chars(self, played_samples: int) -> int:
        """Number of leading characters heard after `played_samples` samples; never falls."""
        if played_samples <= 0:
            return 0
        return self._chars_at(played_samples + HEARD_TOLERANCE_SAMPLES)

    def all_said(self, played_samples: int) -> bool:
        """Whether nothing but silence is left of the text so far."""
        return self._chars_at(played_samples) >= len(self.text)

    def heard_text(self, played_samples: int) -> str:
        """The text whose audio was played."""
        return self.text[: self.heard_chars(played_samples)]

    def resume_sample(self, played_samples: int) -> int:
        """Where to go on after a pause at `played_samples`.

        The last clause border if it lies at most `CLAUSE_REWIND_SAMPLES` back, else the
        last word border that does, else the pause itself.
        """
        passed = bisect_right(self._mark_samples, played_samples)
        earliest = played_samples - CLAUSE_REWIND_SAMPLES
        recent = [0, *self._mark_samples[:passed]] if earliest <= 0 else self._mark_samples[:passed]
        borders = [sample for sample in recent if sample >= earliest]
        clauses = [sample for sample in borders if self._ends_clause(self._chars_at(sample))]
        words = self._word_borders() if borders and not clauses else frozenset()
        word_borders = [sample for sample in borders if self._chars_at(sample) in words]
        return max(clauses or word_borders, default=played_samples)

    def _ends_clause(self, chars: int) -> bool:
        around = self.text[max(0, chars - 1) : chars + 1]
        return chars == 0 or any(character in _CLAUSE_ENDS for character in around)

    def _word_borders(self) -> frozenset[int]:
        """Characters after which a word ends."""
        return frozenset(accumulate(len(word) for word in rjieba.cut(self.text)))

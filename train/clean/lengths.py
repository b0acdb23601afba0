"""How long rows are, and where to cut.

Without the base model's tokenizer, tokens are estimated: one for a Chinese character or a
number's digits, 1.4 for a Latin word, and 5 a turn for the template. Small English models
(SmolLM2) need about two for a Chinese character: give their tokenizer for an exact answer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.text import units
from train.clean.gate import texts_of
from train.schema import Record

_WORD_TOKENS = 1.4
_TURN_TOKENS = 5
_STEP_TOKENS = 64  # cut-offs are multiples of it; kernels like that, people too
_COVERED = 0.99


def estimate_tokens(text: str) -> int:
    """Tokens a bilingual model needs for `text`, about."""
    count = 0.0
    for unit in units(text):
        count += _WORD_TOKENS if unit.kind == "word" else 1.0
    return math.ceil(count)


@dataclass(slots=True)
class Lengths:
    """Distribution of row lengths in tokens; memory grows with distinct lengths only."""

    count: Callable[[str], int] = estimate_tokens
    rows: Counter[int] = field(default_factory=Counter)

    def add(self, record: Record) -> None:
        """Count one row."""
        self.rows[sum(self.count(text) + _TURN_TOKENS for text in texts_of(record))] += 1

    def quantile(self, share: float) -> int:
        """Smallest length that `share` (0 to 1) of the rows do not exceed; 0 without rows."""
        needed, seen = share * self.rows.total(), 0
        for length in sorted(self.rows):
            seen += self.rows[length]
            if seen >= needed:
                return length
        return 0

    def cutoff(self) -> int:
        """Proposed longest row: 99 % of the rows whole, in steps of 64 tokens."""
        return max(1, math.ceil(self.quantile(_COVERED) / _STEP_TOKENS)) * _STEP_TOKENS

    def beyond(self, cutoff: int) -> int:
        """Rows that are longer."""
        return sum(count for length, count in self.rows.items() if length > cutoff)

    def as_json(self) -> dict[str, int]:
        """Figures for a report, in tokens and rows."""
        cutoff = self.cutoff()
        return {
            "rows": self.rows.total(),
            "p50": self.quantile(0.5),
            "p90": self.quantile(0.9),
            "p95": self.quantile(0.95),
            "p99": self.quantile(0.99),
            "longest": max(self.rows, default=0),
            "proposed_cutoff": cutoff,
            "rows_beyond": self.beyond(cutoff),
        }

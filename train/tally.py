"""What became of every row: kept, or dropped for a reason with examples.

Each step that reads conversations fills a `Tally`, so that a small result always has a why.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

EXAMPLES = 3  # for each reason; enough to see the pattern, few enough to read
MALFORMED_EXAMPLES = 100  # of what may have to be mended in the file, line by line
EXCERPT_CHARS = 60
# Control characters that would act on a terminal, and bytes that are no text in any file.
_UNSHOWN = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Example:
    """One dropped row: where it stood (`file:line`) and how it began."""

    where: str
    excerpt: str


@dataclass(slots=True)
class Tally:
    """Counts of one step.

    Attributes:
        rows_in: Rows or messages the sources hold, malformed ones included.
        rows_kept: Those that are part of a record that was written.
        records: Records that were written.
        dropped: Rows by reason; `rows_in == rows_kept + sum(dropped.values())` at the end.
        left_out: Parts of rows by reason: a picture beside words, a turn that answers nothing.
            What is left of such a row counts as a row, kept or dropped.
        examples: The first rows, or parts of rows, of each reason; more of malformed ones.
        notes: Sentences for the person who reads the report.
        formats: Importer used, by file name.
    """

    rows_in: int = 0
    rows_kept: int = 0
    records: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Example]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    formats: dict[str, str] = field(default_factory=dict)

    def drop(self, reason: str, where: str, text: str = "", *, rows: int = 1) -> None:
        """Book rows that go no further.

        Args:
            reason: A short phrase that reads well after a number.
            where: `file:line`.
            text: The row; only its beginning is kept.
            rows: How many rows `text` stands for.
        """
        self.dropped[reason] += rows
        self._show(reason, where, text)

    def leave_out(self, reason: str, where: str, text: str = "") -> None:
        """Book a part of a row that goes no further while the rest of the row may.

        Args:
            reason: As in `drop`; no reason of one is a reason of the other.
            where: `file:line`.
            text: The part; only its beginning is kept.
        """
        self.left_out[reason] += 1
        self._show(reason, where, text)

    def _show(self, reason: str, where: str, text: str) -> None:
        shown = self.examples.setdefault(reason, [])
        if len(shown) < _most_examples(reason):
            excerpt = " ".join(_UNSHOWN.sub("\ufffd", text[: 2 * EXCERPT_CHARS]).split())
            cut = excerpt if len(excerpt) <= EXCERPT_CHARS else excerpt[: EXCERPT_CHARS - 1] + "…"
            shown.append(Example(where, cut))

    def add(self, other: Tally) -> None:
        """Book what another tally holds as well."""
        self.rows_in += other.rows_in
        self.rows_kept += other.rows_kept
        self.records += other.records
        self.dropped += other.dropped
        self.left_out += other.left_out
        for reason, shown in other.examples.items():
            mine = self.examples.setdefault(reason, [])
            mine += shown[: max(0, _most_examples(reason) - len(mine))]
        self.notes += other.notes
        self.formats |= other.formats

    def why_empty(self) -> str:
        """One sentence on why nothing came out, the commonest reasons first."""
        if not self.rows_in:
            return "; ".join(["the source holds no rows", *self.notes])
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.dropped.most_common(4))
        return "; ".join([f"of {self.rows_in} rows, {reasons or 'none was kept'}", *self.notes])

    def as_json(self) -> dict[str, Any]:
        """Plain values for a report file."""
        return {
            "rows_in": self.rows_in,
            "rows_kept": self.rows_kept,
            "records": self.records,
            "dropped": {
                reason: {"rows": count, "examples": self._examples(reason)}
                for reason, count in self.dropped.most_common()
            },
            "left_out": {
                reason: {"parts": count, "examples": self._examples(reason)}
                for reason, count in self.left_out.most_common()
            },
            "notes": self.notes,
            "formats": self.formats,
        }

    def _examples(self, reason: str) -> list[dict[str, str]]:
        return [
            {"where": example.where, "text": example.excerpt}
            for example in self.examples.get(reason, ())
        ]


def _most_examples(reason: str) -> int:
    return MALFORMED_EXAMPLES if reason.startswith("malformed") else EXAMPLES

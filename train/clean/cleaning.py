"""One pass over records: decisions, phrases, personal data, duplicates, lengths, in this order.

Decisions come first because they were made on the text as it was imported; duplicates come
after masking, because two chats that differ in a phone number only are the same chat.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from train.clean import duplicates, phrases
from train.clean.fragments import exchange_key, exchanges
from train.clean.gate import CLEANED, texts_of
from train.clean.lengths import Lengths
from train.clean.mask import Masker, Style
from train.clean.names import NameFinder, introduced
from train.clean.pii import KINDS
from train.clean.review import Review
from train.schema import Conversation, Message, Preference, Record, read
from train.tally import Tally


@dataclass(frozen=True, slots=True)
class CleanOptions:
    """What to do.

    Attributes:
        review: Decisions on fragments.
        style: What replaces personal data; None leaves it where it is.
        names: Names to mask besides those found.
        keep_names: Names that stay, such as the persona's.
        find_names: Whether to look for names that nobody listed.
        near: Similarity from which two records are the same, 0 to 1; None keeps all.
        drop_phrases: Whether replies with a brand, refusal or denial are dropped or only
            counted.
    """

    review: Review = field(default_factory=Review)
    style: Style | None = "placeholder"
    names: frozenset[str] = frozenset()
    keep_names: frozenset[str] = frozenset()
    find_names: bool = True
    near: float | None = duplicates.THRESHOLD
    drop_phrases: bool = False


@dataclass(slots=True)
class CleanReport:
    """What was done.

    Attributes:
        tally: Records in, kept and dropped. What a review cuts into parts counts by them, the
            exchanges that it drops among them.
        reviewed: Exchanges by decision: accept, drop, edit, undecided.
        idle: Decisions on exchanges that are in none of the records.
        masked: Replacements by kind of personal data.
        phrases: Records by fault of `train.clean.phrases`, with the ids of the first ones.
        lengths: Of what was kept.
    """

    tally: Tally = field(default_factory=Tally)
    reviewed: Counter[str] = field(default_factory=Counter)
    idle: int = 0
    masked: Counter[str] = field(default_factory=Counter)
    phrases: Counter[str] = field(default_factory=Counter)
    phrase_examples: dict[str, list[str]] = field(default_factory=dict)
    lengths: Lengths = field(default_factory=Lengths)

    def as_json(self) -> dict[str, Any]:
        """Plain values for a report file."""
        return {
            **self.tally.as_json(),
            "review": {**self.reviewed, "idle": self.idle},
            "masked": {kind: self.masked[kind] for kind in KINDS if self.masked[kind]},
            "phrases": {
                fault: {"records": count, "ids": self.phrase_examples[fault]}
                for fault, count in self.phrases.most_common()
            },
            "lengths_tokens": self.lengths.as_json(),
        }


def clean(
    records: Iterable[Record], options: CleanOptions, report: CleanReport
) -> Iterator[Record]:
    """Clean records one by one.

    Args:
        records: What was imported.
        options: See there.
        report: Filled as records come.
    """
    finder = NameFinder(options.names, keep=options.keep_names, tag=options.find_names)
    masker = Masker(finder, options.style) if options.style else None
    seen = duplicates.Duplicates(options.near) if options.near is not None else None
    if masker is not None:
        report.masked = masker.masked  # type: ignore[assignment]  # kinds are strings
    met: set[str] = set()
    for record in records:
        parts = _reviewed(record, options.review, report, met)
        masked = [part if masker is None else _masked(part, masker) for part in parts]
        for part in masked:
            report.tally.rows_in += 1
            if _has_fault(part, options, report) or (
                seen is not None and _repeats(part, seen, report)
            ):
                continue
            report.tally.rows_kept += 1
            report.tally.records += 1
            report.lengths.add(part)
            yield part
    report.idle = sum(
        bool(row.decision) and key not in met for key, row in options.review.rows.items()
    )


def known_names(path: Path) -> set[str]:
    """Names of everyone who writes in a file of records, and of whom they introduce."""
    names: set[str] = set()
    for record in read(path):
        if isinstance(record, Conversation):
            names.update(message.name for message in record.messages if message.name)
        for text in texts_of(record):
            names |= introduced(text)
    return names


def _reviewed(
    record: Record, review: Review, report: CleanReport, met: set[str]
) -> Sequence[Record]:
    """Parts of a record after its decisions; what they drop is booked, and their keys are met."""
    if not isinstance(record, Conversation) or not review.rows:
        return [record]
    made: Counter[str] = Counter()
    parts = review.apply(record, made)
    for reason, count in (
        ("dropped in the review", made["drop"]),
        ("left without a reply to learn by the review", made.pop("mute", 0)),
    ):
        if count:
            report.tally.rows_in += count
            # The id alone: where it stood may name a person, and nothing is masked yet.
            report.tally.drop(reason, record.id, rows=count)
    if made:
        report.reviewed += made
        met.update(exchange_key(asked.content, said.content) for asked, said in exchanges(record))
    return parts


def _has_fault(record: Record, options: CleanOptions, report: CleanReport) -> bool:
    found = phrases.faults(record)
    for fault in found:
        report.phrases[fault] += 1
        examples = report.phrase_examples.setdefault(fault, [])
        if len(examples) < 3:
            examples.append(record.id)
    if found and options.drop_phrases:
        _drop(report, f"another assistant's phrase ({', '.join(sorted(found))})", record)
        return True
    return False


def _repeats(record: Record, seen: duplicates.Duplicates, report: CleanReport) -> bool:
    original = seen.original(record)
    if original is None:
        return False
    _drop(report, "repeats another" if original.exact else "nearly repeats another", record)
    return True


def _drop(report: CleanReport, reason: str, record: Record) -> None:
    report.tally.drop(reason, record.origin or record.id, record.id)


def _masked(record: Record, masker: Masker) -> Record:
    record = record.model_copy(update={"tags": (*(set(record.tags) - {CLEANED}), CLEANED)})
    origin = masker.mask(record.origin, counted=False) if record.origin else None
    mask: Callable[[str], str] = masker.mask
    if isinstance(record, Conversation):
        return record.model_copy(
            update={
                "origin": origin,
                "messages": tuple(_masked_message(message, mask) for message in record.messages),
                "system": mask(record.system) if record.system else None,
            }
        )
    if isinstance(record, Preference):
        return record.model_copy(
            update={
                "origin": origin,
                "prompt": tuple(_masked_message(message, mask) for message in record.prompt),
                "chosen": mask(record.chosen),
                "rejected": mask(record.rejected),
                "system": mask(record.system) if record.system else None,
            }
        )
    return record.model_copy(update={"origin": origin, "text": mask(record.text)})


def _masked_message(message: Message, mask: Callable[[str], str]) -> Message:
    return message.model_copy(update={"content": mask(message.content), "name": None})

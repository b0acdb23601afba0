"""The last look before training: what high-risk data a finished file still holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import DataError
from train.clean.mask import high_risk_in
from train.clean.pii import Kind
from train.facts import MADE_UP
from train.schema import Conversation, Preference, Record, read

CLEANED = "cleaned"  # tag of every record whose personal data was replaced
_PLACES_SHOWN = 5


@dataclass(slots=True)
class HighRisk:
    """What a file holds.

    Attributes:
        path: The file.
        kinds: Findings by kind.
        places: Kind and id of the first records that hold some; never the data itself.
        records: How many there are that nobody made up for training.
        uncleaned: How many of them `data clean` never masked.
    """

    path: Path
    kinds: Counter[Kind] = field(default_factory=Counter)
    places: list[tuple[Kind, str]] = field(default_factory=list)
    records: int = 0
    uncleaned: int = 0

    def __bool__(self) -> bool:
        return bool(self.kinds)

    def found(self) -> str:
        """The first half of a sentence: what is left, and where."""
        counts = ", ".join(f"{count} {kind}" for kind, count in self.kinds.most_common())
        where = ", ".join(f"{kind} in {record}" for kind, record in self.places)
        return f"{self.path.name} still holds personal data ({counts}; {where})"

    def sentence(self) -> str:
        """One sentence for the person who would train on it."""
        return (
            f"{self.found()}: "
            "run `qingting data clean` on it first, or add --force to train on it all the same."
        )

    def warnings(self) -> list[str]:
        """Sentences for the person who is about to hand the file on; none if it is clean."""
        found = []
        if self:
            found.append(
                f"{self.found()}, and so does what was written from it: "
                "run `qingting data clean` on it first."
            )
        if self.uncleaned:
            found.append(
                f"{self.uncleaned} of {self.records} records in {self.path.name} never went "
                "through `qingting data clean`: names, repeated rows and other assistants' "
                "phrases are still in them."
            )
        return found


def high_risk(path: Path) -> HighRisk:
    """Search a file of records, names of people aside.

    Raises:
        DataError: See `train.schema.read`.
    """
    found = HighRisk(path)
    for record in read(path):
        if not MADE_UP & set(record.tags):
            found.records += 1
            found.uncleaned += CLEANED not in record.tags
        for text in texts_of(record):
            for finding in high_risk_in(text):
                found.kinds[finding.kind] += 1
                if len(found.places) < _PLACES_SHOWN:
                    found.places.append((finding.kind, record.id))
    return found


def refuse_high_risk(path: Path, *, force: bool = False) -> HighRisk:
    """`high_risk`, as a gate.

    Raises:
        DataError: The file holds some and `force` is not set.
    """
    found = high_risk(path)
    if found and not force:
        raise DataError(found.sentence())
    return found


def texts_of(record: Record) -> Iterator[str]:
    """Everything a model could learn from a record."""
    if isinstance(record, Conversation | Preference) and record.system:
        yield record.system
    if isinstance(record, Conversation):
        yield from (message.content for message in record.messages)
    elif isinstance(record, Preference):
        yield from (message.content for message in record.prompt)
        yield record.chosen
        yield record.rejected
    else:
        yield record.text

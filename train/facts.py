"""What a person said, one thing at a time, to be looked up while they are spoken for: pure.

Only their own words count: replies that training would learn, with what they answered, and
documents. Rows that were made up for training (identity, behaviour, general data, copies as a
recogniser hears them) are no history.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipeline.text import count_units, keys, units
from train.schema import Conversation, Document, Record
from train.tally import Tally

MADE_UP = frozenset({"identity", "behaviour", "general", "spoken"})
# Shorter replies (好呀, 我也是) say nothing without their moment.
LEAST_UNITS = 6
# A note holds about 120 tokens: longer words would never be told, so they are parted.
MOST_UNITS = 80
# Of the question only as much as tells what it was about.
MOST_ASKED_UNITS = 24
_SENTENCE = re.compile(r".+?(?:[。！？!?…]+|(?<=[a-z)])\.(?=\s)|\n|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Said:
    """Something a person said.

    Attributes:
        id: Record, number of the message or paragraph, and of its part where it was parted:
            `9f2c04b1d3a85e67:2`, `9f2c04b1d3a85e67:4.1`.
        said: The words.
        asked: What they answered, cut short; empty for a paragraph.
    """

    id: str
    said: str
    asked: str = ""


def facts(records: Iterable[Record], tally: Tally) -> Iterator[Said]:
    """Everything worth looking up, each wording once.

    Args:
        records: As `train.schema` has them.
        tally: Filled with replies and paragraphs, and why some were left out.
    """
    seen: set[int] = set()  # hashes: a long history has more wordings than fit in memory
    for record in records:
        made_up = bool(MADE_UP & set(record.tags))
        for one in _said(record):
            tally.rows_in += 1
            reason = "made up for training" if made_up else _why_not(one.said)
            wording = hash(keys(one.said))
            if not reason and wording in seen:
                reason = "said before in the same words"
            if reason:
                tally.drop(reason, one.id, one.said)
                continue
            seen.add(wording)
            tally.rows_kept += 1
            tally.records += 1
            yield one


def _said(record: Record) -> Iterator[Said]:
    if isinstance(record, Conversation):
        asked = ""
        for number, message in enumerate(record.messages, start=1):
            if message.role == "user":
                asked = message.content
            elif message.weight:
                yield from _parts(f"{record.id}:{number}", message.content, _beginning(asked))
    elif isinstance(record, Document):
        for number, paragraph in enumerate(record.text.splitlines(), start=1):
            if paragraph.strip():
                yield from _parts(f"{record.id}:{number}", paragraph, "")


def _parts(identity: str, text: str, asked: str) -> Iterator[Said]:
    """The text whole, or as stretches of sentences that are short enough."""
    if count_units(text) <= MOST_UNITS:
        yield Said(identity, text.strip(), asked)
        return
    parts = [""]
    for sentence in _SENTENCE.findall(text):
        if parts[-1] and count_units(parts[-1] + sentence) > MOST_UNITS:
            parts.append("")
        parts[-1] += sentence
    for number, part in enumerate(parts, start=1):
        yield Said(f"{identity}.{number}", part.strip(), asked)


def _why_not(said: str) -> str:
    length = count_units(said)
    if length < LEAST_UNITS:
        return f"under {LEAST_UNITS} words or characters"
    return f"one sentence of over {MOST_UNITS}" if length > MOST_UNITS else ""


def _beginning(text: str) -> str:
    found = units(text)
    if len(found) <= MOST_ASKED_UNITS:
        return text.strip()
    return text[: found[MOST_ASKED_UNITS].start].strip() + "…"

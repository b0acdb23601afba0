"""A person's decisions on fragments, in a CSV file that any spreadsheet opens.

    decision            empty (not decided), accept, drop or edit
    score, signs, before, user, assistant      what is being decided on
    edited_user, edited_assistant              for edit; an empty one stays as it was
    background                                 a sentence put before the user's turn
    key                                        finds the exchange in every later import

The file is only ever added to: rows of chats that are not in this import stay, so that
nothing decided is lost when a chat is exported and imported anew.

Spreadsheets do things to a file: they save it in the system's code page, with semicolons or
tabs, and take a key such as 12e4567890123456 for a number. All of it is read; a text that
would be a formula stands behind an apostrophe.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, TypeAlias, cast, get_args

from pipeline.errors import DataError
from train.clean.fragments import Fragment, exchange_key, exchanges
from train.importers.encoding import encoding_of
from train.schema import Conversation, Message, conversation_id, replacing

Choice: TypeAlias = Literal["", "accept", "drop", "edit"]

_KEY = re.compile(r"[0-9a-f]{16}")
_HEAD_BYTES = 65536  # enough to tell an encoding by
# A spreadsheet takes a cell that begins so for a formula, and a stranger's message may be one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_QUOTED = ("before", "user", "assistant", "edited_user", "edited_assistant", "background")


@dataclass(slots=True)
class Decision:
    """One row of the file."""

    decision: Choice
    score: str
    signs: str
    before: str
    user: str
    assistant: str
    edited_user: str = ""
    edited_assistant: str = ""
    background: str = ""
    key: str = ""


_COLUMNS = [column.name for column in fields(Decision)]


@dataclass(slots=True)
class Review:
    """Decisions by key, in the order of the file."""

    rows: dict[str, Decision] = field(default_factory=dict)

    def add(self, found: Iterable[Fragment]) -> int:
        """Add fragments that are not in it yet; returns how many were."""
        before = len(self.rows)
        for fragment in found:
            self.rows.setdefault(
                fragment.key,
                Decision(
                    "",
                    f"{fragment.score:.2f}",
                    " ".join(fragment.signs),
                    fragment.before,
                    fragment.user,
                    fragment.assistant,
                    key=fragment.key,
                ),
            )
        return len(self.rows) - before

    def undecided(self) -> list[Decision]:
        """Rows that nobody has decided on, the most doubtful first."""
        return sorted(
            (row for row in self.rows.values() if not row.decision),
            key=lambda row: -float(row.score or 0),
        )

    def counts(self) -> Mapping[str, int]:
        """Rows by decision; `undecided` for those without."""
        return Counter(row.decision or "undecided" for row in self.rows.values())

    def apply(self, record: Conversation, counts: Counter[str] | None = None) -> list[Conversation]:
        """Carry the decisions out.

        Args:
            record: What was imported.
            counts: Exchanges by decision are added to it, `undecided` for listed ones without,
                and as `mute` the parts that were left without a learned reply.

        Returns:
            The conversation, edited; in two or more parts where an exchange inside it was
            dropped; nothing if all were.
        """
        parts: list[list[Message]] = [[]]
        made: Counter[str] = Counter() if counts is None else counts
        changed = False
        for user, assistant in exchanges(record):
            row = self.rows.get(exchange_key(user.content, assistant.content))
            if row is not None:
                made[row.decision or "undecided"] += 1
                changed |= row.decision in ("drop", "edit")
                if row.decision == "drop":
                    parts.append([])
                    continue
                if row.decision == "edit":
                    user = _edited(user, row.edited_user, row.background)
                    assistant = _edited(assistant, row.edited_assistant)
            parts[-1] += [user, assistant]
        if not changed:
            return [record]
        kept = [messages for messages in parts if _learns(messages)]
        made["mute"] += sum(map(bool, parts)) - len(kept)
        return [_part(record, messages) for messages in kept]


def load(path: Path) -> Review:
    """Read a review file; a missing one is empty.

    Raises:
        DataError: It cannot be read, lacks a column, a decision is none that there is, or two
            rows decide differently on one exchange; the message names the line.
    """
    if not path.exists():
        return Review()
    review = Review()
    try:
        data = path.read_bytes()
        text = data.decode(encoding_of(data[:_HEAD_BYTES])).removeprefix("\ufeff")
        header = text[: text.find("\n")]
        rows = csv.DictReader(
            io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count)
        )
        missing = {"key", "decision"} - set(rows.fieldnames or ())
        if missing:
            raise DataError(f"{path.name} lacks the column {' and '.join(sorted(missing))}.")
        for values in rows:
            _enter(review, values, f"{path.name}, line {rows.line_num}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"Cannot read {path}: {error}.") from error
    return review


def _enter(review: Review, values: Mapping[str, str | None], where: str) -> None:
    row = _row(values, where)
    before = review.rows.get(row.key)
    if before is None or not before.decision:
        review.rows[row.key] = row
    elif row.decision not in ("", before.decision):
        raise DataError(
            f"{where}: {row.decision}, but an earlier row on the same exchange says "
            f"{before.decision}; keep one of them."
        )


def _row(values: Mapping[str, str | None], where: str) -> Decision:
    row = Decision(**{name: values.get(name) or "" for name in _COLUMNS})  # type: ignore[arg-type]
    for name in _QUOTED:
        text = getattr(row, name)
        if text.startswith("'") and text[1:].startswith(_FORMULA):
            setattr(row, name, text[1:])
    row.decision = cast(Choice, row.decision.strip().lower())
    if row.decision not in get_args(Choice):
        raise DataError(
            f"{where}: the decision is {row.decision!r}; write accept, drop or edit, or nothing."
        )
    row.key = row.key.strip().lower()
    if _KEY.fullmatch(row.key) is None:
        if not row.user or not row.assistant:
            raise DataError(f"{where}: the key is {row.key!r}, which is none.")
        row.key = exchange_key(row.user, row.assistant)
    return row


def save(review: Review, path: Path) -> None:
    """Write a review file in place of the one it was loaded from, all or nothing."""
    with replacing(path, force=True) as out:
        out.write("\ufeff")  # without it Excel takes UTF-8 for the system's code page
        rows = csv.DictWriter(out, _COLUMNS, lineterminator="\n")
        rows.writeheader()
        for row in review.rows.values():
            rows.writerow({name: _cell(row, name) for name in _COLUMNS})


def _cell(row: Decision, name: str) -> str:
    text = str(getattr(row, name))
    return f"'{text}" if name in _QUOTED and text.startswith(_FORMULA) else text


def _edited(message: Message, text: str, background: str = "") -> Message:
    content = text.strip() or message.content
    if background.strip():
        content = f"（{background.strip()}）\n{content}"
    return message.model_copy(update={"content": content})


def _learns(messages: list[Message]) -> bool:
    return any(message.weight for message in messages if message.role == "assistant")


def _part(record: Conversation, messages: list[Message]) -> Conversation:
    same = len(messages) == len(record.messages)
    return record.model_copy(
        update={
            "id": record.id if same else conversation_id(messages, record.system),
            "messages": tuple(messages),
        }
    )

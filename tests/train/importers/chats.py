"""The exports of tests/data/chats, and reading them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from train.importers import ImportOptions, import_paths
from train.importers.chats import ChatOptions
from train.importers.sessions import PRESETS
from train.schema import Conversation, Record
from train.tally import Tally

CHATS = Path(__file__).parents[2] / "data" / "chats"


def read(
    *names: str | Path, preset: str = "qingting", tally: Tally | None = None, **chat: Any
) -> list[Record]:
    """Records of fixture files; every row is accounted for, whatever the file."""
    booked = tally if tally is not None else Tally()
    options = ImportOptions(
        format=chat.pop("format", None),
        datasets=chat.pop("datasets", ()),
        chat=ChatOptions(preset=PRESETS[preset], **chat),
    )
    records = list(import_paths([CHATS / name for name in names], options, booked))
    assert booked.rows_in == booked.rows_kept + booked.dropped.total()
    assert booked.records == len(records)
    return records


def said(records: Sequence[Record]) -> list[list[str]]:
    """Texts of conversations, in order."""
    return [
        [message.content for message in record.messages]
        for record in records
        if isinstance(record, Conversation)
    ]

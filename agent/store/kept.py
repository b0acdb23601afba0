"""What is kept of a call, as whoever opens a record sees it."""

from __future__ import annotations

import datetime
import json
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

ItemKind: TypeAlias = Literal[
    "caller", "bot", "mark", "intake", "memory", "caller_audio", "bot_audio"
]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True)


class Consent(_Data):
    """What the caller allows to be kept.

    Attributes:
        text: Words, marks and the intake record.
        audio: Both voices.
        memory: A few sentences for the caller's next call.
    """

    text: bool = True
    audio: bool = False
    memory: bool = False


class CallRecord(_Data):
    """One call, without its content.

    Attributes:
        call_id: Of the call.
        began_at: UTC.
        ended_at: UTC; None while it runs, and for a call that was killed.
        consent: What may be kept of it.
        caller: Name or number that the caller gave, or None.
    """

    call_id: str
    began_at: datetime.datetime
    ended_at: datetime.datetime | None
    consent: Consent
    caller: str | None


class Item(_Data):
    """One thing that is kept of a call.

    Attributes:
        number: 0, 1, 2, … within the call.
        kind: "caller" and "bot" are words; "mark", "intake" and "memory" are JSON; audio is
            PCM16 little-endian mono, 16 kHz of the caller and 24 kHz of the bot.
        at: UTC.
        content: UTF-8 text, or samples.
    """

    number: int
    kind: ItemKind
    at: datetime.datetime
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()


class AuditEntry(_Data):
    """Something that was done; never what a record holds."""

    at: datetime.datetime
    action: str
    call_id: str | None


def mark(**facts: str) -> bytes:
    """The content of a "mark" item."""
    return json.dumps(facts, ensure_ascii=False).encode()

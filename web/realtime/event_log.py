"""What a client was told, numbered and bounded, so that it can be told again. Pure.

A client that lost its socket names the last number it saw and gets what followed. One that
lost its memory as well (a page reload) names 0 and gets what still matters: superseded
events are dropped as soon as their successor is there.

    event                                   dropped when
    transcription deltas, qingting.transcript    the turn's transcript is completed
    transcript deltas of a reply                 the reply's transcript is done
    audio, spans and playout control             the next reply begins
    qingting.state                               the next state comes
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from web.realtime import server_events as wire

AnyEvent: TypeAlias = wire.StandardEvent | wire.QingtingEvent

MAX_LOG_BYTES = 8 << 20  # two minutes of audio, or every caption of a day
MAX_LOG_EVENTS = 20_000


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One event as it goes out.

    Attributes:
        number: Counts up within the call; `event_id` is "event_" and this.
        event: What it says.
        text: The same as JSON.
    """

    number: int
    event: AnyEvent
    text: str


class EventLog:
    """The part of a call's events that a returning client needs.

    Args:
        max_bytes: Of all texts kept; the oldest go first.
        max_events: Likewise.
    """

    def __init__(self, max_bytes: int = MAX_LOG_BYTES, max_events: int = MAX_LOG_EVENTS) -> None:
        self._max_bytes = max_bytes
        self._max_events = max_events
        self._kept: dict[int, str] = {}
        self._groups: dict[str, list[int]] = {}
        self._bytes = 0
        self._lost_up_to = 0

    @property
    def size_bytes(self) -> int:
        """Of all texts kept."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._kept)

    def note(self, outgoing: Outgoing) -> None:
        """Keep one event, and drop what it makes superfluous."""
        for over in _superseded_by(outgoing.event):
            for number in self._groups.pop(over, ()):
                self._drop(number)
        if isinstance(outgoing.event, wire.Pong | wire.Error | wire.Acknowledgement):
            return  # of their moment alone, of no use to a later socket
        self._kept[outgoing.number] = outgoing.text
        self._bytes += len(outgoing.text)
        if group := _group_of(outgoing.event):
            self._groups.setdefault(group, []).append(outgoing.number)
        while self._bytes > self._max_bytes or len(self._kept) > self._max_events:
            oldest = next(iter(self._kept))
            self._drop(oldest)
            self._lost_up_to = oldest

    def since(self, number: int) -> Iterator[str]:
        """Events after `number`, in order, as JSON."""
        return (text for known, text in self._kept.items() if known > number)

    def complete_since(self, number: int) -> bool:
        """Whether nothing after `number` was lost for want of space."""
        return number >= self._lost_up_to

    def _drop(self, number: int) -> None:
        self._bytes -= len(self._kept.pop(number, ""))


def _group_of(event: AnyEvent) -> str | None:
    """Events that go together when they go."""
    match event:
        case wire.State():
            return "state"
        case wire.TranscriptionDelta(item_id=item) | wire.Transcript(item_id=item):
            return f"words of {item}"
        case wire.TranscriptDelta(item_id=item):
            return f"text of {item}"
        case wire.AudioSpan() | wire.AudioDelta():
            return "audio"
        case wire.PlayoutPause() | wire.PlayoutResume() | wire.PlayoutFlush():
            return "audio"
        case _:
            return None


def _superseded_by(event: AnyEvent) -> Iterator[str]:
    match event:
        case wire.State():
            yield "state"
        case wire.TranscriptionCompleted(item_id=item):
            yield f"words of {item}"
        case wire.TranscriptDone(item_id=item):
            yield f"text of {item}"
        case wire.ResponseCreated():
            yield "audio"

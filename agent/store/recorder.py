"""Keeps a running call: its events and audio, handed to the store by a thread.

The event loop never waits for the disk. Words are written when their turn ends; audio is
gathered and written with them, or every ten seconds. A killed process so loses at most
the turn under way.

A write that fails (a command rebuilds the file, the disk is full) is tried again until it
succeeds, and what comes after it waits:

    written ──▶ next      fails, may pass ──▶ wait 0.1, 0.2, 0.4, … 5 s ──▶ again
                          fails for good (the record was deleted) ──▶ only the end is written
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from agent.store.kept import Consent, ItemKind, mark
from agent.store.records import RecordStore
from pipeline.audio import INPUT_RATE_HZ, OUTPUT_RATE_HZ, SAMPLE_BYTES
from pipeline.errors import StoreError
from pipeline.events import (
    Acknowledged,
    CallEnded,
    CallEvent,
    CrisisNoted,
    ReplyAmended,
    ReplyAudio,
    ReplyFinished,
    TranscriptCompleted,
)

logger = logging.getLogger(__name__)

MAX_AUDIO_SECS = 10.0  # of one item
# While nothing can be written no more audio waits than some 80 MB, 13 minutes of both voices;
# words are small and always wait.
MAX_WAITING_ITEMS = 160

_FIRST_WAIT_SECS = 0.1  # doubled after every try
_LONGEST_WAIT_SECS = 5.0
# How long a call that is over tries to be written: a gigabyte is rebuilt in less.
_LAST_SECS = 60.0


class CallRecorder:
    """One call's record. Its methods return at once and never raise.

    Args:
        store: Where it goes; shared by calls.
        call_id: Of the call.
        consent: What may be kept; the rest is never handed to the store.
        caller: Who calls, if known.

    Attributes:
        consent: As given.
    """

    def __init__(
        self,
        store: RecordStore,
        call_id: str,
        consent: Consent,
        caller: str | None = None,
    ) -> None:
        self._store = store
        self._call_id = call_id
        self.consent = consent
        self._audio: dict[ItemKind, bytearray] = {
            "caller_audio": bytearray(),
            "bot_audio": bytearray(),
        }
        # Its name and its item, None while nothing of it was heard; the thread's alone.
        self._latest_reply: tuple[str, int | None] = ("", None)
        self._work: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._closed_at: float | None = None  # monotonic
        self._work.put(lambda: store.begin(call_id, consent, caller))
        self._thread = threading.Thread(target=self._run, name=f"{call_id}-recorder", daemon=True)
        self._thread.start()

    def note(self, event: CallEvent) -> None:
        """One more event of the call."""
        match event:
            case TranscriptCompleted(_, text, _) if text:
                self.caller_text(text)
            case Acknowledged(text, pcm):
                self._add("mark", mark(acknowledgement=text))
                self._hear("bot_audio", pcm, OUTPUT_RATE_HZ)
            case ReplyAudio():
                self._hear("bot_audio", event.pcm, OUTPUT_RATE_HZ)
            case ReplyFinished(reply_id=reply_id, heard_text=heard):
                self._reply(reply_id, heard)
                self._flush()
            case ReplyAmended(reply_id=reply_id, heard_text=heard):
                self._reply(reply_id, heard)
            case CrisisNoted(tier, category, _):
                # A mark is kept with any consent to text: it is what a counsellor must see.
                self._add("mark", mark(crisis=tier, category=category))
            case CallEnded():
                self.close()
            case _:
                pass

    def caller_text(self, text: str) -> None:
        """A turn of the caller, spoken or typed."""
        self._add("caller", text.encode())
        self._flush()

    def keep_intake(self, content: bytes) -> None:
        """The intake record as it is now: JSON that takes the place of the last one."""
        if self.consent.text:
            self._work.put(lambda: self._store.replace(self._call_id, "intake", content))

    def remember(self, content: bytes) -> None:
        """What the caller's next call may know: JSON, once, before the end."""
        if self.consent.memory:
            self._work.put(lambda: self._store.remember(self._call_id, content))

    def hear(self, pcm: bytes) -> None:
        """The caller's audio: PCM16 little-endian, mono, 16 kHz."""
        self._hear("caller_audio", pcm, INPUT_RATE_HZ)

    def close(self) -> None:
        """The call is over. Safe to call twice."""
        self._flush()
        if self._closed_at is None:
            self._closed_at = time.monotonic()
        self._work.put(None)

    def wait_closed(self) -> None:
        """Block until everything is written, at most a minute."""
        self._thread.join(_LAST_SECS)

    def _hear(self, kind: ItemKind, pcm: bytes, rate_hz: int) -> None:
        if not self.consent.audio:
            return
        waiting = self._audio[kind]
        waiting += pcm
        if len(waiting) >= MAX_AUDIO_SECS * rate_hz * SAMPLE_BYTES:
            self._flush()

    def _flush(self) -> None:
        for kind, waiting in self._audio.items():
            if waiting and self._work.qsize() < MAX_WAITING_ITEMS:
                self._put(kind, bytes(waiting))
            waiting.clear()

    def _reply(self, reply_id: str, heard_text: str) -> None:
        """What was heard of a reply; the last word about it takes the place of earlier ones."""
        if self.consent.text:
            self._work.put(lambda: self._write_reply(reply_id, heard_text))

    def _write_reply(self, reply_id: str, heard_text: str) -> None:
        latest, number = self._latest_reply
        if latest != reply_id:
            number = None
        if number is not None:
            self._store.amend(self._call_id, number, heard_text.encode())
            number = number if heard_text else None
        elif heard_text:
            number = self._store.add(self._call_id, "bot", heard_text.encode())
        self._latest_reply = (reply_id, number)

    def _add(self, kind: ItemKind, content: bytes) -> None:
        if self.consent.text:
            self._put(kind, content)

    def _put(self, kind: ItemKind, content: bytes) -> None:
        self._work.put(lambda: self._store.add(self._call_id, kind, content))

    def _run(self) -> None:
        failed = False
        while (work := self._work.get()) is not None:
            failed = failed or not self._written(work)
        self._written(lambda: self._store.end(self._call_id))

    def _written(self, work: Callable[[], object]) -> bool:
        """Try until it succeeds; False once no more waiting helps."""
        wait_secs = _FIRST_WAIT_SECS
        while True:
            try:
                work()
            except StoreError as error:
                if not error.retryable or self._must_end():
                    logger.error("call %s is not recorded any more: %s", self._call_id, error.code)
                    return False
                if wait_secs == _FIRST_WAIT_SECS:
                    logger.warning("call %s waits to be recorded", self._call_id)
            else:
                return True
            # The store is free for others meanwhile.
            time.sleep(wait_secs)
            wait_secs = min(2 * wait_secs, _LONGEST_WAIT_SECS)

    def _must_end(self) -> bool:
        return self._closed_at is not None and time.monotonic() - self._closed_at >= _LAST_SECS

"""Records after the call: read, struck from, and written out; the store keeps them."""

from __future__ import annotations

import datetime
import threading

from pydantic import ValidationError

from agent.intake.record import IntakeRecord
from agent.intake.sheet import SheetFacts
from agent.memory.desk import without_quotes
from agent.store.kept import CallRecord
from agent.store.records import RecordStore
from pipeline.errors import StoreError


class IntakeDesk:
    """Every intake record of a store. Its methods block for the disk; any thread may call them.

    Args:
        store: Where calls are kept.
        review_secs: How long after its end a call counts as under review; see `in_review`.
    """

    def __init__(self, store: RecordStore, review_secs: float = 0.0) -> None:
        self._store = store
        self._review_secs = review_secs
        self._lock = threading.Lock()

    def last(self) -> CallRecord:
        """The newest call that is over and left an intake record.

        Raises:
            StoreError: There is none.
        """
        call = self._store.latest("intake")
        if call is None:
            raise StoreError("No call that is over left an intake record; see privacy.record.")
        return call

    def in_review(self, call_id: str, now: datetime.datetime) -> bool:
        """Whether the call's page may still see and change the record.

        Raises:
            StoreError: There is no such call.
        """
        ended = self._store.call(call_id).ended_at
        return ended is None or (now - ended).total_seconds() < self._review_secs

    def facts(self, call_id: str, *, reason: str = "read") -> SheetFacts:
        """What stands on a call's sheet.

        Args:
            call_id: Of the call.
            reason: What the audit log says.

        Raises:
            StoreError: There is no such call, or nothing was taken in it.
        """
        call = self._store.call(call_id)
        return SheetFacts(
            self._record(call_id, reason),
            call_id,
            call.began_at,
            call.ended_at,
            audio_kept=call.consent.audio,
            caller=call.caller,
        )

    def strike(self, call_id: str, entry_ids: list[int]) -> SheetFacts:
        """Take entries out for good, and out of what the caller's next call may know.

        The transcript of the call is another matter.

        Raises:
            StoreError: There is no such call or entry, and nothing is struck; or all is struck,
                and the file could not be rebuilt, so that old content may still stand in it.
        """
        with self._lock:
            record = kept = self._record(call_id, "read")
            for entry_id in entry_ids:
                kept = kept.without(entry_id)
            content = kept.model_dump_json().encode()
            struck = [entry.quote for entry in record.entries if entry not in kept.entries]
            # In one: a strike that fails halfway could not be asked for again.
            self._store.revise(
                call_id,
                {
                    "intake": lambda _: content,
                    "memory": lambda memory: without_quotes(memory, struck, call_id=call_id),
                },
                reason="struck",
            )
        return self.facts(call_id)

    def _record(self, call_id: str, reason: str) -> IntakeRecord:
        for item in self._store.items(call_id, reason=reason, kind="intake"):
            try:
                return IntakeRecord.model_validate_json(item.content)
            except ValidationError as error:
                raise StoreError(f"The intake record of {call_id} cannot be read.") from error
        raise StoreError(f"Nothing was taken down in {call_id}.")

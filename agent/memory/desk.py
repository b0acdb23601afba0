"""What is remembered of a caller: read, corrected and forgotten; the store keeps it.

The lines of a call are part of its record, so that they are encrypted, exported, purged by age
and deleted with it.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from agent.config import Locale
from agent.memory.summary import CallMemory, Topic
from agent.store.kept import CallRecord
from agent.store.records import RecordStore
from pipeline.errors import StoreError


@dataclass(frozen=True, slots=True)
class Remembered:
    """One line, and where it is from.

    Attributes:
        line_id: Names it in this store: "CALL.NUMBER".
        topic: What it is about.
        text: The caller's words.
        corrected: Whether the caller wrote it anew after the call.
        said_at: When that call began, UTC.
        locale: Language and script of that call.
    """

    line_id: str
    topic: Topic
    text: str
    corrected: bool
    said_at: datetime.datetime
    locale: Locale


class MemoryDesk:
    """The memories of a store. Its methods block for the disk; any thread may call them.

    Args:
        store: Where calls are kept.
    """

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    def lines(self, caller: str, *, reason: str = "recalled") -> list[Remembered]:
        """Everything remembered of a caller, the newest call first; empty for a stranger.

        Args:
            caller: The tag under which they allowed it.
            reason: What the audit log says of each call that was looked at.

        Raises:
            StoreError: A record cannot be opened.
        """
        return [
            Remembered(
                f"{call.call_id}.{line.number}",
                line.topic,
                line.text,
                line.corrected,
                call.began_at,
                memory.locale,
            )
            for call in self._calls(caller)
            for memory in self._memories(call.call_id, reason)
            for line in memory.lines
        ]

    def correct(self, caller: str, line_id: str, text: str) -> None:
        """Put the caller's words in the place of a line; empty ones take it out.

        Raises:
            StoreError: This caller has no such line, or the words are too many.
        """
        self._revise(caller, line_id, lambda memory, number: memory.corrected(number, text))

    def forget_line(self, caller: str, line_id: str) -> None:
        """Take one line out for good.

        Raises:
            StoreError: This caller has no such line.
        """
        self._revise(caller, line_id, CallMemory.without)

    def forget(self, caller: str) -> int:
        """Forget a caller: all lines, and that they allowed it.

        Records that were kept for another reason stay, under the caller's tag; those that
        only served the memory are deleted. A call under way leaves nothing any more.

        Returns:
            From how many calls something was remembered, or would have been.

        Raises:
            StoreError: The file cannot be written.
        """
        calls = self._calls(caller)
        kept = [call.call_id for call in calls if call.consent.text or call.consent.audio]
        others = [call.call_id for call in calls if call.call_id not in kept]
        if kept:
            self._store.withdraw_memory(kept)
        if others:
            self._store.delete(others, reason="forgotten")
        return len(calls)

    def _calls(self, caller: str) -> list[CallRecord]:
        return [call for call in self._store.calls(caller) if call.consent.memory]

    def _memories(self, call_id: str, reason: str) -> list[CallMemory]:
        items = self._store.items(call_id, reason=reason, kind="memory")
        return [_opened(item.content, call_id) for item in items]

    def _revise(
        self, caller: str, line_id: str, change: Callable[[CallMemory, int], CallMemory]
    ) -> None:
        call_id, _, number = line_id.rpartition(".")
        known = {line.line_id for line in self.lines(caller, reason="read")}
        if line_id not in known:
            raise StoreError(f"Nothing is remembered of this caller under '{line_id}'.")
        self._store.revise(
            call_id,
            {"memory": lambda content: _packed(change(_opened(content, call_id), int(number)))},
            reason="corrected",
        )


def without_quotes(content: bytes, quotes: Sequence[str], *, call_id: str) -> bytes:
    """What the store keeps of a call's memory, without the lines that say any of `quotes`.

    Raises:
        StoreError: `content` is no memory; the sentence names `call_id`.
    """
    return _packed(_opened(content, call_id).without_quotes(quotes))


def _opened(content: bytes, call_id: str) -> CallMemory:
    try:
        return CallMemory.model_validate_json(content)
    except ValidationError as error:
        raise StoreError(f"What is remembered of {call_id} cannot be read.") from error


def _packed(memory: CallMemory) -> bytes:
    return memory.model_dump_json().encode()

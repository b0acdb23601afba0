"""From settings to what a call knows of its caller."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from agent.config import Locale, Settings
from agent.intake.taker import IntakeTaker
from agent.memory.desk import MemoryDesk, Remembered
from agent.memory.notes import RememberedNotes
from agent.store.records import RecordStore
from pipeline.context.notes import NoteSource
from pipeline.errors import StoreError

logger = logging.getLogger(__name__)


def recall(store: RecordStore | None, caller: str | None) -> list[Remembered]:
    """What is remembered of a caller; nothing without a store or a tag. Blocks for the disk.

    A store that cannot be read costs the memory, not the call.
    """
    if store is None or caller is None:
        return []
    try:
        return MemoryDesk(store).lines(caller)
    except StoreError as error:
        logger.error("a caller is not remembered: %s", error.code)
        return []


def memory_sources(
    settings: Settings,
    remembered: Sequence[Remembered],
    locale: Locale,
    count_tokens: Callable[[str], int],
    taker: IntakeTaker | None,
) -> tuple[NoteSource, ...]:
    """What tells the model of earlier calls; empty where nothing is remembered."""
    if not remembered or taker is None:
        return ()
    note_tokens = settings.memory.note_tokens
    return (
        RememberedNotes(remembered, locale, count_tokens, note_tokens, lambda: taker.record.turns),
    )

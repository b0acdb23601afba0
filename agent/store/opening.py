"""From settings to the store."""

from __future__ import annotations

import logging
from pathlib import Path

from agent.config import Settings
from agent.store.keys import KeyFile, KeyPlace, KeyRing
from agent.store.records import RecordStore
from pipeline.errors import StoreError

logger = logging.getLogger(__name__)


def open_store(settings: Settings) -> RecordStore:
    """The records of this installation.

    Raises:
        StoreError: See `RecordStore`.
    """
    folder = _folder(settings)
    place: KeyPlace
    if settings.privacy.key_in_keyring:
        place = KeyRing(str(folder))
    else:
        place = KeyFile(settings.privacy.key_file or folder / "records.key")
    return RecordStore(_file(settings), place)


def open_kept(settings: Settings) -> RecordStore | None:
    """The records where calls are kept or were; None where there are none.

    What was kept ages also once nothing is kept any more.

    Raises:
        StoreError: Calls are to be kept, and the records cannot be used.
    """
    keeps = settings.privacy.record or settings.memory.offer
    if not (keeps or _file(settings).is_file()):
        return None
    try:
        return open_store(settings)
    except StoreError as error:
        if keeps:
            raise
        logger.error("earlier records cannot be opened, so they do not age: %s", error.code)
        return None


def _folder(settings: Settings) -> Path:
    return settings.home / "records"


def _file(settings: Settings) -> Path:
    return _folder(settings) / "records.sqlite"

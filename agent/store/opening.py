"""From settings to the store."""

from __future__ import annotations

from agent.config import Settings
from agent.store.keys import KeyFile, KeyPlace, KeyRing
from agent.store.records import RecordStore


def open_store(settings: Settings) -> RecordStore:
    """The records of this installation.

    Raises:
        StoreError: See `RecordStore`.
    """
    folder = settings.home.expanduser() / "records"
    place: KeyPlace
    if settings.privacy.key_in_keyring:
        place = KeyRing(str(folder))
    else:
        place = KeyFile(settings.privacy.key_file or folder / "records.key")
    return RecordStore(folder / "records.sqlite", place)

"""Deletes what has reached the age promised to its callers, for as long as a server runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

from agent.store.records import RecordStore
from pipeline.errors import StoreError

logger = logging.getLogger(__name__)

PURGE_EVERY_SECS = 3600.0  # how late a record may go; the age is counted in days


async def keep_purging(
    store: RecordStore, keep_days: float, under_way: Callable[[], Collection[str]]
) -> None:
    """Purge at once, then every hour. Never returns.

    A purge that fails is tried again at the next hour. Cancelling returns at once, but the
    worker thread finishes its purge.

    Args:
        store: Whose records.
        keep_days: Their greatest age.
        under_way: Gives the ids of calls that go on; they are spared until they are over.
    """
    while True:
        try:
            gone = await asyncio.to_thread(store.purge, keep_days, spared=under_way())
        except StoreError as error:
            logger.error("what is too old was not deleted: %s", error.code)
        else:
            if gone:
                logger.info("%d records were too old and are deleted", gone)
        await asyncio.sleep(PURGE_EVERY_SECS)

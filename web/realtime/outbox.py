"""What waits to be sent to one socket: bounded, because a client may stop reading."""

from __future__ import annotations

import asyncio
from collections import deque

from web.realtime.endings import SLOW_READER, Ending


class Outbox:
    """Messages in order, at most `limit_bytes` of them at once. One consumer.

    Attributes:
        ending: Why nothing more comes in; None while it is open.
        overflowed: Set once something did not fit: the socket cannot go on, because the
            protocol has no way to say that something is missing.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.ending: Ending | None = None
        self.overflowed = asyncio.Event()
        self._limit_bytes = limit_bytes
        self._waiting: deque[str] = deque()
        self._waiting_bytes = 0
        self._changed = asyncio.Event()

    def put(self, message: str) -> None:
        """Add one message; after `close` it is dropped, and one that does not fit closes."""
        if self.ending is not None:
            return
        # Audio is ASCII, and little else is long: characters stand for bytes here.
        if self._waiting_bytes + len(message) > self._limit_bytes:
            self.close(SLOW_READER)
            self.overflowed.set()
            return
        self._waiting.append(message)
        self._waiting_bytes += len(message)
        self._changed.set()

    async def get(self) -> str | None:
        """The next message; None once the box is closed and empty. Safe to cancel."""
        while not self._waiting:
            if self.ending is not None:
                return None
            self._changed.clear()
            await self._changed.wait()
        message = self._waiting.popleft()
        self._waiting_bytes -= len(message)
        return message

    def close(self, ending: Ending) -> None:
        """Nothing more comes in; what waits may still go out. The first ending holds."""
        self.ending = self.ending or ending
        self._changed.set()

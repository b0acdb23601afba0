"""What waits to be sent to one client: bounded, because a client may stop reading."""

from __future__ import annotations

import asyncio
from collections import deque

from pipeline.errors import ProtocolError

CLOSE_SLOW_READER = 4008


class SlowReaderError(ProtocolError):
    code = "slow_reader"

    def __init__(self) -> None:
        super().__init__("the client reads too slowly", close_code=CLOSE_SLOW_READER)


class Outbox:
    """Messages in order, at most `limit_bytes` of them at once. One consumer."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._waiting: deque[str] = deque()
        self._waiting_bytes = 0
        self._closed = False
        self._changed = asyncio.Event()

    def put(self, message: str) -> None:
        """Add one message; after `close` it is dropped.

        Raises:
            SlowReaderError: It does not fit any more; the connection cannot go on, because
                the protocol has no way to say that something is missing.
        """
        if self._closed:
            return
        # Audio is ASCII, and little else is long: characters stand for bytes here.
        if self._waiting_bytes + len(message) > self._limit_bytes:
            raise SlowReaderError
        self._waiting.append(message)
        self._waiting_bytes += len(message)
        self._changed.set()

    async def get(self) -> str | None:
        """The next message; None once the box is closed and empty. Safe to cancel."""
        while not self._waiting:
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        message = self._waiting.popleft()
        self._waiting_bytes -= len(message)
        return message

    def close(self) -> None:
        """Nothing more comes in; what waits may still go out."""
        self._closed = True
        self._changed.set()

"""What both baselines share: a call's queues, its end, and the requests they ignore."""

from __future__ import annotations

import asyncio
import logging
import secrets
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from agent.adapter import answering
from agent.config import Settings
from agent.profile import call_profile
from pipeline.assembly import CallProfile
from pipeline.events import CallEnded, CallEvent, CallFailed, CallOptions

logger = logging.getLogger(__name__)


class BaselineCall(ABC):
    """A call that listens and answers, and nothing else: no typed turns, no push-to-talk."""

    def __init__(self) -> None:
        self.call_id = f"call_{secrets.token_hex(8)}"
        self._microphone: asyncio.Queue[bytes] = asyncio.Queue()
        self._events: asyncio.Queue[CallEvent] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def run(self) -> None:
        """Hold the call until cancelled."""

    @abstractmethod
    def cancel_reply(self) -> None:
        """Stop the running reply now."""

    def start(self) -> None:
        """Begin; the event loop must be running."""
        self._task = asyncio.create_task(self._guarded(), name=f"{self.call_id}-baseline")

    def emit(self, *events: CallEvent) -> None:
        """Tell the client."""
        for event in events:
            self._events.put_nowait(event)

    async def microphone(self) -> AsyncIterator[bytes]:
        """PCM16 mono at 16 kHz, as it comes; endless."""
        while True:
            yield await self._microphone.get()

    def push_audio(self, pcm: bytes) -> None:
        self._microphone.put_nowait(pcm)

    async def events(self) -> AsyncIterator[CallEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, CallEnded):
                return

    async def close(self, reason: str = "hangup") -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
            self.emit(CallEnded(reason))

    async def _guarded(self) -> None:
        try:
            await self.run()
        except Exception as error:  # the border: one call's failure ends that call
            logger.error("the baseline failed", exc_info=error)
            self.emit(CallFailed("internal_error", "The baseline broke down.", fatal=True))
            self.emit(CallEnded("error"))

    # ---- what a caller of the bench never asks for; left empty on purpose ----
    # ruff: disable[B027]

    def configure(self, options: CallOptions) -> None: ...

    def commit_audio(self) -> None: ...

    def clear_audio(self) -> None: ...

    def send_text(self, text: str) -> None: ...

    def respond(self) -> None: ...

    def report_played(self, reply_id: str, samples: int) -> None: ...

    def truncate_reply(self, reply_id: str, audio_end_ms: int) -> None: ...

    # ruff: enable[B027]


@dataclass(frozen=True, slots=True)
class BaselineFactory:
    """Fulfils `pipeline.events.CallFactory` with one call after the other."""

    new_call: Callable[[], BaselineCall]

    async def open_call(self, options: CallOptions) -> BaselineCall:
        call = self.new_call()
        call.start()
        return call


def profile_of(settings: Settings) -> CallProfile:
    """Persona, sampling and language as our own calls have them."""
    return call_profile(settings, answering(settings), CallOptions())

"""The shell every stage of ours wears around its pure logic."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

from pipecat.frames.frames import CancelFrame, EndFrame, Frame, StartFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from pipeline.events import CallEvent
from pipeline.frames import EventFrame, MarkFrame

logger = logging.getLogger(__name__)


class Stage(FrameProcessor):
    """A `FrameProcessor` whose subclasses only say what they do with frames.

    Subclasses override `handle`; what they do not consume they pass on with
    `push_frame`. Work that takes longer than a millisecond belongs in a task made with
    `spawn` or in an engine's worker thread: all frames of a stage share one input task,
    and an `await` there delays an interruption.

    Instants are taken from the event loop's clock, which `tests/virtual_time.py` can
    turn by hand; on CPython it is `time.monotonic`.
    """

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, StartFrame):
            await self.started()
            await self.push_frame(frame, direction)
        elif isinstance(frame, EndFrame | CancelFrame):
            await self.stopped()
            await self.push_frame(frame, direction)
        else:
            await self.handle(frame, direction)

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        """Consume `frame` or pass it on."""
        await self.push_frame(frame, direction)

    async def started(self) -> None:
        """The call begins: create tasks here."""

    async def stopped(self) -> None:
        """The call ends: cancel tasks here. May run twice."""

    async def cleanup(self) -> None:
        await self.stopped()
        await super().cleanup()  # type: ignore[no-untyped-call]  # pipecat leaves it untyped

    def spawn(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        """A named task of this stage; one that dies ends the call.

        pipecat's `create_task` logs an exception and forgets it, which leaves a call
        without one of its parts.
        """
        task = self.create_task(self._supervise(work, name), name)
        # Cancelled before it began, it has not touched `work`, which would be complained of.
        task.add_done_callback(lambda _: work.close())
        return task

    async def _supervise(self, work: Coroutine[object, object, None], name: str) -> None:
        try:
            await work
        except Exception as error:
            logger.exception("task %s died", name)
            await self.push_error(f"task {name} died", exception=error)

    def now(self) -> float:
        """Monotonic seconds."""
        return asyncio.get_running_loop().time()

    async def emit(self, event: CallEvent) -> None:
        """Tell the client."""
        await self.push_frame(EventFrame(event))

    async def mark(self, generation: int, name: str, at: float | None = None) -> None:
        """Book a mark of a turn."""
        await self.push_frame(MarkFrame(generation, name, self.now() if at is None else at))

    async def push_upstream(self, frame: Frame) -> None:
        await self.push_frame(frame, FrameDirection.UPSTREAM)

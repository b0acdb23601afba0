"""Drives one stage: frames in at both ends, time in between, frames out at both ends.

Like pipecat's `run_test`, but on virtual time, and with frames from either direction in one
script, since our stages listen upstream and downstream at once.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from pipecat.frames.frames import CancelFrame, EndFrame, Frame, StartFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from pipeline.events import CallEvent
from pipeline.frames import EventFrame, MarkFrame
from pipeline.stage import Stage
from tests.virtual_time import run_virtual

FrameT = TypeVar("FrameT", bound=Frame)
EventT = TypeVar("EventT", bound=CallEvent)


@dataclass(frozen=True)
class Up:
    """A frame that comes from the stages after this one."""

    frame: Frame


Step: TypeAlias = Frame | Up | float
SETTLE_SECS = 0.001  # virtual: lets everything that takes no time happen after each frame


@dataclass
class Passed:
    """What came out of the stage, in order; pipecat's own life-cycle frames left out."""

    down: list[Frame] = field(default_factory=list)
    up: list[Frame] = field(default_factory=list)
    at: dict[int, float] = field(default_factory=dict)

    def all(self, kind: type[FrameT]) -> list[FrameT]:
        """Frames of one kind that went downstream."""
        return [frame for frame in self.down if isinstance(frame, kind)]

    def back(self, kind: type[FrameT]) -> list[FrameT]:
        """Frames of one kind that went upstream."""
        return [frame for frame in self.up if isinstance(frame, kind)]

    def events(self, kind: type[EventT]) -> list[EventT]:
        """What the client was told, of one kind."""
        return [f.event for f in self.all(EventFrame) if isinstance(f.event, kind)]

    @property
    def marks(self) -> list[str]:
        return [frame.mark for frame in self.all(MarkFrame)]

    def kinds(self) -> list[type[Frame]]:
        """Types of what went downstream."""
        return [type(frame) for frame in self.down]

    def when(self, frame: Frame) -> float:
        """Virtual seconds at which a frame came out."""
        return self.at[id(frame)]


class _Tap(FrameProcessor):
    """Notes what passes in one direction."""

    def __init__(self, name: str, seen: list[Frame], at: dict[int, float], way: FrameDirection):
        super().__init__(name=name)
        self._seen, self._at, self._way = seen, at, way

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if direction == self._way and not isinstance(frame, StartFrame | EndFrame | CancelFrame):
            self._seen.append(frame)
            self._at[id(frame)] = asyncio.get_running_loop().time()
        await self.push_frame(frame, direction)


def drive(stage: Stage, *steps: Step) -> Passed:
    """Run `stage` through a script of frames and waits (seconds), then end it.

    Fails if a task of the stage is left.
    """
    return run_virtual(_drive(stage, steps))


async def _drive(stage: Stage, steps: tuple[Step, ...]) -> Passed:
    passed = Passed()
    before = _Tap("before", passed.up, passed.at, FrameDirection.UPSTREAM)
    after = _Tap("after", passed.down, passed.at, FrameDirection.DOWNSTREAM)
    worker = PipelineWorker(
        Pipeline([before, stage, after]),
        params=PipelineParams(),
        idle_timeout_secs=None,
        enable_rtvi=False,
        enable_turn_tracking=False,
    )
    started = asyncio.Event()

    async def on_started(worker: PipelineWorker, frame: Frame) -> None:
        started.set()

    worker.add_event_handler("on_pipeline_started", on_started)
    runner = WorkerRunner(name="driver", handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run(), name="driver")
    await started.wait()
    for step in steps:
        if isinstance(step, float):
            await asyncio.sleep(step)
        elif isinstance(step, Up):
            await worker.queue_frame(step.frame, FrameDirection.UPSTREAM)
        else:
            await worker.queue_frame(step)
        await asyncio.sleep(SETTLE_SECS)
    with suppress(asyncio.CancelledError):
        await worker.cancel(reason="the script is over")
    await running
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"left behind: {sorted(task.get_name() for task in left)}"
    return passed

"""The end of the pipeline: events go to the client, marks into the latency book."""

from __future__ import annotations

from collections.abc import Callable

from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection

from pipeline.events import CallEvent
from pipeline.frames import EventFrame, LedgerFrame, MarkFrame, MeasureFrame
from pipeline.latency import LatencyBook
from pipeline.stage import Stage


class OutputStage(Stage):
    """Hands every event to `deliver`, which must not block.

    pipecat's output transports pace PCM to a socket of their own; here playout paces,
    and what leaves is typed events that the server, the local session and the bench all
    understand.
    """

    def __init__(self, deliver: Callable[[CallEvent], None]) -> None:
        super().__init__(name="output")
        self._deliver = deliver
        self._book = LatencyBook()

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        match frame:
            case EventFrame():
                self._deliver(frame.event)
            case MarkFrame():
                self._book.note(frame.generation, frame.mark, frame.at)
            case LedgerFrame():
                self._book.note_ledger(frame.entries)
            case MeasureFrame():
                self._deliver(self._book.close(frame.generation, frame.turn_id, frame.reply_id))
            case _:
                await self.push_frame(frame, direction)

"""Between the language model and the voice: tokens in, clauses out."""

from __future__ import annotations

from collections.abc import Callable

from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection

from pipeline.clauses import Clause, ClauseCutter
from pipeline.frames import (
    ClauseFrame,
    DropFrame,
    ReplyTextEndFrame,
    ReplyTextFrame,
    SayFrame,
)
from pipeline.stage import Stage


class ClauseStage(Stage):
    """Cuts the reply under way; one generation at a time, a newer one replaces it.

    pipecat's aggregators never split at ，and need a character of look-ahead after 。,
    which costs the first clause a token; hence our own cutter.
    """

    def __init__(self, new_cutter: Callable[[], ClauseCutter]) -> None:
        super().__init__(name="clauses")
        self._new_cutter = new_cutter
        self._cutter = new_cutter()
        self._generation = 0
        self._dropped_up_to = 0
        self._any = False

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        match frame:
            case ReplyTextFrame():
                if self._enter(frame.generation):
                    await self._cut(frame.text, last=frame.last, failed=frame.failed)
            case SayFrame():
                if self._enter(frame.generation):
                    await self._cut(frame.text, last=True, failed=False)
            case DropFrame():
                self._dropped_up_to = max(self._dropped_up_to, frame.generation)
                await self.push_frame(frame, direction)
            case _:
                await self.push_frame(frame, direction)

    def _enter(self, generation: int) -> bool:
        if generation <= self._dropped_up_to or generation < self._generation:
            return False
        if generation > self._generation:
            self._generation = generation
            self._cutter = self._new_cutter()
            self._any = False
        return True

    async def _cut(self, text: str, *, last: bool, failed: bool) -> None:
        clauses: list[Clause] = self._cutter.feed(text)
        if last:
            clauses += self._cutter.finish()
        for clause in clauses:
            if not self._any:
                self._any = True
                await self.mark(self._generation, "first_clause")
            await self.push_frame(ClauseFrame(self._generation, clause))
        if last:
            await self.push_frame(ReplyTextEndFrame(self._generation, failed=failed))

"""The start of the pipeline: audio in, and silence where a client sends none.

Turns are decided in stream time, which only runs while audio comes. A client that stops
sending (a muted microphone, a released button, a stalled network) would leave a turn
open and a reply unsupervised for ever, so its silence is made explicit.
"""

from __future__ import annotations

import asyncio

from pipecat.frames.frames import Frame, InputAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection

from pipeline.audio import INPUT_RATE_HZ, SAMPLE_BYTES
from pipeline.stage import Stage

# Longer than the jitter of a home network, shorter than anybody waits for an answer.
GAP_SECS = 0.4
FILL_SECS = 0.032
_FILL_PCM = bytes(int(FILL_SECS * INPUT_RATE_HZ) * SAMPLE_BYTES)


class InputStage(Stage):
    """Passes `InputAudioRawFrame`s on and fills gaps of `GAP_SECS` with digital silence."""

    def __init__(self) -> None:
        super().__init__(name="input")
        self._heard_until = 0.0
        self._fill_task: asyncio.Task[None] | None = None

    async def started(self) -> None:
        self._heard_until = self.now()
        self._fill_task = self.spawn(self._fill(), "input-fill")

    async def stopped(self) -> None:
        if self._fill_task is not None:
            task, self._fill_task = self._fill_task, None
            await self.cancel_task(task)

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, InputAudioRawFrame):
            length_secs = len(frame.audio) / SAMPLE_BYTES / INPUT_RATE_HZ
            # A burst is audio of the future: it keeps the filler away for its own length.
            self._heard_until = max(self._heard_until, self.now() - GAP_SECS) + length_secs
        await self.push_frame(frame, direction)

    async def _fill(self) -> None:
        while True:
            await asyncio.sleep(FILL_SECS)
            now = self.now()
            if now - self._heard_until < GAP_SECS:
                continue
            # Catch up with real time, but never in one blow.
            self._heard_until = max(self._heard_until + FILL_SECS, now - 2 * GAP_SECS)
            await self.push_frame(InputAudioRawFrame(_FILL_PCM, INPUT_RATE_HZ, 1))

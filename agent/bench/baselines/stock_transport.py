"""pipecat transports of the stock baseline: from the port's microphone, to the port's client.

The output paces itself exactly as pipecat's `FastAPIWebsocketOutputTransport` does: a
piece goes out, and the next one when it has been played.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from pipecat.frames.frames import InputAudioRawFrame, OutputAudioRawFrame, StartFrame
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams

from pipeline.audio import INPUT_RATE_HZ, SAMPLE_BYTES


class PortInput(BaseInputTransport):
    """The microphone."""

    def __init__(self) -> None:
        super().__init__(TransportParams(audio_in_enabled=True))
        self._started = asyncio.Event()

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._started.set()

    async def hear(self, pcm: bytes) -> None:
        """PCM16 mono at 16 kHz; waits until the pipeline has started."""
        await self._started.wait()
        await self.push_audio_frame(InputAudioRawFrame(pcm, INPUT_RATE_HZ, 1))


class PortOutput(BaseOutputTransport):
    """The loudspeaker.

    Args:
        play: Takes PCM16 mono at the output rate.
    """

    def __init__(self, play: Callable[[bytes], None]) -> None:
        super().__init__(TransportParams(audio_out_enabled=True))
        self._play = play
        self._send_next_at = 0.0

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        self._play(frame.audio)
        length_secs = len(frame.audio) / SAMPLE_BYTES / frame.sample_rate
        ahead_secs = self._send_next_at - time.monotonic()
        if ahead_secs > 0:
            await asyncio.sleep(ahead_secs)
            self._send_next_at += length_secs
        else:
            self._send_next_at = time.monotonic() + length_secs
        return True

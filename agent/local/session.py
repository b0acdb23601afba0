"""One call between this machine's microphone and loudspeaker.

device thread, every 10 ms      microphone ─▶ canceller ─▶ CallPort.push_audio
                                player ─▶ loudspeaker, and ─▶ canceller as the reference
event loop                      CallPort.events ─▶ player, captions
                                every 100 ms: samples played ─▶ CallPort
                                every second: is the device still there?
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np

from agent.local.canceller import Canceller
from agent.local.device import BLOCK_SECS, DEVICE_RATE_HZ, AudioDevice
from agent.local.player import Player
from agent.local.resample import BlockResampler
from pipeline.audio import INPUT_RATE_HZ, OUTPUT_RATE_HZ, FloatArray, float_to_int16, pcm_to_int16
from pipeline.errors import DeviceError
from pipeline.events import (
    Acknowledged,
    CallEvent,
    CallPort,
    PlayoutFlushed,
    PlayoutPaused,
    PlayoutResumed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
)

REPORT_SECS = 0.1
# A device that has not asked for audio for so long was pulled out.
LOST_SECS = 1.0
RETRY_SECS = 1.0
SILENT_DB = -90.0
_OUTPUT_BLOCK = round(BLOCK_SECS * OUTPUT_RATE_HZ)


class Listener(Protocol):
    """Who wants to know what goes on: the screen, or a test."""

    def event(self, event: CallEvent) -> None:
        """The call told its client something."""
        ...

    def levels(self, microphone_dbfs: float, loudspeaker_dbfs: float) -> None:
        """Loudest block since the last time, after the canceller."""
        ...

    def device(self, name: str | None) -> None:
        """The device in use; None while there is none."""
        ...


class LocalSession:
    """Joins a call and a device.

    Args:
        port: Opened with `reports_playout`.
        device: Opened and closed by `run`.
        canceller: Takes the bot's voice out of the microphone.
        listener: Told what goes on.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        port: CallPort,
        device: AudioDevice,
        canceller: Canceller,
        listener: Listener,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.player = Player()
        self.microphone_open = True
        self._port = port
        self._device = device
        self._canceller = canceller
        self._listener = listener
        self._clock = clock
        self._to_recogniser = BlockResampler(DEVICE_RATE_HZ, INPUT_RATE_HZ)
        self._to_reference = BlockResampler(OUTPUT_RATE_HZ, INPUT_RATE_HZ)
        self._to_loudspeaker = BlockResampler(OUTPUT_RATE_HZ, DEVICE_RATE_HZ)
        self._heard_at = clock()
        self._peaks = [0.0, 0.0]
        self._reply_ids: list[str] = []
        self._reported: dict[str, int] = {}

    async def run(self) -> None:
        """Hold the call until it ends.

        Raises:
            DeviceError: There is no device to begin with; one that is lost later is waited for.

        Cancelling closes the device and leaves the call open.
        """
        loop = asyncio.get_running_loop()

        def exchange(microphone: FloatArray) -> FloatArray:
            cleaned, loudspeaker = self.exchange(microphone)
            with contextlib.suppress(RuntimeError):  # the loop may be gone before the thread
                loop.call_soon_threadsafe(self._port.push_audio, cleaned)
            return loudspeaker

        self._open(exchange)
        tasks = {
            asyncio.create_task(self._follow(), name="local-events"),
            asyncio.create_task(self._report(), name="local-reports"),
            asyncio.create_task(self._watch(exchange), name="local-device"),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._device.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def exchange(self, microphone: FloatArray) -> tuple[bytes, FloatArray]:
        """One block: what the call hears, as PCM16 at 16 kHz, and what the loudspeaker plays."""
        self._heard_at = self._clock()
        voice = self.player.read(_OUTPUT_BLOCK)
        reference = self._to_reference.feed(voice)
        cleaned = self._canceller.clean(self._to_recogniser.feed(microphone), reference)
        self._peaks = [max(self._peaks[0], _rms(cleaned)), max(self._peaks[1], _rms(voice))]
        if not self.microphone_open:
            cleaned = np.zeros_like(cleaned)
        return float_to_int16(cleaned).astype("<i2").tobytes(), self._to_loudspeaker.feed(voice)

    def _open(self, exchange: Callable[[FloatArray], FloatArray]) -> None:
        self._device.open(exchange)
        self._heard_at = self._clock()
        self._listener.device(self._device.name)

    async def _follow(self) -> None:
        async for event in self._port.events():
            self._obey(event)
            self._listener.event(event)

    def _obey(self, event: CallEvent) -> None:
        player = self.player
        match event:
            case ReplyStarted(reply_id):
                self._reply_ids = [*self._reply_ids[-1:], reply_id]
            case Acknowledged(_, pcm):
                player.acknowledge(pcm_to_int16(pcm))
            case ReplyAudio():
                player.receive(event.reply_id, pcm_to_int16(event.pcm))
            case PlayoutPaused(reply_id):
                player.pause(reply_id)
                self._tell_played()
            case PlayoutResumed(reply_id, from_sample):
                player.resume(reply_id, from_sample)
            case PlayoutFlushed(reply_id):
                player.flush(reply_id)
                self._tell_played()
            case ReplyFinished(reply_id=reply_id):
                player.finish(reply_id)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(REPORT_SECS)
            self._tell_played()
            peaks, self._peaks = self._peaks, [0.0, 0.0]
            self._listener.levels(_dbfs(peaks[0]), _dbfs(peaks[1]))

    def _tell_played(self) -> None:
        for reply_id in self._reply_ids:
            played = self.player.played(reply_id)
            if played and played != self._reported.get(reply_id):
                self._reported[reply_id] = played
                self._port.report_played(reply_id, played)

    async def _watch(self, exchange: Callable[[FloatArray], FloatArray]) -> None:
        """Open the device again whenever it falls silent; meanwhile the call waits."""
        while True:
            await asyncio.sleep(RETRY_SECS)
            if self._clock() - self._heard_at < LOST_SECS:
                continue
            self._device.close()
            self._listener.device(None)
            with contextlib.suppress(DeviceError):
                self._open(exchange)


def _rms(block: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(block))))


def _dbfs(rms: float) -> float:
    return max(SILENT_DB, 20.0 * float(np.log10(rms + 1e-9)))

"""A device without hardware: the loudspeaker is heard through a room, with noise."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from agent.local.device import BLOCK_SECS, DEVICE_BLOCK_SAMPLES, DEVICE_RATE_HZ, Exchange
from agent.local.room import Echo, impulse_response
from pipeline.audio import FloatArray

# A notebook's loudspeaker beside its microphone: the bot comes back nearly as loud as the
# caller speaks.
ECHO_DB = -10.0
NOISE_DBFS = -60.0
BUFFER_SECS = 0.06
_SEED = 20261121


class LoopbackDevice:
    """Runs in real time in a thread of its own, like a sound card.

    Args:
        echo_db: Of the loudspeaker in the microphone.
        noise_dbfs: Of the microphone and the room.
        clock: Monotonic seconds.
    """

    name = "loopback"

    def __init__(
        self,
        echo_db: float = ECHO_DB,
        noise_dbfs: float = NOISE_DBFS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        response = impulse_response(DEVICE_RATE_HZ, gain_db=echo_db)
        self._echo = Echo(response, round(BUFFER_SECS * DEVICE_RATE_HZ))
        self._noise = np.float32(10 ** (noise_dbfs / 20))
        self._random = np.random.default_rng(_SEED)
        self._clock = clock
        self._to_say: FloatArray = np.zeros(0, dtype=np.float32)
        self._playing: FloatArray = np.zeros(DEVICE_BLOCK_SAMPLES, dtype=np.float32)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def say(self, sound: FloatArray) -> None:
        """Somebody speaks into the microphone from now on: float32, at the device's rate."""
        self._to_say = sound

    def open(self, exchange: Exchange) -> None:
        self.close()
        self._stopping.clear()
        self._thread = threading.Thread(
            target=self._run, args=(exchange,), name="loopback", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._thread = None

    def block(self, exchange: Exchange) -> None:
        """Ten milliseconds."""
        heard = self._echo.feed(self._playing)
        heard += self._noise * self._random.standard_normal(len(heard)).astype(np.float32)
        said, self._to_say = (
            self._to_say[:DEVICE_BLOCK_SAMPLES],
            self._to_say[DEVICE_BLOCK_SAMPLES:],
        )
        heard[: len(said)] += said
        self._playing = exchange(np.clip(heard, -1.0, 1.0))

    def _run(self, exchange: Exchange) -> None:
        due_at = self._clock()
        while not self._stopping.is_set():
            self.block(exchange)
            due_at += BLOCK_SECS
            self._stopping.wait(max(0.0, due_at - self._clock()))

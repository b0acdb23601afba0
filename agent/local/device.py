"""A microphone and a loudspeaker behind one small interface.

The sound card, the loopback of the self-test and the tests all exchange 10 ms blocks with
the same session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from pipeline.audio import FloatArray

DEVICE_RATE_HZ = 48_000  # what every sound system offers
BLOCK_SECS = 0.01
DEVICE_BLOCK_SAMPLES = round(BLOCK_SECS * DEVICE_RATE_HZ)

# Takes the microphone's block and gives the loudspeaker's: float32, shape
# (DEVICE_BLOCK_SAMPLES,), range [-1, 1]. Runs in the device's thread and must be quick.
Exchange: TypeAlias = Callable[[FloatArray], FloatArray]


class AudioDevice(Protocol):
    """Something with ears and a mouth."""

    def open(self, exchange: Exchange) -> None:
        """Begin to call `exchange` every 10 ms, from a thread of its own.

        Raises:
            DeviceError: There is no such device, or it is in use.
        """
        ...

    def close(self) -> None:
        """Stop; `exchange` is not called any more. Safe to call twice."""
        ...

    @property
    def name(self) -> str:
        """For the user."""
        ...

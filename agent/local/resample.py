"""Rates between device (48 kHz), voice (24 kHz) and recogniser (16 kHz), block by block."""

from __future__ import annotations

import numpy as np
import soxr

from agent.local.device import BLOCK_SECS
from pipeline.audio import FloatArray


class BlockResampler:
    """A stream at another rate whose every 10 ms come out as 10 ms.

    soxr gives what its filter has ready, some blocks nothing, some too much. Two blocks of
    silence in front make it even: 20 ms late, which the echo canceller takes for distance.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality="LQ")
        self._block_samples = round(BLOCK_SECS * to_hz)
        self._ready: FloatArray = np.zeros(2 * self._block_samples, dtype=np.float32)

    def feed(self, block: FloatArray) -> FloatArray:
        """10 ms at the other rate."""
        self._ready = np.concatenate((self._ready, self._stream.resample_chunk(block)))
        out, self._ready = (
            self._ready[: self._block_samples],
            self._ready[self._block_samples :],
        )
        missing = self._block_samples - len(out)
        return np.pad(out, (0, missing)) if missing > 0 else out

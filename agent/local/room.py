"""A simulated room between a loudspeaker and a microphone. Pure.

The bench and the self-test listen through it; a real room differs in its echo's length and
colour, not in its kind.
"""

from __future__ import annotations

import numpy as np

from pipeline.audio import FloatArray

SPEED_OF_SOUND_M_PER_SEC = 343.0
REFLECTIONS = 400
_SEED = 20261121


def impulse_response(
    rate_hz: int, *, distance_m: float = 0.6, rt60_secs: float = 0.3, gain_db: float = 0.0
) -> FloatArray:
    """A direct path and reflections that decay as a living room's do.

    Args:
        rate_hz: Sampling rate.
        distance_m: From loudspeaker to microphone.
        rt60_secs: Time in which the reflections fall by 60 dB; 0.3 s is a furnished room.
        gain_db: Energy of the whole response, so the level of the echo of a signal.

    Returns:
        float32, shape (n_samples,), always the same for the same arguments.
    """
    rng = np.random.default_rng(_SEED)
    direct_secs = distance_m / SPEED_OF_SOUND_M_PER_SEC
    # Reflections grow denser with the square of time; drawing them from t² does that.
    delays_secs = direct_secs + rt60_secs * rng.uniform(0.004, 1.0, REFLECTIONS) ** (1 / 3)
    decay = 10.0 ** (-3.0 * (delays_secs - direct_secs) / rt60_secs)
    strengths = 0.5 * decay * rng.choice((-1.0, 1.0), REFLECTIONS)
    response = np.zeros(round((direct_secs + rt60_secs) * rate_hz) + 2)
    response[round(direct_secs * rate_hz)] = 1.0
    np.add.at(response, (delays_secs * rate_hz).astype(int), strengths)
    wanted = 10.0 ** (gain_db / 20.0)
    response *= wanted / np.sqrt(np.sum(np.square(response)))
    return response.astype(np.float32)


class Echo:
    """A signal as it comes back through a room, block by block.

    Args:
        response: Impulse response.
        delay_samples: Of buffers and converters, before the room.
    """

    def __init__(self, response: FloatArray, delay_samples: int = 0) -> None:
        self._response = np.concatenate((np.zeros(delay_samples, np.float32), response))
        self._tail = np.zeros(len(self._response) - 1, dtype=np.float32)

    def feed(self, block: FloatArray) -> FloatArray:
        """The echo that arrives while `block` is played: float32, as long as it."""
        length = len(block) + len(self._tail)
        spectrum = np.fft.rfft(block, length) * np.fft.rfft(self._response, length)
        heard = np.fft.irfft(spectrum, length).astype(np.float32)
        heard[: len(self._tail)] += self._tail
        self._tail = heard[len(block) :]
        return heard[: len(block)]

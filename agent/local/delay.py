"""How long a sound takes from our buffer through loudspeaker, air and microphone back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np

from agent.local.device import DEVICE_BLOCK_SAMPLES, DEVICE_RATE_HZ, AudioDevice
from pipeline.audio import FloatArray

PROBE_SECS = 0.12
PROBE_PEAK = 0.12  # a soft chirp
PROBE_FROM_HZ, PROBE_TO_HZ = 400.0, 3_500.0  # what a notebook's loudspeaker can do
LISTEN_SECS = 0.7  # after the probe; Bluetooth takes up to half a second
# Peak of the correlation over its usual size: noise alone reaches five.
SURE_RATIO = 9.0


@dataclass(frozen=True, slots=True)
class PathDelay:
    """What the probe found.

    Attributes:
        secs: From our buffer back to us.
        level_db: Loudness of what came back relative to what was played.
    """

    secs: float
    level_db: float


def probe(rate_hz: int) -> FloatArray:
    """A rising chirp with soft ends: float32, shape (n_samples,)."""
    t = np.arange(round(PROBE_SECS * rate_hz)) / rate_hz
    sweep_hz_per_sec = (PROBE_TO_HZ - PROBE_FROM_HZ) / PROBE_SECS
    phase = 2 * np.pi * (PROBE_FROM_HZ * t + 0.5 * sweep_hz_per_sec * t**2)
    chirp = PROBE_PEAK * np.hanning(len(t)) * np.sin(phase)
    return chirp.astype(np.float32)


def find_delay(recorded: FloatArray, rate_hz: int) -> PathDelay | None:
    """Where the probe begins in what the microphone heard since it was played.

    Returns:
        None if it cannot be told from noise: a headset, or a muted microphone.
    """
    played = probe(rate_hz)
    if len(recorded) <= len(played):
        return None
    length = len(recorded) + len(played)
    spectrum = np.fft.rfft(recorded, length) * np.conj(np.fft.rfft(played, length))
    correlation = np.abs(np.fft.irfft(spectrum, length)[: len(recorded) - len(played)])
    at = int(np.argmax(correlation))
    # The peak itself would raise the mean.
    elsewhere = np.delete(correlation, slice(max(0, at - rate_hz // 50), at + rate_hz // 50))
    usual = float(np.sqrt(np.mean(np.square(elsewhere)))) + 1e-12
    if correlation[at] < SURE_RATIO * usual:
        return None
    gain = correlation[at] / float(np.sum(np.square(played)))
    return PathDelay(at / rate_hz, round(20.0 * float(np.log10(gain + 1e-12)), 1))


async def measure_delay(device: AudioDevice) -> PathDelay | None:
    """Play the probe and listen for it; takes about a second.

    Raises:
        DeviceError: There is no such device.

    Cancelling closes the device.
    """
    played = probe(DEVICE_RATE_HZ)
    total = len(played) + round(LISTEN_SECS * DEVICE_RATE_HZ)
    line = np.pad(played, (0, total - len(played) + DEVICE_BLOCK_SAMPLES))
    heard: list[FloatArray] = []
    loop, complete = asyncio.get_running_loop(), asyncio.Event()

    def exchange(microphone: FloatArray) -> FloatArray:
        start = len(heard) * DEVICE_BLOCK_SAMPLES
        heard.append(microphone.copy())
        if start >= total:
            loop.call_soon_threadsafe(complete.set)
        block = line[start : start + DEVICE_BLOCK_SAMPLES]
        return np.pad(block, (0, DEVICE_BLOCK_SAMPLES - len(block)))

    device.open(exchange)
    try:
        async with asyncio.timeout(3.0 * total / DEVICE_RATE_HZ):
            await complete.wait()
    except TimeoutError:
        return None  # the device is there and gives no audio; the session will say so
    finally:
        device.close()
    return find_delay(np.concatenate(heard), DEVICE_RATE_HZ)

"""The probe finds the way from loudspeaker to microphone, or says that there is none."""

from __future__ import annotations

import numpy as np
import pytest

from agent.local.delay import find_delay, measure_delay, probe
from agent.local.device import DEVICE_RATE_HZ
from agent.local.loopback import BUFFER_SECS, LoopbackDevice
from agent.local.room import Echo, impulse_response

RATE_HZ = 16_000


def recorded(delay_secs: float, gain_db: float, noise_dbfs: float = -60.0) -> np.ndarray:
    line = np.pad(probe(RATE_HZ), (0, round(0.8 * RATE_HZ)))
    room = Echo(impulse_response(RATE_HZ, gain_db=gain_db), round(delay_secs * RATE_HZ))
    noise = np.random.default_rng(2).standard_normal(len(line)) * 10 ** (noise_dbfs / 20)
    return (room.feed(line) + noise).astype(np.float32)


@pytest.mark.parametrize("delay_secs", [0.0, 0.05, 0.21, 0.5])
@pytest.mark.parametrize("gain_db", [0.0, -20.0])
def test_the_delay_is_found_to_a_few_milliseconds(delay_secs: float, gain_db: float) -> None:
    """Through reflections and noise, from a notebook to Bluetooth."""
    found = find_delay(recorded(delay_secs, gain_db), RATE_HZ)
    assert found is not None
    assert found.secs == pytest.approx(delay_secs, abs=0.008)
    assert found.level_db == pytest.approx(gain_db, abs=6.0)


def test_noise_is_no_probe() -> None:
    """A headset's microphone does not hear its loudspeaker."""
    assert find_delay(recorded(0.1, -90.0), RATE_HZ) is None


@pytest.mark.parametrize("length", [0, 10, RATE_HZ])
def test_silence_is_no_probe(length: int) -> None:
    """Nothing recorded, or nothing but zeros, is legal."""
    assert find_delay(np.zeros(length, np.float32), RATE_HZ) is None


async def test_a_device_is_measured() -> None:
    """The loopback's own buffer is what is found."""
    device = LoopbackDevice(echo_db=-12.0)
    found = await measure_delay(device)
    assert found is not None
    assert found.secs == pytest.approx(BUFFER_SECS, abs=0.02)
    assert DEVICE_RATE_HZ == 48_000

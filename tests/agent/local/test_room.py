"""The simulated room is linear, causal and as loud as asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.local.room import Echo, impulse_response

RATE_HZ = 16_000


@pytest.mark.parametrize("gain_db", [0.0, -10.0, -30.0])
def test_the_gain_is_that_of_noise(gain_db: float) -> None:
    """White noise comes back at its level plus the gain."""
    noise = np.random.default_rng(0).standard_normal(2 * RATE_HZ).astype(np.float32)
    heard = Echo(impulse_response(RATE_HZ, gain_db=gain_db)).feed(noise)
    level_db = 20 * np.log10(np.std(heard[RATE_HZ:]) / np.std(noise))
    assert level_db == pytest.approx(gain_db, abs=1.0)


@given(st.lists(st.integers(1, 900), min_size=1, max_size=8))
def test_any_cutting_gives_the_same_echo(sizes: list[int]) -> None:
    """Blocks join without a seam."""
    sound = np.random.default_rng(1).standard_normal(sum(sizes)).astype(np.float32)
    response = impulse_response(8_000, rt60_secs=0.05)
    whole = Echo(response, 37).feed(sound)
    echo, borders = Echo(response, 37), np.cumsum(sizes)[:-1]
    pieces = [echo.feed(piece) for piece in np.split(sound, borders)]
    assert np.concatenate(pieces) == pytest.approx(whole, abs=1e-4)


def test_nothing_is_heard_before_the_delay() -> None:
    """Converters and distance come first."""
    click = np.zeros(1_000, dtype=np.float32)
    click[0] = 1.0
    heard = Echo(impulse_response(RATE_HZ), delay_samples=100).feed(click)
    assert np.abs(heard[:100]).max() < 1e-6
    assert np.abs(heard).max() > 0.1

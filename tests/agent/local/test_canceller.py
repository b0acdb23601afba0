"""The WebRTC module removes the bot and keeps the caller."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from agent.local.canceller import BLOCK_SAMPLES, WebRtcCanceller
from agent.local.room import Echo, impulse_response
from pipeline.audio import INPUT_RATE_HZ

Sound = npt.NDArray[np.float32]


def babble(secs: float, seed: int) -> Sound:
    """Noise in syllables with a speech-like spectrum: a far end that is never the same."""
    rng = np.random.default_rng(seed)
    noise = np.cumsum(rng.standard_normal(round(secs * INPUT_RATE_HZ)))
    noise = np.diff(noise, prepend=0.0) + 0.5 * np.roll(noise, 3) * 0.001
    t = np.arange(len(noise)) / INPUT_RATE_HZ
    return (0.1 * noise * np.abs(np.sin(2 * np.pi * 2.3 * t))).astype(np.float32)


def cleaned(near: Sound, far: Sound) -> Sound:
    canceller = WebRtcCanceller()
    blocks = range(0, len(near) - BLOCK_SAMPLES + 1, BLOCK_SAMPLES)
    return np.concatenate(
        [canceller.clean(near[i : i + BLOCK_SAMPLES], far[i : i + BLOCK_SAMPLES]) for i in blocks]
    )


def level_db(sound: Sound) -> float:
    return float(10 * np.log10(np.mean(np.square(sound)) + 1e-12))


def test_an_echo_goes() -> None:
    """After five seconds at least 20 dB of it are gone."""
    far = babble(8.0, 0)
    near = Echo(impulse_response(INPUT_RATE_HZ, gain_db=-10.0), 800).feed(far)
    late = slice(5 * INPUT_RATE_HZ, None)
    assert level_db(near[late]) - level_db(cleaned(near, far)[late]) >= 20.0


def test_blocks_keep_their_form() -> None:
    """Ten milliseconds in, ten out, in the same type."""
    silence = np.zeros(BLOCK_SAMPLES, np.float32)
    out = WebRtcCanceller(0.1).clean(silence, silence)
    assert out.shape == (BLOCK_SAMPLES,)
    assert out.dtype == np.float32

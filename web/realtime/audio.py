"""Audio between the wire's base64 at 24 or 16 kHz and the call's PCM16 at its own rates."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.audio import (
    FULL_SCALE,
    INPUT_RATE_HZ,
    OUTPUT_RATE_HZ,
    SAMPLE_BYTES,
    pcm_to_int16,
)
from pipeline.errors import AudioFormatError

WireRate: TypeAlias = Literal[16_000, 24_000]

# A Kaiser-windowed sinc: flat to 7 kHz, 60 dB down where 24 kHz audio would fold back below
# 7 kHz, 1.9 ms late. soxr streams hold 15 to 26 ms back at the same quality (7 ms at LQ,
# which loses 3 dB at 6.5 kHz), measured with 20 ms chunks; a caller waits for every one.
_TAPS_PER_PHASE = 90
_KAISER_BETA = 5.65
_CUTOFF = 0.96  # of half the lower rate
_PUSH_BYTES = INPUT_RATE_HZ * SAMPLE_BYTES  # one second: a call takes up to ten at once


def decode_base64(text: str) -> bytes:
    """PCM16 bytes of one message.

    Raises:
        AudioFormatError: Not base64, or an odd number of bytes.
    """
    try:
        pcm = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        raise AudioFormatError(
            "audio must be base64 with padding and without line breaks"
        ) from None
    if len(pcm) % SAMPLE_BYTES:
        raise AudioFormatError(f"PCM16 audio must have an even number of bytes, got {len(pcm)}")
    return pcm


def encode_base64(pcm: bytes) -> str:
    """PCM16 bytes as one line of base64."""
    return base64.b64encode(pcm).decode("ascii")


class RateConverter:
    """A polyphase filter for one stream; chunks join without a seam whatever their length."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        ratio = Fraction(to_hz, from_hz)
        self._up, self._down = ratio.numerator, ratio.denominator
        self._bank = _filter_bank(self._up, self._down)
        self._history = np.zeros(_TAPS_PER_PHASE - 1)
        self._next = 0  # of the stream upsampled by `_up`, counted from the next chunk's start

    def convert(self, pcm: bytes) -> bytes:
        """The next chunk at the other rate, PCM16 both."""
        if self._up == self._down:
            return pcm
        fresh = pcm_to_int16(pcm)
        line = np.concatenate([self._history, fresh])
        upsampled = len(fresh) * self._up
        count = max(0, -(-(upsampled - self._next) // self._down))
        out = np.zeros(count)
        if count:
            windows = np.lib.stride_tricks.sliding_window_view(line, _TAPS_PER_PHASE)
            for first in range(min(self._up, count)):
                at, phase = divmod(self._next + first * self._down, self._up)
                out[first :: self._up] = windows[at :: self._down] @ self._bank[phase]
        self._next += count * self._down - upsampled
        self._history = line[len(fresh) :]
        return np.clip(np.rint(out), -FULL_SCALE, FULL_SCALE - 1).astype("<i2").tobytes()


@cache
def _filter_bank(up: int, down: int) -> npt.NDArray[np.float64]:
    """The low-pass filter's taps by phase, newest input last: shape (up, taps)."""
    length = _TAPS_PER_PHASE * up
    at = np.arange(length) - (length - 1) / 2
    cutoff = _CUTOFF / max(up, down)
    taps = cutoff * np.sinc(cutoff * at) * np.kaiser(length, _KAISER_BETA)
    taps *= up / taps.sum()
    return np.ascontiguousarray(taps.reshape(-1, up).T[:, ::-1])


class MicrophoneAudio:
    """What a client appends, as the call takes it: PCM16, mono, 16 kHz."""

    def __init__(self, rate_hz: WireRate = 24_000) -> None:
        self._converter = RateConverter(rate_hz, INPUT_RATE_HZ)

    def append(self, text: str) -> Iterator[bytes]:
        """Pieces of at most one second; nothing for an empty message.

        Raises:
            AudioFormatError: Not base64, or an odd number of bytes.
        """
        pcm = self._converter.convert(decode_base64(text))
        return (pcm[start : start + _PUSH_BYTES] for start in range(0, len(pcm), _PUSH_BYTES))


class SpeakerAudio:
    """A reply's 24 kHz audio at the rate the client asked for."""

    def __init__(self, rate_hz: WireRate = 24_000) -> None:
        self.rate_hz = rate_hz
        self._converter = RateConverter(OUTPUT_RATE_HZ, rate_hz)

    def encode(self, pcm: bytes) -> str:
        """The next chunk as base64."""
        return encode_base64(self._converter.convert(pcm))

    def to_wire_samples(self, samples: int) -> int:
        """An offset in the call's 24 kHz audio, in samples of the client's rate."""
        return samples * self.rate_hz // OUTPUT_RATE_HZ

    def to_call_samples(self, samples: int) -> int:
        """An offset at the client's rate, in samples of the call's 24 kHz audio."""
        return samples * OUTPUT_RATE_HZ // self.rate_hz

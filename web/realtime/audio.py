"""Audio between the wire's base64 at 24 or 16 kHz and the call's PCM16 at its own rates."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Literal, TypeAlias

import soxr

from pipeline.audio import INPUT_RATE_HZ, OUTPUT_RATE_HZ, SAMPLE_BYTES, Int16Array, pcm_to_int16
from pipeline.errors import AudioFormatError

WireRate: TypeAlias = Literal[16_000, 24_000]

# Delay of a 24 → 16 kHz stream fed 20 ms at a time, measured: LQ 7 ms, MQ 15 to 26 ms, HQ
# 21 to 28 ms. LQ loses 3 dB at 6.5 kHz, where fricatives live; MQ loses nothing up to 7 kHz.
_QUALITY = "MQ"
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
    """One direction of one stream; chunks join without a seam whatever their length."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._from_hz, self._to_hz = from_hz, to_hz
        self._stream = self._new_stream()

    def convert(self, pcm: bytes) -> bytes:
        """The next bytes of the stream; the filter holds up to 26 ms back."""
        return self._run(pcm, last=False)

    def finish(self) -> bytes:
        """What the filter still holds; the next chunk begins a new stream."""
        rest = self._run(b"", last=True)
        self._stream = self._new_stream()
        return rest

    def _new_stream(self) -> soxr.ResampleStream | None:
        if self._from_hz == self._to_hz:
            return None
        return soxr.ResampleStream(self._from_hz, self._to_hz, 1, dtype="int16", quality=_QUALITY)

    def _run(self, pcm: bytes, *, last: bool) -> bytes:
        if self._stream is None:
            return pcm
        converted: Int16Array = self._stream.resample_chunk(pcm_to_int16(pcm), last=last)
        return converted.tobytes()


class MicrophoneAudio:
    """What a client appends, as the call takes it: PCM16, mono, 16 kHz."""

    def __init__(self, rate_hz: WireRate = 24_000) -> None:
        self._converter = RateConverter(rate_hz, INPUT_RATE_HZ)

    def append(self, text: str) -> Iterator[bytes]:
        """Pieces of at most one second; nothing for an empty message.

        Raises:
            AudioFormatError: Not base64, or an odd number of bytes.
        """
        return _pieces(self._converter.convert(decode_base64(text)))

    def finish(self) -> Iterator[bytes]:
        """The filter's rest, when the client says that a turn is over."""
        return _pieces(self._converter.finish())


class SpeakerAudio:
    """A reply's 24 kHz audio at the rate the client asked for."""

    def __init__(self, rate_hz: WireRate = 24_000) -> None:
        self.rate_hz = rate_hz
        self._converter = RateConverter(OUTPUT_RATE_HZ, rate_hz)

    def encode(self, pcm: bytes) -> str:
        """The next chunk as base64; may be empty while the filter fills."""
        return encode_base64(self._converter.convert(pcm))

    def finish(self) -> str:
        """The filter's rest at the end of a reply, as base64; empty at 24 kHz."""
        return encode_base64(self._converter.finish())

    def to_wire_samples(self, samples: int) -> int:
        """An offset in the call's 24 kHz audio, in samples of the client's rate."""
        return samples * self.rate_hz // OUTPUT_RATE_HZ

    def to_call_samples(self, samples: int) -> int:
        """An offset at the client's rate, in samples of the call's 24 kHz audio."""
        return samples * OUTPUT_RATE_HZ // self.rate_hz


def _pieces(pcm: bytes) -> Iterator[bytes]:
    return (pcm[start : start + _PUSH_BYTES] for start in range(0, len(pcm), _PUSH_BYTES))

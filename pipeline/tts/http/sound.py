"""Bytes of a sound file that is still being written, as samples.

Servers that stream cannot know the length when they write the header: GPT-SoVITS names
0 bytes, OpenAI 0xFFFFFFFF, others 2,000,000,000, and some send a whole file after the
other. All of these are read; a file shorter than the length it names is an error.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np

from pipeline.audio import FULL_SCALE, FloatArray
from pipeline.errors import AudioFormatError

_UNKNOWN_FROM_BYTES = 1 << 30  # a length that no clause has: six hours at 24 kHz
_RATES_HZ = range(8_000, 192_001)
# What may follow the samples; anything else means that the length was wrong.
_TRAILERS = frozenset({b"LIST", b"id3 ", b"ID3 ", b"fact", b"cue ", b"bext", b"PEAK", b"smpl"})
# How WAV, MP3 with a title, Ogg, FLAC, JSON and web pages begin.
_FILES = (b"RIFF", b"ID3", b"OggS", b"fLaC", b'{"', b"<!DO", b"<htm")
_MAGIC_BYTES = 4
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE  # `wFormatTag` of WAVEFORMATEX

_State: TypeAlias = Literal["file", "chunk", "format", "skip", "samples"]


class SoundStream(Protocol):
    """Turns bytes into samples; any cutting of the bytes gives the same samples."""

    @property
    def rate_hz(self) -> int | None:
        """Sample rate; None until it is known."""
        ...

    def feed(self, data: bytes) -> FloatArray:
        """Samples that `data` completes: float32, shape (n_samples,), mono, [-1, 1].

        Raises:
            AudioFormatError: This is not the sound that was expected.
        """
        ...

    def finish(self) -> None:
        """The stream has ended.

        Raises:
            AudioFormatError: Something is missing.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a sample is written."""

    dtype: np.dtype[np.generic]
    channels: int
    full_scale: float

    @property
    def frame_bytes(self) -> int:
        return self.dtype.itemsize * self.channels

    def decode(self, data: bytes) -> FloatArray:
        """Whole frames as mono floats; several channels are mixed.

        Raises:
            AudioFormatError: A float is infinite or no number.
        """
        frames = np.frombuffer(data, self.dtype).reshape(-1, self.channels)
        mono = frames.astype(np.float64).mean(axis=1) / self.full_scale
        if not np.isfinite(mono).all():
            raise AudioFormatError("the sound holds what is no number")
        clipped: FloatArray = np.clip(mono, -1.0, 1.0).astype(np.float32)
        return clipped


_INT16 = _Layout(np.dtype("<i2"), 1, FULL_SCALE)


class PcmStream:
    """Raw little-endian PCM16, mono.

    A server that ignores the form it is asked for sends MP3, or an error as a text: played
    as samples that is noise at full level, so what begins like a file is refused.

    Args:
        rate_hz: Sample rate, which the bytes do not tell.
    """

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz: int | None = rate_hz
        self._is_known = False
        self._waiting = b""  # the beginning, or a sample cut in two

    def feed(self, data: bytes) -> FloatArray:
        """See `SoundStream.feed`."""
        self._waiting += data
        if not self._is_known and len(self._waiting) < _MAGIC_BYTES:
            return np.zeros(0, np.float32)
        return self._decode()

    def _decode(self) -> FloatArray:
        if not self._is_known and self._waiting.startswith(_FILES):
            raise AudioFormatError("the sound is a file, not bare samples")
        self._is_known = True
        whole, self._waiting = _whole_frames(self._waiting, _INT16.frame_bytes)
        return _INT16.decode(whole)

    def finish(self) -> None:
        """See `SoundStream.finish`."""
        if len(self._waiting) % _INT16.frame_bytes:
            raise AudioFormatError("the sound ends in the middle of a sample")


class WavStream:
    """WAV with 16- or 32-bit integers or 32-bit floats, any channels, any rate.

    Several files behind one another are one sound, if they have the same rate.
    """

    def __init__(self) -> None:
        self.rate_hz: int | None = None
        self._waiting = b""
        self._state: _State = "file"
        self._left: int | None = 0  # bytes of the chunk still to come; None: to the end
        self._layout: _Layout | None = None
        self._has_samples = False

    def feed(self, data: bytes) -> FloatArray:
        """See `SoundStream.feed`."""
        self._waiting += data
        sound: list[FloatArray] = [np.zeros(0, np.float32)]
        while self._step(sound):
            pass
        joined: FloatArray = np.concatenate(sound)
        return joined

    def finish(self) -> None:
        """See `SoundStream.finish`."""
        if not self._has_samples:
            raise AudioFormatError("the sound has no samples in it")
        if self._state == "samples" and self._left:
            raise AudioFormatError("the sound is shorter than its header says")

    def _step(self, sound: list[FloatArray]) -> bool:
        """Read one part of the file; False when more bytes are needed."""
        match self._state:
            case "file":
                return self._read_file_head()
            case "chunk":
                return self._read_chunk_head()
            case "format":
                return self._read_format()
            case "skip":
                return self._skip()
            case "samples":
                return self._read_samples(sound)

    def _take(self, n_bytes: int) -> bytes | None:
        if len(self._waiting) < n_bytes:
            return None
        taken, self._waiting = self._waiting[:n_bytes], self._waiting[n_bytes:]
        return taken

    def _read_file_head(self) -> bool:
        if self._waiting and not b"RIFF".startswith(self._waiting[:4]):
            raise AudioFormatError("the sound is no WAV")
        head = self._take(12)
        if head is None:
            return False
        if head[8:] != b"WAVE":
            raise AudioFormatError("the sound is no WAV")
        self._state = "chunk"
        return True

    def _read_chunk_head(self) -> bool:
        if self._has_samples and self._waiting[:4] == b"RIFF":
            self._state = "file"
            return True
        head = self._take(8)
        if head is None:
            return False
        kind, size = struct.unpack("<4sI", head)
        self._left = size
        if kind == b"fmt ":
            self._state = "format"
        elif kind == b"data":
            if self._layout is None:
                raise AudioFormatError("the sound does not say its format")
            self._left = size if 0 < size < _UNKNOWN_FROM_BYTES else None
            self._state, self._has_samples = "samples", True
        elif self._has_samples and kind not in _TRAILERS:
            raise AudioFormatError("the sound goes on behind the length its header names")
        else:
            self._state = "skip"
            self._left = size + size % 2  # chunks begin at even places
        return True

    def _read_format(self) -> bool:
        assert self._left is not None
        if not 16 <= self._left <= 1024:
            raise AudioFormatError("the sound does not say its format")
        body = self._take(self._left + self._left % 2)
        if body is None:
            return False
        tag, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", body[:16])
        if tag == _EXTENSIBLE and len(body) >= 26:
            (tag,) = struct.unpack("<H", body[24:26])
        kind = {(_PCM, 16): "<i2", (_PCM, 32): "<i4", (_FLOAT, 32): "<f4"}.get((tag, bits))
        if kind is None or not 1 <= channels <= 8 or rate_hz not in _RATES_HZ:
            raise AudioFormatError("the sound has a format that is not understood")
        if self.rate_hz not in (None, rate_hz):
            raise AudioFormatError("the sound changes its rate")
        self.rate_hz = rate_hz
        full_scale = {"<i2": FULL_SCALE, "<i4": float(1 << 31), "<f4": 1.0}[kind]
        self._layout = _Layout(np.dtype(kind), channels, full_scale)
        self._state = "chunk"
        return True

    def _skip(self) -> bool:
        assert self._left is not None
        gone = min(self._left, len(self._waiting))
        self._waiting = self._waiting[gone:]
        self._left -= gone
        if self._left:
            return False
        self._state = "chunk"
        return True

    def _read_samples(self, sound: list[FloatArray]) -> bool:
        assert self._layout is not None
        inside = self._waiting if self._left is None else self._waiting[: self._left]
        whole, _ = _whole_frames(inside, self._layout.frame_bytes)
        self._waiting = self._waiting[len(whole) :]
        sound.append(self._layout.decode(whole))
        if self._left is None:
            return False
        self._left -= len(whole)
        if self._left >= self._layout.frame_bytes or len(self._waiting) < self._left:
            return False
        self._waiting = self._waiting[self._left :]  # a length that is no whole frame
        self._left, self._state = 0, "chunk"
        return True


def _whole_frames(data: bytes, frame_bytes: int) -> tuple[bytes, bytes]:
    """`data` up to the last whole frame, and the rest."""
    end = len(data) - len(data) % frame_bytes
    return data[:end], data[end:]

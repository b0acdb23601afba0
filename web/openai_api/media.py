"""Audio files in and out, through FFmpeg's libraries; every format is named, never guessed.

FFmpeg guesses a format from the data, and some formats (playlists, concat scripts) make it
open other files and addresses. So the first bytes choose among six containers that hold
their audio themselves, and nothing else is tried.
"""

from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Iterable, Iterator

import av
import numpy as np
from av.audio.stream import AudioStream

from pipeline.audio import INPUT_RATE_HZ, OUTPUT_RATE_HZ, SAMPLE_BYTES, FloatArray, Int16Array
from pipeline.errors import AudioFormatError
from web.openai_api.schema import SpeechFormat

MEDIA_TYPES: dict[SpeechFormat, str] = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": f"audio/pcm;rate={OUTPUT_RATE_HZ}",
}
_ENCODERS = {
    "mp3": ("mp3", "libmp3lame", 64_000),
    "opus": ("ogg", "libopus", 32_000),
    "aac": ("adts", "aac", 64_000),
    "flac": ("flac", "flac", None),
}
_UNKNOWN_LENGTH = 0xFFFFFFFF  # of a WAV that is still being made; players read to the end
_WAV_HEADER_BYTES = 44


class _Sink:
    """Takes what a muxer writes; it cannot go back, because the bytes are on their way."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def take(self) -> bytes:
        data, self._waiting = bytes(self._waiting), bytearray()
        return data


def encoded(speech: Iterable[Int16Array], container: SpeechFormat) -> Iterator[bytes]:
    """Speech (int16, mono, 24 kHz) as a file, piece by piece while it is spoken."""
    if container == "pcm":
        yield from (pcm.astype("<i2").tobytes() for pcm in speech)
        return
    if container == "wav":
        yield _wav_header()
        yield from (pcm.astype("<i2").tobytes() for pcm in speech)
        return
    muxer, codec, bit_rate = _ENCODERS[container]
    sink = _Sink()
    with av.open(sink, "w", format=muxer) as file:
        stream = file.add_stream(codec, rate=OUTPUT_RATE_HZ, layout="mono")
        assert isinstance(stream, AudioStream)
        if bit_rate is not None:
            stream.bit_rate = bit_rate
        for pcm in speech:
            if not len(pcm):
                continue
            frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate = OUTPUT_RATE_HZ
            file.mux(stream.encode(frame))
            if data := sink.take():
                yield data
        file.mux(stream.encode(None))
    yield sink.take()


def decode(data: bytes, max_secs: float) -> FloatArray:
    """An uploaded file as float32, shape (n_samples,), mono, 16 kHz.

    Args:
        data: The file.
        max_secs: Longest audio taken; what a small file unpacks to is not trusted.

    Raises:
        AudioFormatError: Not one of the formats, damaged, without audio, or too long.
    """
    container = _container_of(data)
    if container is None:
        raise AudioFormatError("the file must be WAV, MP3, FLAC, Ogg, MP4/M4A or WebM audio")
    pieces: list[FloatArray] = []
    length = 0
    try:
        with av.open(io.BytesIO(data), "r", format=container) as file:
            if not file.streams.audio:
                raise AudioFormatError("the file holds no audio")
            resampler = av.AudioResampler(format="flt", layout="mono", rate=INPUT_RATE_HZ)
            frames = itertools.chain(file.decode(file.streams.audio[0]), [None])
            for frame in frames:
                for piece in resampler.resample(frame):
                    samples = piece.to_ndarray()[0]
                    length += len(samples)
                    if length > max_secs * INPUT_RATE_HZ:
                        raise AudioFormatError(f"at most {max_secs:.0f} s of audio are taken")
                    pieces.append(samples)
    except (av.FFmpegError, ValueError) as error:
        raise AudioFormatError("the file is damaged, or is not what its first bytes say") from error
    if not length:
        raise AudioFormatError("the file holds no audio")
    audio: FloatArray = np.concatenate(pieces)
    return audio


def _container_of(data: bytes) -> str | None:
    """FFmpeg's name of the container, from its first bytes."""
    head = data[:12]
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        return "wav"
    if head[4:8] == b"ftyp":
        return "mov"
    for mark, name in ((b"fLaC", "flac"), (b"OggS", "ogg"), (b"\x1a\x45\xdf\xa3", "matroska")):
        if head.startswith(mark):
            return name
    is_mp3 = head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] >= b"\xe0")
    return "mp3" if is_mp3 else None


def _wav_header() -> bytes:
    """Of a mono WAV whose length is not known yet."""
    rate, width = OUTPUT_RATE_HZ, SAMPLE_BYTES
    head = struct.pack("<4sI4s", b"RIFF", _UNKNOWN_LENGTH, b"WAVE")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * width, width, 8 * width)
    return head + form + struct.pack("<4sI", b"data", _UNKNOWN_LENGTH - _WAV_HEADER_BYTES)

"""Bytes to samples: any cutting, every header, and what is refused."""

from __future__ import annotations

import io
import struct
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio import FloatArray
from pipeline.errors import AudioFormatError
from pipeline.tts.http.sound import PcmStream, SoundStream, WavStream

RATE_HZ = 32_000
SOUND = (np.sin(np.arange(500) / 7.0) * 0.5).astype(np.float32)
PCM = (SOUND * 32_768).astype("<i2").tobytes()


def header(data_bytes: int, *, extra: bytes = b"") -> bytes:
    head = struct.pack("<4sI4s", b"RIFF", 0, b"WAVE") + extra
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    return head + form + struct.pack("<4sI", b"data", data_bytes)


def file_of(subtype: str, channels: int = 1) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack([SOUND] * channels, 1), RATE_HZ, subtype, format="WAV")
    return buffer.getvalue()


def read(stream: SoundStream, *pieces: bytes) -> FloatArray:
    sound = np.concatenate([stream.feed(piece) for piece in pieces])
    stream.finish()
    return sound


def cut(data: bytes, places: list[int]) -> list[bytes]:
    borders = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(borders)]


@given(places=st.lists(st.integers(0, 2000), max_size=12))
def test_any_cutting_gives_the_same_samples(places: list[int]):
    """Headers and samples may be cut anywhere."""
    data = header(len(PCM), extra=b"LIST\x05\x00\x00\x00abcde\x00") + PCM + b"LIST\x02\0\0\0ab"
    assert np.allclose(read(WavStream(), *cut(data, places)), SOUND, atol=1e-4)
    assert np.allclose(read(PcmStream(RATE_HZ), *cut(PCM, places)), SOUND, atol=1e-4)


@pytest.mark.parametrize("named", [0, 0xFFFFFFFF, 0x7FFFFFFF, 2_000_000_000, len(PCM)])
def test_a_length_may_be_left_open(named: int):
    """GPT-SoVITS, OpenAI, ElevenLabs, pocket-tts, and a file that knows."""
    stream = WavStream()
    assert len(read(stream, header(named) + PCM)) == len(SOUND)
    assert stream.rate_hz == RATE_HZ


@pytest.mark.parametrize(
    ("subtype", "channels"), [("PCM_16", 1), ("PCM_16", 2), ("PCM_32", 1), ("FLOAT", 1)]
)
def test_every_width_is_read_like_a_library_reads_it(subtype: str, channels: int):
    """libsndfile wrote them; several channels are mixed."""
    assert np.allclose(read(WavStream(), file_of(subtype, channels)), SOUND, atol=1e-4)


def test_files_behind_one_another_are_one_sound():
    """Some servers send a file for each sentence."""
    assert len(read(WavStream(), file_of("PCM_16") * 3)) == 3 * len(SOUND)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"RIFF", b"OggS\x00\x02" + bytes(40), b"ID3\x04" + bytes(40), b'{"message": "no"}',
        header(len(PCM) * 2) + PCM, header(10)[:36], b"RIFF\0\0\0\0WAVEdata\x08\0\0\0" + bytes(8),
        header(4) + PCM[:4] + b"\x01\x02\x03\x04\x05\x06\x07\x08" * 4,
        header(0).replace(struct.pack("<I", RATE_HZ), struct.pack("<I", 7)) + PCM,
        b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff" + bytes(64),
        b"RIFF\0\0\0\0AVI LIST" + bytes(40),
        struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 0, b"WAVE", b"fmt ", 16, 2, 1, 8000, 0, 1, 4),
    ],
)  # fmt: skip
def test_what_is_no_whole_wav_is_refused(data: bytes):
    """Other formats, texts, broken files, wrong lengths, rates that do not exist."""
    with pytest.raises(AudioFormatError):
        read(WavStream(), data)


def test_half_a_sample_is_missing_something():
    """PCM has no header that could tell."""
    with pytest.raises(AudioFormatError):
        read(PcmStream(RATE_HZ), PCM[:-1])


def test_a_change_of_rate_is_refused():
    """Half of a clause would be spoken by a mouse."""
    other = header(0).replace(struct.pack("<I", RATE_HZ), struct.pack("<I", 16_000)) + PCM
    with pytest.raises(AudioFormatError):
        read(WavStream(), header(len(PCM)) + PCM + other)


@given(data=st.binary(max_size=300), places=st.lists(st.integers(0, 300), max_size=4))
def test_rubbish_is_sound_or_refused(data: bytes, places: list[int]):
    """Nothing else can happen, and never a sample beyond full scale."""
    try:
        sound = read(WavStream(), *cut(header(0) + data, places))
    except AudioFormatError:
        return
    assert np.all(np.abs(sound) <= 1.0)


@given(data=st.binary(max_size=200))
def test_a_rubbish_header_is_refused(data: bytes):
    """Whatever follows RIFF....WAVE."""
    stream = WavStream()
    try:
        read(stream, b"RIFF\0\0\0\0WAVE" + data)
    except AudioFormatError:
        return
    assert stream.rate_hz is not None


@pytest.mark.parametrize(
    "begins", [b"RIFF", b"ID3\x04", b"OggS", b"fLaC", b'{"error": "x"}', b"<!DOCTYPE html>"]
)
def test_a_file_is_no_bare_pcm(begins: bytes):
    """As samples it would be noise at full level, however it is cut."""
    for place in (1, 3, 4, 9):
        with pytest.raises(AudioFormatError, match="a file"):
            read(PcmStream(RATE_HZ), *cut(begins + bytes(range(99)), [place]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(value: float):
    """A model that has lost its way says so in floats."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 1, RATE_HZ, 4 * RATE_HZ, 4, 32)
    samples = np.array([0.1, value], "<f4").tobytes()
    file = struct.pack("<4sI4s", b"RIFF", 0, b"WAVE") + form + struct.pack("<4sI", b"data", 8)
    with pytest.raises(AudioFormatError, match="no number"):
        read(WavStream(), file + samples)

import base64

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import AudioFormatError
from web.realtime.audio import MicrophoneAudio, RateConverter, SpeakerAudio, decode_base64

NOISE = np.random.default_rng(7).integers(-9000, 9000, 4801).astype(np.int16)


@given(
    rates=st.sampled_from([(24_000, 16_000), (16_000, 24_000), (24_000, 24_000)]),
    cuts=st.lists(st.integers(0, len(NOISE)), max_size=12).map(sorted),
)
def test_any_cutting_of_a_stream_converts_to_the_same_samples(rates, cuts):
    """Chunk borders leave no trace, empty chunks included."""
    whole = RateConverter(*rates).convert(NOISE.tobytes())
    converter = RateConverter(*rates)
    pieces = np.split(NOISE, cuts)
    assert b"".join(converter.convert(piece.tobytes()) for piece in pieces) == whole


@pytest.mark.parametrize(("from_hz", "to_hz"), [(24_000, 16_000), (16_000, 24_000)])
def test_conversion_agrees_with_soxr(from_hz, to_hz):
    """Speech-band tones come out as soxr's best quality has them, but for the delay."""
    at = np.arange(from_hz) / from_hz
    tones = sum(2000 * np.sin(2 * np.pi * hz * at) for hz in (200, 1000, 3500, 6500))
    ours = np.frombuffer(
        RateConverter(from_hz, to_hz).convert(tones.astype("<i2").tobytes()), dtype="<i2"
    ).astype(float)
    reference = soxr.resample(np.round(tones), from_hz, to_hz, quality="VHQ")
    middle = slice(2000, to_hz - 2000)
    spectra = [np.abs(np.fft.rfft(x[middle] * np.hanning(to_hz - 4000))) for x in (ours, reference)]
    assert np.abs(spectra[0] - spectra[1]).max() < 0.005 * spectra[1].max()


def test_downsampling_does_not_fold_high_sounds_into_speech():
    """A 10 kHz tone is gone at 16 kHz."""
    tone = (20_000 * np.sin(2 * np.pi * 10_000 * np.arange(24_000) / 24_000)).astype("<i2")
    out = np.frombuffer(RateConverter(24_000, 16_000).convert(tone.tobytes()), dtype="<i2")
    assert np.abs(out[200:]).max() <= 20


def test_full_scale_is_clipped_and_does_not_wrap():
    """The filter's overshoot at a full-scale edge keeps its sign."""
    square = np.where(np.arange(4800) % 200 < 100, 32_767, -32_768).astype("<i2")
    out = np.frombuffer(RateConverter(24_000, 16_000).convert(square.tobytes()), dtype="<i2")
    wanted = np.sign(soxr.resample(square.astype(float), 24_000, 16_000))
    assert np.mean(np.sign(out[100:3100]) == wanted[100 - 30 : 3100 - 30]) > 0.95


@pytest.mark.parametrize("text", ["*", "AAA", "AAAA\n", "AA==AA==", "音", "AAAA====", "=AAA"])
def test_what_is_not_base64_is_refused(text):
    """Only padded base64 on one line is audio."""
    with pytest.raises(AudioFormatError):
        decode_base64(text)


def test_half_a_sample_is_refused():
    """PCM16 has two bytes a sample."""
    with pytest.raises(AudioFormatError, match="even number"):
        decode_base64(base64.b64encode(b"abc").decode())


def test_empty_audio_is_legal():
    """A message without samples adds none."""
    assert list(MicrophoneAudio().append("")) == []


def test_long_audio_comes_in_pieces_of_a_second():
    """A call takes up to ten seconds at once; we hand over one."""
    text = base64.b64encode(bytes(2 * 60_000)).decode()
    assert [len(p) for p in MicrophoneAudio(24_000).append(text)] == [32_000, 32_000, 16_000]


@given(st.integers(0, 10**9))
def test_sample_counts_survive_the_way_to_the_client_and_back(samples):
    """A count at 16 kHz names the same instant to within one sample."""
    speaker = SpeakerAudio(16_000)
    assert abs(speaker.to_call_samples(speaker.to_wire_samples(samples)) - samples) <= 2

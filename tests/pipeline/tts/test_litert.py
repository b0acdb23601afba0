"""The vocoder in pieces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.audio import FloatArray
from pipeline.errors import ModelCorruptError
from pipeline.tts.graph import load_acoustic_graph
from pipeline.tts.litert import HOP_SAMPLES, AcousticModel, Spectrogram, Vocoder
from pipeline.tts.mandarin import ACOUSTIC_FILE, VOCODER_FILE

pytestmark = pytest.mark.models

PHONEMES = [1, *[6, 195, 2, 26, 181, 2, 14, 121, 2, 12, 143, 2] * 4, 1, 218]


@pytest.fixture(scope="module")
def vocoder(mandarin_voice_dir: Path) -> Vocoder:
    return Vocoder(mandarin_voice_dir / VOCODER_FILE, threads=1)


@pytest.fixture(scope="module")
def acoustic(mandarin_voice_dir: Path) -> AcousticModel:
    return AcousticModel(load_acoustic_graph(mandarin_voice_dir / ACOUSTIC_FILE), threads=1)


@pytest.fixture(scope="module")
def spoken(acoustic: AcousticModel) -> Spectrogram:
    return acoustic.spectrogram(PHONEMES, rate=1.0, pitch=1.0)


def test_durations_add_up_to_the_frames(spoken: Spectrogram):
    """One duration for each phoneme; together they are the spectrogram's length."""
    assert spoken.durations_frames.shape == (len(PHONEMES),)
    assert spoken.durations_frames.sum() == len(spoken.mel)


def test_a_faster_rate_shortens(acoustic: AcousticModel, spoken: Spectrogram):
    """Rate 2 halves the length, up to rounding of each phoneme."""
    fast = acoustic.spectrogram(PHONEMES, rate=2.0, pitch=1.0)
    assert len(fast.mel) == pytest.approx(len(spoken.mel) / 2, abs=len(PHONEMES) / 2)


def test_pieces_equal_the_whole(vocoder: Vocoder, spoken: Spectrogram):
    """Joined pieces are bit-equal to one run over everything: no clicks at the joins."""
    whole = vocoder.waveform(spoken.mel)
    pieces = list(vocoder.pieces(spoken.mel, 0, len(spoken.mel)))
    assert len(pieces) > 2
    assert np.array_equal(np.concatenate(pieces), whole)


def test_a_part_equals_that_part_of_the_whole(vocoder: Vocoder, spoken: Spectrogram):
    """The context around a part is taken from the spectrogram, wherever the part lies."""
    whole = vocoder.waveform(spoken.mel)
    for start, end in ((0, 1), (5, 30), (37, 38), (len(spoken.mel) - 3, len(spoken.mel))):
        part: FloatArray = np.concatenate(list(vocoder.pieces(spoken.mel, start, end)))
        assert np.array_equal(part, whole[start * HOP_SAMPLES : end * HOP_SAMPLES])


def test_a_spectrogram_shorter_than_the_vocoder_needs(vocoder: Vocoder, spoken: Spectrogram):
    """One frame alone gives one frame of sound."""
    assert len(vocoder.waveform(spoken.mel[:1])) == HOP_SAMPLES


def test_a_file_that_is_no_model_is_reported(tmp_path: Path):
    """LiteRT's own error does not get out."""
    (tmp_path / "x.tflite").write_bytes(b"not a model")
    with pytest.raises(ModelCorruptError):
        Vocoder(tmp_path / "x.tflite", threads=1)

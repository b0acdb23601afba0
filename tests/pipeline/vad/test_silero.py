"""The bundled speech probability model and the marks it leads to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.audio import INPUT_RATE_HZ, WINDOW_SAMPLES, Int16Array, float_to_int16
from pipeline.errors import AudioFormatError
from pipeline.vad.gate import SpeechGate, VadState
from pipeline.vad.silero import RESET_AFTER_WINDOWS, SileroModel

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def model() -> SileroModel:
    return SileroModel()


def clip(name: str) -> Int16Array:
    """A clip with 1.5 s of digital silence before and after it."""
    audio, _ = soundfile.read(DATA / name, dtype="float32")
    return float_to_int16(np.pad(audio, INPUT_RATE_HZ * 3 // 2))


def windows(audio: Int16Array) -> Int16Array:
    return audio[: len(audio) // WINDOW_SAMPLES * WINDOW_SAMPLES].reshape(-1, WINDOW_SAMPLES)


def test_speech_scores_high_and_silence_low(model: SileroModel):
    """The probability tells a voice from nothing."""
    stream = model.open()
    scores = [stream.probability(w) for w in windows(clip("librispeech-1995-1837-0001.wav"))]
    assert max(scores[:40]) < 0.2
    assert np.median(scores[60:300]) > 0.95
    assert max(scores[-20:]) < 0.2


def test_streams_of_one_model_are_independent(model: SileroModel):
    """Two calls interleaved hear what each would hear alone."""
    one = windows(clip("aishell1-BAC009S0724W0121.wav"))
    other = windows(clip("librispeech-1995-1837-0001.wav"))[: len(one)]
    alone = [model.open().probability(one[0])]
    first, second, reference = model.open(), model.open(), model.open()
    together = []
    for left, right in zip(one, other, strict=True):
        together.append(first.probability(left))
        second.probability(right)
    assert together == [reference.probability(w) for w in one]
    assert together[0] == alone[0]


def test_the_state_is_cleared_in_long_silence(model: SileroModel):
    """After two quiet seconds a stream is like new."""
    stream = model.open()
    for _ in range(RESET_AFTER_WINDOWS):
        stream.probability(np.zeros(WINDOW_SAMPLES, dtype=np.int16))
    speech = windows(clip("librispeech-1995-1837-0001.wav"))[60]
    assert stream.probability(speech) == model.open().probability(speech)


def test_a_window_of_another_length_is_refused(model: SileroModel):
    """Silero takes 512 samples at 16 kHz and nothing else."""
    with pytest.raises(AudioFormatError):
        model.open().probability(np.zeros(256, dtype=np.int16))


def follow(model: SileroModel, audio: Int16Array) -> list[VadState]:
    stream, gate = model.open(), SpeechGate()
    return [gate.feed(window, stream.probability(window)) for window in windows(audio)]


def test_the_onset_of_real_speech_is_told_within_100_ms(model: SileroModel):
    """Barge-in may pause within 150 ms of the first voiced sample."""
    for name in ("aishell1-BAC009S0724W0121.wav", "librispeech-1995-1837-0001.wav"):
        states = follow(model, clip(name))
        index = next(index for index, state in enumerate(states) if state.onset is not None)
        onset = states[index].onset
        assert onset is not None
        assert (index + 1) * WINDOW_SAMPLES - onset <= 0.1 * INPUT_RATE_HZ


def test_the_end_of_speech_cut_short_is_marked_to_the_frame(model: SileroModel):
    """Speech that stops dead at a known sample is said to end there, and that soon."""
    audio = clip("librispeech-1995-1837-0001.wav")
    for secs in (3.2, 4.75, 6.3):  # inside words
        cut = round(secs * INPUT_RATE_HZ)
        states = follow(model, np.concatenate((audio[:cut], np.zeros(INPUT_RATE_HZ, np.int16))))
        index, state = [(i, s) for i, s in enumerate(states) if s.offset is not None][-1]
        assert state.offset == pytest.approx(cut, abs=0.016 * INPUT_RATE_HZ)
        assert (index + 1) * WINDOW_SAMPLES - cut <= 0.16 * INPUT_RATE_HZ

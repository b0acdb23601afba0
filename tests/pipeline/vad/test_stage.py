"""The VAD stage: a byte stream in, windows with a verdict out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipecat.frames.frames import InputAudioRawFrame

from pipeline.audio import INPUT_RATE_HZ, WINDOW_SAMPLES
from pipeline.frames import CommitAudioFrame, WindowFrame
from pipeline.vad.gate import SpeechGate
from pipeline.vad.stage import VadStage
from tests.fakes.driver import drive
from tests.fakes.engines import FakeVoiceActivity, silence
from tests.fakes.speech import speak

STREAM = np.concatenate([silence(0.3), speak("你好", INPUT_RATE_HZ), silence(0.5)])


def stage() -> VadStage:
    return VadStage(FakeVoiceActivity(), SpeechGate())


def audio(samples: np.ndarray) -> InputAudioRawFrame:
    return InputAudioRawFrame(samples.tobytes(), INPUT_RATE_HZ, 1)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=40))
def test_any_cutting_of_the_stream_gives_the_same_windows(lengths: list[int]):
    """Window contents, stream positions and verdicts do not depend on the chunks."""
    whole = drive(stage(), audio(STREAM)).all(WindowFrame)
    borders = np.cumsum(lengths)
    pieces = [piece for piece in np.split(STREAM, borders[borders < len(STREAM)]) if len(piece)]
    cut = drive(stage(), *map(audio, pieces)).all(WindowFrame)
    assert [(w.end_sample, w.vad) for w in cut] == [(w.end_sample, w.vad) for w in whole]
    assert np.array_equal(
        np.concatenate([w.samples for w in cut]), np.concatenate([w.samples for w in whole])
    )


def test_the_edges_of_speech_are_reported_in_stream_time():
    """Onset and last voiced sample lie where the words do, to a window."""
    windows = drive(stage(), audio(STREAM)).all(WindowFrame)
    (onset,) = [w.vad.onset for w in windows if w.vad.onset is not None]
    (offset,) = [w.vad.offset for w in windows if w.vad.offset is not None]
    assert onset == pytest.approx(0.3 * INPUT_RATE_HZ, abs=WINDOW_SAMPLES)
    assert offset == pytest.approx(0.7 * INPUT_RATE_HZ, abs=WINDOW_SAMPLES)


def test_windows_of_one_chunk_arrived_one_after_the_other():
    """A late chunk's first window was complete before its last."""
    windows = drive(stage(), 1.0, audio(STREAM[: 4 * WINDOW_SAMPLES])).all(WindowFrame)
    arrived = [w.arrived_at for w in windows]
    assert np.allclose(np.diff(arrived), WINDOW_SAMPLES / INPUT_RATE_HZ)


def test_everything_else_passes():
    """Only audio is consumed."""
    passed = drive(stage(), audio(STREAM[:100]), CommitAudioFrame())
    assert passed.kinds() == [CommitAudioFrame]

"""The input stage: what comes in, and silence where nothing comes."""

from __future__ import annotations

import pytest
from pipecat.frames.frames import InputAudioRawFrame

from pipeline.audio import INPUT_RATE_HZ, SAMPLE_BYTES
from pipeline.frames import CommitAudioFrame
from pipeline.input import GAP_SECS, InputStage
from tests.fakes.driver import Passed, Step, drive


def audio(secs: float) -> InputAudioRawFrame:
    return InputAudioRawFrame(b"\x01\x00" * round(secs * INPUT_RATE_HZ), INPUT_RATE_HZ, 1)


def run(*steps: Step) -> Passed:
    return drive(InputStage(), *steps)


def filled_secs(passed: Passed) -> float:
    """Digital silence that was added."""
    quiet = [f for f in passed.all(InputAudioRawFrame) if not any(f.audio)]
    return sum(len(frame.audio) for frame in quiet) / SAMPLE_BYTES / INPUT_RATE_HZ


def test_a_steady_microphone_is_left_alone():
    """Chunks with jitter below the gap pass as they are."""
    passed = run(audio(0.02), 0.02, audio(0.02), 0.3, audio(0.3), 0.02, audio(0.02), 0.1)
    assert filled_secs(passed) == 0.0


@pytest.mark.parametrize("silent_secs", [0.2, 1.0, 5.0])
def test_a_gap_becomes_silence_of_its_own_length(silent_secs: float):
    """Stream time runs on at the pace of the clock, less the jitter that is waited for."""
    passed = run(audio(0.02), silent_secs)
    assert filled_secs(passed) == pytest.approx(max(0.0, silent_secs - GAP_SECS), abs=0.07)


def test_a_burst_is_audio_of_the_future():
    """A clip sent at once is not followed by silence before it would have ended."""
    assert filled_secs(run(audio(3.0), 2.9)) == 0.0
    assert filled_secs(run(audio(3.0), 5.0)) > 1.0


def test_everything_else_passes():
    """What the client asks for keeps its place in the stream."""
    assert CommitAudioFrame in run(CommitAudioFrame()).kinds()

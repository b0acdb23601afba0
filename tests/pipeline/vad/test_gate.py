"""Where speech begins and ends, from levels and probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio import INPUT_RATE_HZ, WINDOW_SAMPLES, Int16Array
from pipeline.errors import AudioFormatError
from pipeline.vad.gate import FRAME_SAMPLES, GateSettings, SpeechGate, VadState

RNG = np.random.default_rng(0)


def sound(n_windows: float, amplitude: float) -> Int16Array:
    samples = RNG.normal(0.0, amplitude * 32_768, round(n_windows * WINDOW_SAMPLES))
    return np.clip(samples, -32_768, 32_767).astype(np.int16)


def feed(gate: SpeechGate, audio: Int16Array, probabilities: list[float]) -> list[VadState]:
    windows = audio.reshape(-1, WINDOW_SAMPLES)
    return [gate.feed(window, p) for window, p in zip(windows, probabilities, strict=True)]


ROOM, VOICE = 0.001, 0.1


def a_call() -> list[VadState]:
    """20 windows of room, voice from the middle of window 20 for 10 windows, room again.

    Silero's lag: one window up, three down.
    """
    audio = np.concatenate((sound(20.5, ROOM), sound(10, VOICE), sound(9.5, ROOM)))
    probabilities = [0.02] * 20 + [0.3] + [0.95] * 12 + [0.2, 0.05] + [0.02] * 5
    return feed(SpeechGate(), audio, probabilities)


def test_onset_is_the_first_voiced_frame_and_is_seen_within_two_windows():
    """The mark looks back to where the level rose; it is told before 100 ms have passed."""
    states = a_call()
    seen = next(index for index, state in enumerate(states) if state.onset is not None)
    assert states[seen].onset == pytest.approx(20.5 * WINDOW_SAMPLES, abs=FRAME_SAMPLES)
    assert (seen + 1) * WINDOW_SAMPLES - 20.5 * WINDOW_SAMPLES < 0.1 * INPUT_RATE_HZ


def test_offset_is_the_end_of_the_last_voiced_frame():
    """Hangover is no part of speech: the mark lies where the level fell."""
    offsets = [state.offset for state in a_call() if state.offset is not None]
    assert offsets == [pytest.approx(30.5 * WINDOW_SAMPLES, abs=FRAME_SAMPLES)]


def test_silence_is_confirmed_only_when_the_model_agrees():
    """A stop consonant drops the level but not the probability: no silence."""
    gate = SpeechGate()
    feed(gate, sound(10, ROOM), [0.02] * 10)
    feed(gate, sound(5, VOICE), [0.95] * 5)
    closure = feed(gate, sound(3, ROOM), [0.9] * 3)
    assert [state.silence_secs for state in closure] == [0.0] * 3
    assert all(state.speaking for state in closure)


def test_a_single_loud_window_is_no_onset():
    """A click scores high once."""
    states = feed(SpeechGate(), sound(12, ROOM), [0.02] * 12)
    gate = SpeechGate()
    audio = np.concatenate((sound(10, ROOM), sound(1, VOICE), sound(5, ROOM)))
    states = feed(gate, audio, [0.02] * 10 + [1.0] + [0.05] * 5)
    assert not any(state.speaking for state in states)


def test_probability_without_level_is_no_speech():
    """What does not rise over the room's noise does not open the gate."""
    assert not any(
        state.speaking for state in feed(SpeechGate(), sound(80, ROOM), [0.0] * 60 + [0.9] * 20)
    )


def test_a_level_that_stays_low_ends_speech_whatever_the_model_says():
    """A model stuck at 1.0 cannot hold the gate open."""
    gate = SpeechGate()
    feed(gate, sound(20, ROOM), [0.02] * 20)
    feed(gate, sound(10, VOICE), [0.95] * 10)
    states = feed(gate, sound(15, ROOM), [1.0] * 15)
    assert not states[-1].speaking


def test_the_floor_follows_the_room():
    """Noise that lasts becomes the floor, so that it is no voice."""
    gate = SpeechGate()
    feed(gate, sound(200, 0.01), [0.05] * 200)
    assert gate.noise_floor_dbfs == pytest.approx(-40.0, abs=1.0)


def test_silence_grows_on_after_the_gate_has_closed():
    """The turn stage counts on from the soft end."""
    states = a_call()
    after = [state.silence_secs for state in states[-5:]]
    assert after == sorted(after)
    assert after[0] >= GateSettings().stop_secs


def test_a_window_of_another_length_is_refused():
    """The gate counts samples; it takes whole windows only."""
    with pytest.raises(AudioFormatError):
        SpeechGate().feed(np.zeros(100, dtype=np.int16), 0.5)


@given(st.lists(st.tuples(st.sampled_from([0.0, ROOM, VOICE]), st.floats(0.0, 1.0)), max_size=60))
def test_marks_alternate_and_never_go_back(script: list[tuple[float, float]]):
    """Any input gives onset, offset, onset, …, each after the other and none in the future."""
    gate = SpeechGate()
    marks: list[int] = []
    last_voiced, open_ = 0, False
    for index, (amplitude, probability) in enumerate(script, start=1):
        state = gate.feed(sound(1, amplitude), probability)
        assert state.last_voiced_sample >= last_voiced
        last_voiced = state.last_voiced_sample
        assert last_voiced <= index * WINDOW_SAMPLES
        if state.onset is not None:
            assert not open_
            open_ = True
            marks.append(state.onset)
        if state.offset is not None:
            assert open_
            open_ = False
            marks.append(state.offset)
        assert state.speaking == open_
        assert state.silence_secs >= 0.0
    assert marks == sorted(marks)


def test_a_run_is_suspected_before_it_opens_the_gate():
    """At the same first sample, and never while the gate is open."""
    states = a_call()
    opened = next(index for index, state in enumerate(states) if state.onset is not None)
    assert states[opened - 1].suspected == states[opened].onset
    assert all(state.suspected is None for state in states if state.speaking)


def test_a_suspicion_that_comes_to_nothing_leaves_the_gate_shut():
    """A short click is suspected for as long as it lasts."""
    audio = np.concatenate((sound(20, ROOM), sound(1, VOICE), sound(5, ROOM)))
    states = feed(SpeechGate(), audio, [0.02] * 20 + [0.5] + [0.02] * 5)
    suspected = [index for index, state in enumerate(states) if state.suspected is not None]
    assert suspected == [20]
    assert not any(state.speaking for state in states)

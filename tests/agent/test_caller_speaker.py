import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.caller_speaker import JITTER_SECS, SimulatedSpeaker
from pipeline.audio import OUTPUT_RATE_HZ
from tests.fakes.call import tone

VOICE = np.frombuffer(tone(2.0), dtype=np.int16)


def secs(seconds):
    return int(seconds * OUTPUT_RATE_HZ)


def test_a_long_first_chunk_is_played_at_once():
    """It is a jitter buffer by itself."""
    speaker = SimulatedSpeaker()
    speaker.receive("r", VOICE[: secs(0.25)], now=10.0)
    assert speaker.first_audible_at("r") == 10.0
    assert speaker.played_samples("r", 10.1) == secs(0.1)
    assert not speaker.silent(10.2)
    assert speaker.silent(10.25)


def test_a_short_first_chunk_waits_for_the_jitter_buffer():
    """80 ms, in which more may come."""
    speaker = SimulatedSpeaker()
    speaker.receive("r", VOICE[: secs(0.02)], now=10.0)
    assert speaker.first_audible_at("r") == pytest.approx(10.0 + JITTER_SECS)
    assert speaker.played_samples("r", 10.05) == 0


@given(st.lists(st.integers(1, secs(0.4)), min_size=1, max_size=8))
def test_audio_in_time_is_played_without_a_gap(lengths):
    """Chunks that come before they are needed join sample by sample."""
    speaker = SimulatedSpeaker(jitter_secs=0.0)
    audio = np.arange(sum(lengths), dtype=np.int64).astype(np.int16)
    start = 0
    for length in lengths:
        speaker.receive("r", audio[start : start + length], now=5.0)
        start += length
    assert speaker.gaps_secs("r") == ()
    assert np.array_equal(speaker.render(5.0, len(audio)), audio)


def test_audio_too_late_is_an_underrun():
    """The gap lasts from the end of what was there to the start of what came."""
    speaker = SimulatedSpeaker()
    speaker.receive("r", VOICE[: secs(0.2)], now=0.0)
    speaker.receive("r", VOICE[: secs(0.2)], now=0.5)
    assert speaker.gaps_secs("r") == (pytest.approx(0.3),)


def test_the_next_reply_is_no_underrun():
    """Silence between two replies is as it should be."""
    speaker = SimulatedSpeaker()
    speaker.receive("r1", VOICE[: secs(0.2)], now=0.0)
    speaker.receive("r2", VOICE[: secs(0.2)], now=3.0)
    assert speaker.gaps_secs("r2") == ()


def test_pause_and_resume_lose_nothing():
    """What was not played is kept, and comes from the sample asked for."""
    speaker = SimulatedSpeaker()
    speaker.receive("r", VOICE[: secs(1.0)], now=0.0)
    speaker.pause("r", now=0.4)
    speaker.receive("r", VOICE[secs(1.0) :], now=0.5)
    assert speaker.played_samples("r", 2.0) == secs(0.4)
    assert not speaker.silent(2.0)
    speaker.resume("r", secs(0.3), now=2.0)
    assert speaker.played_samples("r", 2.5) == secs(0.8)
    assert np.array_equal(speaker.render(2.0, secs(1.7)), VOICE[secs(0.3) : secs(0.3) + secs(1.7)])


def test_flush_ends_a_reply_for_good():
    """Late chunks of it are not played, the next reply is."""
    speaker = SimulatedSpeaker()
    speaker.receive("r1", VOICE, now=0.0)
    speaker.flush("r1", now=0.5)
    speaker.receive("r1", VOICE, now=0.6)
    assert speaker.silent(0.5)
    assert speaker.last_played_at("r1") == pytest.approx(0.5)
    speaker.receive("r2", VOICE, now=1.0)
    assert speaker.first_audible_at("r2") == 1.0


def test_flushing_while_paused_drops_what_was_kept():
    """A barge-in that was meant."""
    speaker = SimulatedSpeaker()
    speaker.receive("r", VOICE, now=0.0)
    speaker.pause("r", now=0.3)
    speaker.flush("r", now=0.6)
    assert speaker.silent(0.6)
    speaker.resume("r", 0, now=0.7)
    assert speaker.last_played_at("r") == pytest.approx(0.3)


def test_leading_silence_is_not_audible():
    """Latency counts to the voice, not to the first zero."""
    speaker = SimulatedSpeaker()
    speaker.receive("r", np.concatenate([np.zeros(secs(0.1), np.int16), VOICE]), now=1.0)
    assert speaker.first_audible_at("r") == pytest.approx(1.1)


def test_a_reply_that_was_never_heard_has_no_instants():
    """Unknown and silent replies alike."""
    speaker = SimulatedSpeaker()
    speaker.receive("r", np.zeros(100, np.int16), now=0.0)
    assert speaker.first_audible_at("r") is None
    assert speaker.last_played_at("nobody") is None
    assert len(speaker.audio("nobody")) == 0


def test_the_recording_may_start_and_end_inside_the_audio():
    """The time line is cut, not the program."""
    speaker = SimulatedSpeaker()
    speaker.receive("r", VOICE[: secs(1.0)], now=0.0)
    assert np.array_equal(speaker.render(0.5, secs(0.25)), VOICE[secs(0.5) : secs(0.75)])


def test_an_acknowledgement_is_rendered_and_is_no_reply():
    """It is in the recording, but not in any figure: nobody is answered by it."""
    speaker = SimulatedSpeaker()
    speaker.acknowledge(VOICE[: secs(0.4)], now=10.0)
    assert speaker.silent(10.2)
    speaker.receive("r", VOICE, now=11.0)
    assert speaker.first_audible_at("r") == 11.0
    assert [span.reply_id for span in speaker.spans] == ["r"]
    assert np.array_equal(speaker.render(10.0, secs(0.4)), VOICE[: secs(0.4)])
    assert not speaker.render(10.4, secs(0.5)).any()

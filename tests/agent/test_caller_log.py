import base64

import numpy as np
import pytest

from agent.caller_clip import clip_of
from agent.caller_log import CallLog
from agent.caller_speaker import SimulatedSpeaker
from tests.fakes.call import tone

RATE_HZ = 24_000
CLIP = clip_of(np.frombuffer(tone(1.0) + bytes(24_000), dtype=np.int16), RATE_HZ)  # ends at 1.0 s


def instant(sample):
    return sample / RATE_HZ


def log(extended=True):
    return CallLog(SimulatedSpeaker(), extended=extended)


def reply(one, number, at, *, secs=0.5, text="嗯嗯"):
    """A reply whose text and audio arrive at once."""
    response = f"resp_{number}"
    one.take({"type": "response.created", "response": {"id": response}}, at)
    one.take(
        {"type": "response.output_audio_transcript.delta", "response_id": response, "delta": text},
        at,
    )
    delta = base64.b64encode(tone(secs)).decode()
    one.take({"type": "response.output_audio.delta", "response_id": response, "delta": delta}, at)
    return response


def done(one, response, status, at):
    one.take({"type": "response.done", "response": {"id": response, "status": status}}, at)


def test_latency_counts_from_the_last_audible_sample_of_the_clip():
    """Half a second of silence at its end is the server's to wait through, not free."""
    one = log()
    one.begin_turn(CLIP, 0, cutting_in=False)
    reply(one, 1, at=1.4)
    report = one.report(one.turns[0], instant)
    assert report.response_latency_ms == pytest.approx(400.0, abs=10.0)


def acknowledge(one, at):
    sound = base64.b64encode(tone(0.3)).decode()
    one.take({"type": "qingting.acknowledgement", "text": "嗯", "audio": sound}, at)


def test_an_acknowledgement_before_the_reply_is_the_first_sound():
    """The reply's latency is its own; one inside the clip is no answer to its end."""
    one = log()
    one.begin_turn(CLIP, 0, cutting_in=False)
    acknowledge(one, 0.5)
    acknowledge(one, 1.3)
    reply(one, 1, at=2.2)
    report = one.report(one.turns[0], instant)
    assert report.response_latency_ms == pytest.approx(1200.0, abs=10.0)
    assert report.acknowledged_ms == report.first_sound_ms == pytest.approx(300.0, abs=10.0)


@pytest.mark.parametrize("acknowledged_at", [None, 0.5, 1.6])
def test_without_one_between_clip_and_reply_the_reply_is_the_first_sound(acknowledged_at):
    """Neither an earlier nor a later one counts."""
    one = log()
    one.begin_turn(CLIP, 0, cutting_in=False)
    reply(one, 1, at=1.4)
    if acknowledged_at is not None:
        acknowledge(one, acknowledged_at)
    report = one.report(one.turns[0], instant)
    assert report.acknowledged_ms is None
    assert report.first_sound_ms == report.response_latency_ms


def test_the_last_reply_that_was_heard_is_the_turns_reply():
    """A reply into a pause of the clip is counted, and does not give the latency."""
    one = log()
    one.begin_turn(CLIP, 0, cutting_in=False)
    early = reply(one, 1, at=0.5)
    one.take({"type": "qingting.playout.flush", "response_id": early}, 0.6)
    done(one, early, "cancelled", 0.6)
    reply(one, 2, at=1.5, text="第二")
    report = one.report(one.turns[0], instant)
    assert (report.replies, report.reply_text) == (2, "第二")
    assert report.response_latency_ms == pytest.approx(500.0, abs=10.0)


def test_a_turn_in_two_transcripts_is_one_text():
    """The server may have heard two turns where the script has one."""
    one = log()
    one.begin_turn(CLIP, 0, cutting_in=False)
    kind = "conversation.item.input_audio_transcription.completed"
    for words in ("I feel", "tired"):
        one.take({"type": kind, "transcript": words}, 1.0)
    assert one.report(one.turns[0], instant).transcript == "I feel tired"


def test_interruption_latency_counts_from_the_first_audible_sample():
    """To the server's order, and to the last sample of the bot."""
    one = log()
    one.begin_turn(CLIP, 0, cutting_in=False)
    response = reply(one, 1, at=1.4, secs=5.0)
    one.begin_turn(CLIP, round(2.0 * RATE_HZ), cutting_in=True)
    one.take({"type": "qingting.playout.pause", "response_id": response}, 2.1)
    one.take({"type": "qingting.playout.flush", "response_id": response}, 2.4)
    report = one.report(one.turns[1], instant)
    assert report.pause_latency_ms == pytest.approx(100.0)
    assert report.interruption_latency_ms == pytest.approx(100.0, abs=0.1)


def test_a_standard_client_falls_silent_when_speech_starts():
    """Without our events there is no other sign."""
    one = log(extended=False)
    one.begin_turn(CLIP, 0, cutting_in=False)
    reply(one, 1, at=1.4, secs=5.0)
    assert not one.quiet(2.0)
    one.take({"type": "input_audio_buffer.speech_started", "item_id": "x"}, 2.0)
    done(one, "resp_1", "cancelled", 2.1)
    assert one.quiet(2.1)
    assert one.report(one.turns[0], instant).status == "cancelled"


def test_an_acknowledgement_answers_nothing():
    """The turn's figures begin with its reply, not with a 嗯 before it."""
    one = log()
    one.begin_turn(CLIP, 0, cutting_in=False)
    audio = base64.b64encode(tone(0.4)).decode("ascii")
    one.take({"type": "qingting.acknowledgement", "text": "嗯", "audio": audio}, 0.5)
    assert one.quiet(0.6)
    reply(one, 1, at=1.4)
    report = one.report(one.turns[0], instant)
    assert (report.replies, report.reply_text) == (1, "嗯嗯")
    assert report.response_latency_ms == pytest.approx(400.0, abs=10.0)


def test_events_that_are_unknown_or_of_an_unknown_response_are_passed_over():
    """A newer server must not break an older caller."""
    one = log()
    one.take({"type": "qingting.new"}, 0.0)
    one.take({"type": "response.output_audio.delta", "response_id": "?", "delta": ""}, 0.0)
    done(one, "?", "completed", 0.0)
    assert one.quiet(0.0)

"""What the model remembers of a cut reply is what sounded, wherever it was cut."""

from __future__ import annotations

import pytest

from pipeline.events import PlayoutPaused, PlayoutResumed, ReplyFinished
from pipeline.interruption import InterruptionMode
from tests.scenarios.scene import CUT_MARK, Scene, hear, hear_out, play, say, wait

STORY = "我睡不好。"
ANSWER = "听起来你最近压力很大，晚上总是睡不好。你觉得是从什么时候开始的呢？"
AFTER = [ANSWER[:length] for length in (2, 7, 11, 16, 21, 27)]


def cut_reply(scene: Scene) -> ReplyFinished:
    return next(reply for reply in scene.all(ReplyFinished) if reply.status == "interrupted")


@pytest.mark.parametrize("mode", ["polite", "instant"])
@pytest.mark.parametrize("heard", AFTER)
def test_a_cut_is_exact_to_one_character(mode: InterruptionMode, heard: str) -> None:
    """Told by the loudspeaker's own samples; the context holds the same, marked."""
    scene = play(
        say(STORY), hear(heard), say("等一下我想说"), hear_out(), say("好了吗"), hear_out(),
        answers={STORY: ANSWER}, mode=mode,
    )  # fmt: skip
    cut = cut_reply(scene)
    assert not cut.estimated
    sounded = len(scene.loudspeaker) - sum(
        len(reply.text) for reply in scene.all(ReplyFinished) if reply.status == "completed"
    )
    assert abs(len(cut.heard_text) - sounded) <= 1
    assert f"assistant {cut.heard_text}{CUT_MARK}" in scene.context


def test_a_client_that_reports_nothing_is_estimated() -> None:
    """From the pacing clock, and said to be an estimate."""
    scene = play(
        say(STORY), hear(AFTER[1]), say("等一下我想说"), hear_out(), answers={STORY: ANSWER},
        reports_playout=False,
    )  # fmt: skip
    cut = cut_reply(scene)
    assert cut.estimated
    assert ANSWER.startswith(cut.heard_text)


def test_a_resume_loses_nothing_and_repeats_at_most_a_clause() -> None:
    """After a backchannel every word was heard, and the gap is short."""
    scene = play(say(STORY), hear(AFTER[3]), say("嗯"), wait(9.0), answers={STORY: ANSWER})
    (finished,) = scene.all(ReplyFinished)
    assert (finished.status, finished.heard_text) == ("completed", ANSWER)
    assert scene.at(PlayoutResumed) - scene.at(PlayoutPaused) <= 0.7
    sounded = scene.loudspeaker
    assert len(ANSWER) <= len(sounded) <= len(ANSWER) + 7

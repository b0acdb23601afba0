"""Both speak at once: who goes on, and what is remembered."""

from __future__ import annotations

from itertools import pairwise

import pytest

from pipeline.events import (
    PlayoutFlushed,
    PlayoutPaused,
    PlayoutResumed,
    ReplyFinished,
    ReplyStarted,
    SpeechStarted,
    StateChanged,
)
from pipeline.text import count_units
from tests.fakes.engines import FakeLanguageModel
from tests.scenarios.scene import (
    CUT_MARK,
    Scene,
    cancel,
    click,
    hear,
    hear_out,
    play,
    say,
    truncate,
    type_text,
    wait,
)

STORY = "我压力很大。"
ANSWER = "听起来你真的很累，愿意多说一点吗？"
ANSWERS = {STORY: ANSWER}


def cut_reply(scene: Scene) -> ReplyFinished:
    """The first reply, which must have been cut."""
    reply = scene.all(ReplyFinished)[0]
    assert reply.status == "interrupted"
    return reply


def test_a_command_stops_the_bot():
    """Paused at once, given up soon after; the context keeps what was heard, marked as cut."""
    scene = play(
        say(STORY), hear("听起来你真的"), say("等一下。"), hear_out(), wait(0.5), answers=ANSWERS
    )
    reply = cut_reply(scene)
    assert scene.story == [
        f"caller {STORY}",
        f"bot    {reply.heard_text}— interrupted",
        "caller 等一下。",
        "bot    嗯，我在听。",
    ]
    assert scene.loudspeaker == reply.heard_text + "嗯，我在听。"
    assert scene.context == [
        f"user {STORY}",
        f"assistant {reply.heard_text}{CUT_MARK}",
        "user 等一下。",
    ]
    assert scene.at(PlayoutPaused) < scene.at(PlayoutFlushed) < scene.at(ReplyStarted, 1)


@pytest.mark.parametrize("reports", [True, False], ids=["reporting client", "silent client"])
@pytest.mark.parametrize("heard", [ANSWER[:n] for n in (1, 4, 8, 9, 12)])
def test_heard_text_is_exact(heard: str, reports: bool):
    """What the context keeps is what the loudspeaker played, to one character."""
    scene = play(
        say(STORY),
        hear(heard),
        say("不是这样的。"),
        hear_out(),
        answers=ANSWERS,
        reports_playout=reports,
    )
    reply = cut_reply(scene)
    sounded = scene.loudspeaker.removesuffix("嗯，我在听。")
    assert heard in sounded
    assert abs(count_units(reply.heard_text) - count_units(sounded)) <= 1
    assert reply.heard_text.startswith(heard)
    assert reply.estimated is not reports


def test_a_backchannel_lets_the_bot_go_on():
    """It is noted and is no turn; the reply goes on where it was paused, to its end."""
    scene = play(say(STORY), hear("听起来"), say("嗯。"), hear_out(), answers=ANSWERS)
    assert scene.story == [f"caller {STORY}", "caller (嗯。)", f"bot    {ANSWER}"]
    assert len(scene.all(PlayoutPaused)) == len(scene.all(PlayoutResumed)) == 1
    assert len(scene.all(SpeechStarted)) == 1
    assert scene.loudspeaker.endswith("愿意多说一点吗？")


def test_a_noise_lets_the_bot_go_on():
    """A cough pauses for a moment and leaves no mark."""
    scene = play(say(STORY), hear("听起来"), click(), hear_out(), answers=ANSWERS)
    assert scene.story == [f"caller {STORY}", f"bot    {ANSWER}"]
    assert len(scene.all(PlayoutPaused)) == len(scene.all(PlayoutResumed)) == 1


def test_a_command_after_a_backchannel_still_stops_the_bot():
    """One judgement does not use up the next."""
    scene = play(
        say(STORY),
        hear("听起来"),
        say("嗯。"),
        wait(0.8),
        say("等一下。"),
        hear_out(),
        answers=ANSWERS,
    )
    assert scene.story[1] == "caller (嗯。)"
    assert cut_reply(scene).text == ANSWER
    assert len(scene.all(PlayoutPaused)) == 2


def test_nothing_sounds_while_the_bot_is_paused():
    """Between pause and resume the loudspeaker is silent."""
    scene = play(say(STORY), hear("听起来"), say("嗯。"), hear_out(), answers=ANSWERS)
    paused, resumed = scene.at(PlayoutPaused), scene.at(PlayoutResumed)
    sounding = [span for span in scene.speaker.spans if span.start_at < resumed < span.end_at]
    assert sounding == []
    assert [span for span in scene.speaker.spans if paused < span.start_at < resumed] == []


def test_going_on_before_the_answer_is_one_turn():
    """Words that come while the bot still thinks are answered together with those before."""
    scene = play(
        say(STORY),
        wait(0.5),
        say("真的很大。"),
        hear_out(),
        model=FakeLanguageModel(prefill_secs=0.5, token_secs=0.3),
    )
    assert scene.context == [f"user {STORY}真的很大。"]
    assert scene.loudspeaker == "嗯，我在听。"


def test_instant_mode_stops_for_any_voice():
    """Even for a backchannel, and without a pause before."""
    scene = play(
        say(STORY), hear("听起来"), say("嗯。"), hear_out(), answers=ANSWERS, mode="instant"
    )
    assert cut_reply(scene).heard_text.startswith("听起来")
    assert scene.all(PlayoutPaused) == []
    assert scene.story[-2:] == ["caller 嗯。", "bot    嗯，我在听。"]


def test_mode_off_speaks_on_and_answers_later():
    """What was said meanwhile is a turn as soon as the reply is over."""
    scene = play(
        say(STORY),
        hear("听起来"),
        say("等一下。"),
        hear_out(),
        hear_out(),
        answers=ANSWERS,
        mode="off",
    )
    assert scene.story == [
        f"caller {STORY}",
        f"bot    {ANSWER}",
        "caller 等一下。",
        "bot    嗯，我在听。",
    ]
    assert scene.all(PlayoutPaused) == []


def test_a_typed_turn_cuts_the_reply():
    """And is answered with the knowledge of what had been heard."""
    scene = play(
        say(STORY),
        hear("听起来"),
        type_text("不是"),
        hear_out(),
        answers={**ANSWERS, "不是": "好。"},
    )
    assert scene.loudspeaker == "听起来好。"
    assert scene.context == [f"user {STORY}", f"assistant 听起来{CUT_MARK}", "user 不是"]


def test_cancelling_stops_the_reply():
    """At once, with what was heard kept, and nothing said in its place."""
    scene = play(
        say(STORY), hear("听起来"), cancel(), wait(2.0), say("好。"), hear_out(), answers=ANSWERS
    )
    assert scene.story[1] == "bot    听起来— cancelled"
    assert scene.context == [f"user {STORY}", f"assistant 听起来{CUT_MARK}", "user 好。"]


def test_cancelling_leaves_the_floor_to_who_is_speaking():
    """Words begun over a reply that the client cancels are an ordinary turn, in every mode."""
    for mode in ("polite", "off"):
        scene = play(
            say(STORY),
            hear("听起来"),
            say("等一下。"),
            cancel(),
            hear_out(),
            answers=ANSWERS,
            mode=mode,
        )
        assert scene.story[-2:] == ["caller 等一下。", "bot    嗯，我在听。"]


def test_truncating_a_running_reply_ends_it_there():
    """The client's word counts more than any estimate."""
    scene = play(
        say(STORY),
        hear("听起来你真"),
        truncate("听起来你"),
        wait(0.5),
        say("好。"),
        hear_out(),
        answers=ANSWERS,
    )
    assert scene.story[1] == "bot    听起来你— interrupted"
    assert scene.context[1] == f"assistant 听起来你{CUT_MARK}"


def test_truncating_after_the_cut_corrects_the_context():
    """Realtime clients say where they stopped after they were told to stop."""
    scene = play(
        say(STORY),
        hear("听起来你真"),
        say("不是这样的。"),
        truncate("听起来"),
        hear_out(),
        answers=ANSWERS,
        reports_playout=False,
    )
    assert scene.context[1] == f"assistant 听起来{CUT_MARK}"


@pytest.mark.parametrize("after_ms", [0, 40, 80, 120, 200])
def test_a_paused_reply_does_not_begin(after_ms: int):
    """Although it was asked for, and interrupted, while the one before was being cut."""
    scene = play(
        say(STORY), hear("听起来你真的"), type_text("不是。"), wait(after_ms / 1000),
        say("等一下。"), hear_out(), answers=ANSWERS,
    )  # fmt: skip
    states = [event.state for event in scene.all(StateChanged)]
    after = [later for state, later in pairwise(states) if state == "paused"]
    assert after
    assert set(after) <= {"thinking", "listening"}  # it would be "speaking" if it had begun


def test_a_reply_that_the_client_did_not_play_was_not_said():
    """It reports nothing, and truncates at 0 what was believed to have been heard."""
    scene = play(
        say(STORY), hear("听起来"), cancel(), wait(0.1), truncate(""), say("你在吗？"), hear_out(),
        answers=ANSWERS, reports_playout=False,
    )  # fmt: skip
    assert scene.context == [f"user {STORY}你在吗？"]

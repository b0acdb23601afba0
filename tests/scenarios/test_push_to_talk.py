"""The client says where a turn ends."""

from __future__ import annotations

from pipeline.events import ReplyStarted
from tests.fakes.engines import FakeLanguageModel, FakeRecogniser
from tests.scenarios.scene import (
    APOLOGY,
    UNHEARD,
    clear,
    hear_out,
    play,
    release_button,
    respond,
    say,
    type_text,
    wait,
)


def test_the_released_button_ends_the_turn():
    """With a microphone that goes on, and with one that stops at once."""
    for sends_audio in (True, False):
        scene = play(
            say("我睡不好。"),
            release_button(),
            hear_out(),
            take_turns=False,
            sends_audio=sends_audio,
        )
        assert scene.story == ["caller 我睡不好。", "bot    嗯，我在听。"]


def test_no_pause_ends_the_turn():
    """However long; all that was said until the button is released is one turn."""
    scene = play(
        say("我最近"), wait(5.0), say("睡不好。"), release_button(), hear_out(), take_turns=False
    )
    assert scene.story == ["caller 我最近睡不好。", "bot    嗯，我在听。"]


def test_the_button_over_the_bot_stops_it():
    """Pressing the button is plain evidence; nothing needs to be weighed."""
    scene = play(
        respond(), wait(0.5), say("等一下。"), release_button(), hear_out(), take_turns=False
    )
    assert scene.story[-2:] == ["caller 等一下。", "bot    嗯，我在听。"]


def test_what_was_said_can_be_forgotten():
    """A cleared turn is neither answered nor remembered."""
    scene = play(
        say("我睡不好。"), wait(0.3), clear(), wait(1.0), say("没事。"), release_button(),
        hear_out(), take_turns=False,
    )  # fmt: skip
    assert scene.context == ["user 没事。"]


def test_a_failed_recogniser_is_owned_up_to():
    """The caller is asked to say it again, not greeted."""
    scene = play(
        say("我最近真的睡不好。"), release_button(), hear_out(), take_turns=False,
        recogniser=FakeRecogniser(fail=lambda: True),
    )  # fmt: skip
    assert scene.story[-1] == f"bot    {UNHEARD}"


def test_a_recogniser_that_never_answers_is_not_waited_for():
    """Although no silence of the caller means anything here."""
    scene = play(
        say("我最近真的睡不好。"), release_button(), hear_out(), take_turns=False,
        sends_audio=False, recogniser=FakeRecogniser(decode_secs=1e6),
    )  # fmt: skip
    assert scene.story[-1] == f"bot    {UNHEARD}"


def test_a_model_that_never_answers_is_apologised_for():
    """Even to a client that has no microphone at all."""
    scene = play(
        type_text("你好"), hear_out(), take_turns=False, sends_audio=False,
        model=FakeLanguageModel(token_secs=1e6),
    )  # fmt: skip
    assert scene.story[-1] == f"bot    {APOLOGY}"
    assert len(scene.all(ReplyStarted)) == 2

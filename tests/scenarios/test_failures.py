"""Engines that fail or never answer: the bot is never silent for long while it owes a reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipeline.events import CallFailed, ReplyAudio, ReplyFinished, StateChanged
from pipeline.turn.endpointing import TurnSettings
from tests.fakes.engines import FakeLanguageModel, FakeRecogniser, FakeVoice, StallingExecutor
from tests.scenarios.scene import APOLOGY, UNHEARD, hear_out, play, say, type_text, wait

STORY = "我压力很大。"
ANSWER = "听起来你真的很累，愿意多说一点吗？"
ANSWERS = {STORY: ANSWER}
SETTINGS = TurnSettings()
# A turn is taken at the latest after this silence, and what is owed then sounds or is
# apologised for within the other; half a second is for the engines that do work.
LONGEST_SILENCE_SECS = SETTINGS.max_wait_secs + SETTINGS.hold_secs + SETTINGS.reply_owed_secs + 0.5


def first_time_only() -> Iterator[bool]:
    yield True
    while True:
        yield False


def test_a_failed_model_is_apologised_for():
    """Aloud, with an event for the client; the next turn is answered, with both texts."""
    failures = first_time_only()
    scene = play(
        say(STORY), hear_out(), say("你在吗？"), hear_out(),
        model=FakeLanguageModel(fail=lambda: next(failures)),
    )  # fmt: skip
    assert [failed.code for failed in scene.all(CallFailed)] == ["generation_error"]
    assert [line for line in scene.story if line.startswith("bot")] == [
        "bot    — failed",
        f"bot    {APOLOGY}",
        "bot    嗯，我在听。",
    ]
    assert scene.context == [f"user {STORY}你在吗？"]


def test_a_failed_voice_is_apologised_for():
    """If it can speak the apology; the text of the failed reply does not count as heard."""
    scene = play(
        say(STORY), hear_out(), say("你在吗？"), hear_out(), answers=ANSWERS,
        voice=FakeVoice(fail=lambda text: "听起来" in text),
    )  # fmt: skip
    assert [failed.code for failed in scene.all(CallFailed)] == ["synthesis_error"]
    assert scene.loudspeaker == f"{APOLOGY}嗯，我在听。"
    assert scene.context == [f"user {STORY}你在吗？"]


def test_a_voice_that_fails_in_mid_reply_keeps_what_was_heard():
    """The apology follows the clause that was spoken."""
    scene = play(
        say(STORY), hear_out(), say("你在吗？"), hear_out(), answers=ANSWERS,
        voice=FakeVoice(fail=lambda text: "愿意" in text),
    )  # fmt: skip
    assert scene.loudspeaker == f"听起来你真的很累，{APOLOGY}嗯，我在听。"
    assert scene.context[1] == "assistant 听起来你真的很累，……"


def test_a_voice_that_cannot_even_apologise_says_so_on_the_wire():
    """The call goes on, and the client knows that nothing could be spoken."""
    scene = play(say(STORY), wait(10.0), voice=FakeVoice(fail=lambda text: True))
    assert [failed.code for failed in scene.all(CallFailed)] == [
        "synthesis_error",
        "synthesis_error",
        "reply_failed",
    ]
    assert scene.all(ReplyAudio) == []
    assert scene.all(StateChanged)[-1].state == "listening"


@pytest.mark.parametrize("answer", ["", "\n", "。"])
def test_an_empty_reply_is_apologised_for(answer: str):
    """A model that has nothing to say must not leave the caller waiting."""
    silent = FakeVoice()
    silent.synthesise = lambda text, style, cancelled: (  # type: ignore[method-assign]
        iter(()) if text.strip("\n。") == "" else FakeVoice().synthesise(text, style, cancelled)
    )
    scene = play(say(STORY), hear_out(), answers={STORY: answer}, voice=silent)
    assert scene.story[-1] == f"bot    {APOLOGY}"


def test_a_failed_recogniser_asks_to_repeat():
    """With an event for the client; words that nobody could make out are not answered."""
    scene = play(say(STORY * 2), hear_out(), recogniser=FakeRecogniser(fail=lambda: True))
    assert [failed.code for failed in scene.all(CallFailed)] == ["recognition_error"]
    assert scene.story[-1] == f"bot    {UNHEARD}"


# Made anew for each test: an executor counts its jobs.
STALLS: dict[str, Callable[[], dict[str, Any]]] = {
    "recogniser": lambda: {"recogniser": FakeRecogniser(decode_secs=1e6)},
    "prefill": lambda: {"model": FakeLanguageModel(prefill_secs=1e6)},
    "first token": lambda: {"model": FakeLanguageModel(token_secs=1e6)},
    "voice": lambda: {"workers": StallingExecutor({0})},
}


@pytest.mark.parametrize("stalled", STALLS)
def test_an_engine_that_never_answers_is_spoken_for(stalled: str):
    """Within the bound: the caller hears a scripted line, whatever hangs."""
    scene = play(say(STORY * 2), hear_out(), **STALLS[stalled]())
    assert scene.story[-1] == f"bot    {UNHEARD if stalled == 'recogniser' else APOLOGY}"
    assert scene.silence_before(ReplyAudio) <= LONGEST_SILENCE_SECS


@pytest.mark.parametrize(
    ("stalled", "reached"),
    [
        ("prefill", "without a word"),
        ("first token", "without a word"),
        ("voice", "with words, before speech"),
    ],
)
def test_the_log_tells_how_far_a_stalled_reply_came(
    caplog: pytest.LogCaptureFixture, stalled: str, reached: str
):
    """An engine that hangs reports nothing itself; the caller's words are not told."""
    play(say(STORY * 2), hear_out(), **STALLS[stalled]())
    told = [line for line in caplog.messages if "given up" in line]
    assert len(told) == 1
    assert told[0].endswith(reached)
    assert STORY not in caplog.text


def test_a_voice_that_hangs_in_mid_reply_is_spoken_for(caplog: pytest.LogCaptureFixture):
    """The silence after its last sound is bounded, too; the log says that it was playing."""
    scene = play(say(STORY), hear_out(), answers=ANSWERS, workers=StallingExecutor({1}))
    assert scene.story[-2:] == ["bot    听起来你真的很累，— failed", f"bot    {APOLOGY}"]
    ends, starts = scene.speaker.spans[-3].end_at, scene.speaker.spans[-2].start_at
    assert starts - ends <= SETTINGS.reply_owed_secs + 0.5
    (told,) = [line for line in caplog.messages if "given up" in line]
    assert told.endswith("in the midst of playout")


def test_a_model_that_hangs_in_mid_reply_is_spoken_for():
    """Likewise for text that stops coming."""

    class Hanging(FakeLanguageModel):
        """Stops after the first clause."""

        token_waits = 0

        @property
        def token_secs(self) -> float:
            self.token_waits += 1
            return 0.03 if self.token_waits <= 12 else 1e6

        @token_secs.setter
        def token_secs(self, secs: float) -> None: ...

    scene = play(say(STORY), hear_out(), answers=ANSWERS, model=Hanging())
    assert scene.story[-2:] == ["bot    听起来你真的很累，— failed", f"bot    {APOLOGY}"]


def test_a_failure_is_told_once_and_the_call_goes_on():
    """Every reply that began is reported as over."""
    failures = first_time_only()
    scene = play(
        say(STORY), hear_out(), say(STORY), hear_out(),
        model=FakeLanguageModel(fail=lambda: next(failures)),
    )  # fmt: skip
    ids = [reply.reply_id for reply in scene.all(ReplyFinished)]
    assert ids == ["reply_1", "reply_2", "reply_3"]


def test_a_message_too_long_for_the_model_does_not_end_the_conversation():
    """It is asked about the end of it, and of what comes before it in the next turns."""
    model = FakeLanguageModel()
    model.fail = lambda: len(model.prompts[-1][-1].content) > 1_500
    scene = play(
        type_text("很" * 4_000), hear_out(), say("我睡不好。"), hear_out(), model=model,
    )  # fmt: skip
    assert [line for line in scene.story if line.startswith("bot")] == ["bot    嗯，我在听。"] * 2


def test_unanswered_turns_that_add_up_are_asked_about_by_their_end():
    """Replies that fail leave the words waiting, and the newest count most."""
    failures = iter([True, True, False])
    model = FakeLanguageModel(fail=lambda: next(failures))
    scene = play(
        type_text("很" * 900), hear_out(), type_text("累" * 900), hear_out(),
        say("你在吗？"), hear_out(), model=model,
    )  # fmt: skip
    (asked,) = scene.context
    assert asked.endswith("累你在吗？")
    assert len(asked) < 1_500

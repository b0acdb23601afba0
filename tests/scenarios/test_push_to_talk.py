"""The client says where a turn ends."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from pipeline.audio import INPUT_RATE_HZ
from pipeline.events import ReplyStarted
from tests.fakes.engines import FakeLanguageModel, FakeRecogniser
from tests.fakes.speech import speak
from tests.scenarios.scene import (
    APOLOGY,
    CHECK_IN,
    GREETING,
    UNHEARD,
    Scene,
    Step,
    clear,
    end_turn,
    hear_out,
    play,
    release_button,
    respond,
    say,
    type_text,
    wait,
)
from web.metrics import Metrics
from web.realtime.protocol import RealtimeProtocol
from web.realtime.session import Session

APPEND = {"type": "input_audio_buffer.append", "audio": b64encode(bytes(960)).decode()}
COMMIT = {"type": "input_audio_buffer.commit"}
CREATE = {"type": "response.create"}


class Wire:
    """The scene's client speaks the Realtime protocol, and its microphone the scene's way."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self._protocol: RealtimeProtocol | None = None
        self._followed = 0

    def send(self, *messages: dict[str, str]) -> Step:
        """Send messages in the order given, at once."""

        async def step(scene: Scene) -> None:
            protocol = self._protocol = self._protocol or self._connect(scene)
            for _, event in scene.events[self._followed :]:
                protocol.follow(event)
            self._followed = len(scene.events)
            for message in messages:
                protocol.take(json.dumps(message))

        return step

    def _connect(self, scene: Scene) -> RealtimeProtocol:
        def hear(text: str) -> None:
            event = json.loads(text)
            if event["type"] == "error":
                self.errors.append(event["error"]["code"])

        return RealtimeProtocol(
            scene.call,
            Session(scene.options),
            lambda outgoing: hear(outgoing.text),
            metrics=Metrics(),
            model="qingting",
            max_message_bytes=1 << 20,
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


@pytest.mark.parametrize("thinks_secs", [0.0, 0.02, 0.5])
@pytest.mark.parametrize("take_turns", [True, False])
def test_a_commit_and_a_request_make_one_reply(take_turns: bool, thinks_secs: float):
    """Over the wire, with and without turn detection, before and after the words are known."""
    wire = Wire()
    scene = play(
        say("我睡不好。"), wait(0.05), wire.send(APPEND, COMMIT), wait(thinks_secs),
        wire.send(CREATE), hear_out(), wait(3.0), take_turns=take_turns,
    )  # fmt: skip
    assert scene.story == ["caller 我睡不好。", "bot    嗯，我在听。"]
    assert wire.errors == []


def test_a_commit_waits_for_its_request():
    """Without turn detection: two turns may be answered as one."""
    wire = Wire()
    scene = play(
        say("我睡不好。"), wait(0.05), wire.send(APPEND, COMMIT), wait(8.0),
        say("三个月了。"), wire.send(APPEND, COMMIT, CREATE), hear_out(), take_turns=False,
    )  # fmt: skip
    assert scene.story == ["caller 我睡不好。", "caller 三个月了。", "bot    嗯，我在听。"]
    assert scene.context == ["user 我睡不好。三个月了。"]


def test_a_commit_over_the_bot_is_answered_at_once():
    """The request comes while the reply that it cuts is still ending."""
    wire = Wire()
    scene = play(
        wire.send(CREATE), hear_out(), wire.send(CREATE), wait(0.3),
        say("等一下。"), wire.send(APPEND, COMMIT, CREATE), hear_out(), take_turns=False,
    )  # fmt: skip
    assert scene.story[0] == f"bot    {GREETING}"
    assert scene.story[-2:] == ["caller 等一下。", "bot    嗯，我在听。"]
    assert wire.errors == []


@pytest.mark.parametrize("take_turns", [True, False])
def test_a_request_after_a_silent_commit_is_answered_all_the_same(take_turns: bool):
    """A client that waits for a response gets one."""
    wire = Wire()
    scene = play(
        wire.send(CREATE), hear_out(), wire.send(APPEND, COMMIT, CREATE), hear_out(),
        take_turns=take_turns,
    )  # fmt: skip
    assert scene.story == [f"bot    {GREETING}", f"bot    {CHECK_IN}"]


def test_a_request_for_a_cleared_turn_is_withdrawn_with_it():
    """The next turn waits to be asked about."""
    scene = play(
        say("我睡不好。"), wait(0.05), release_button(), clear(), wait(1.0),
        say("没事。"), wait(0.05), end_turn(), wait(8.0), take_turns=False,
    )  # fmt: skip
    assert scene.story == ["caller ", "caller 没事。"]


@pytest.mark.parametrize("take_turns", [True, False])
def test_a_commit_ends_the_turn_while_somebody_speaks_on(take_turns: bool):
    """What the microphone hears after it, a television say, is another turn at most."""
    television = "今天晚上的新闻到这里就结束了谢谢收看"

    async def speak_on(scene: Scene) -> None:
        scene.to_say = speak("我睡不好。" + television, INPUT_RATE_HZ)
        rest = len(speak(television, INPUT_RATE_HZ))
        await scene.until(lambda: len(scene.to_say) <= rest, "the turn is said")

    scene = play(
        speak_on, release_button(), wait(1.5), take_turns=take_turns,
        recogniser=FakeRecogniser(decode_secs=0.3),
    )  # fmt: skip
    assert scene.story[0] == "caller 我睡不好。"
    assert scene.context == ["user 我睡不好。"]


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

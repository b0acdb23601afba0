"""Long stories: where the bot says 嗯, and that it takes nothing from anybody by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.safety.protocol import CrisisProtocol
from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.events import (
    Acknowledged,
    CrisisNoted,
    PlayoutPaused,
    ReplyAudio,
    ReplyStarted,
    TranscriptCompleted,
)
from pipeline.turn.acknowledge import RHYTHMS, Acknowledgement, Acknowledgements
from pipeline.turn.endpointing import Pacing, TurnSettings
from tests.fakes.speech import speak
from tests.scenarios.scene import (
    CHECK_IN,
    GREETING,
    Scene,
    Step,
    hear_out,
    play,
    respond,
    say,
    type_text,
    wait,
)

COUNSELLOR = TurnSettings(pacing="counsellor")
STORY = "那天我下班回到家里看到他一个人坐在客厅里面也没有开灯"  # 5.2 s
MORE = "我就问他到底怎么了他什么也不说只是一直看着窗外"
END = "后来他哭了。"
PAUSE = wait(0.9)  # shorter than any wait for words that ask for more
BREATH = wait(0.5)  # nobody minds that nothing is said into it


def ready(*texts: str) -> Acknowledgements:
    """Acknowledgements that the scene's loudspeaker can be read by."""
    return {"zh": [Acknowledgement(text, speak(text, OUTPUT_RATE_HZ).tobytes()) for text in texts]}


def tell(*steps: Step, turn: TurnSettings = COUNSELLOR, **others: Any) -> Scene:
    """A call that begins with the greeting; only `END` sounds complete.

    The caller waits for a second: this voice is so even that an answer at once looks like an
    echo of the greeting.
    """
    scene: dict[str, Any] = {
        "acknowledgements": ready("嗯", "哦"),
        "complete": lambda text: text.endswith(END),
        "turn": turn,
        **others,
    }
    return play(respond(), hear_out(), wait(1.0), *steps, **scene)


def test_a_pause_in_a_long_story_is_acknowledged():
    """Once, in the pause; the story stays one turn and the context has nothing of it."""
    scene = tell(say(STORY), PAUSE, say(MORE), say(END), hear_out())
    assert scene.story == [
        f"bot    {GREETING}",
        "bot    (嗯)",
        f"caller {STORY}{MORE}{END}",
        "bot    嗯，我在听。",
    ]
    assert scene.context == [f"assistant {GREETING}", f"user {STORY}{MORE}{END}"]
    assert "嗯" in scene.loudspeaker.removesuffix("嗯，我在听。")


def test_going_on_over_it_is_no_interruption():
    """The caller speaks again the moment it sounds: nothing is paused or lost."""
    scene = tell(say(STORY), wait(0.45), say(MORE), say(END), hear_out())
    acknowledged = scene.at(Acknowledged)
    assert scene.said_at[0] < acknowledged < scene.said_at[0] + 0.5
    assert scene.all(PlayoutPaused) == []
    assert scene.story[2] == f"caller {STORY}{MORE}{END}"


def test_two_pauses_are_not_acknowledged_in_the_same_words():
    """Nor sooner after each other than the rhythm says: the second pause is passed by."""
    soon = say(MORE[:8])  # 1.6 s
    scene = tell(say(STORY), PAUSE, soon, PAUSE, say(STORY + MORE), PAUSE, say(END))
    assert [one.text for one in scene.all(Acknowledged)] == ["嗯", "哦"]
    apart_secs = RHYTHMS["counsellor"].lasting.apart_secs
    assert scene.at(Acknowledged, 1) - scene.at(Acknowledged) >= apart_secs


def test_who_looks_for_words_is_acknowledged_at_natural_pacing():
    """Behind words that want more, in a turn that is no story yet."""
    scene = tell(say(STORY[:20]), PAUSE, say(END), hear_out(), turn=TurnSettings())
    assert [one.text for one in scene.all(Acknowledged)] == ["嗯"]


def test_a_short_turn_is_not_acknowledged():
    """Four seconds of speech and a breath are no story."""
    scene = tell(say(STORY[:20]), BREATH, say(END), hear_out())
    assert scene.all(Acknowledged) == []


@pytest.mark.parametrize("question", ["你说我是不是做错了？", "你说我该怎么办？"])
def test_a_question_is_answered_and_not_acknowledged(question: str):
    """Even after a long story; nor thought about, while all says that the caller goes on."""
    (thinking,) = ready("呃")["zh"]
    sounds = {"zh": [*ready("嗯")["zh"], replace(thinking, kind="thinking")]}
    scene = tell(say(STORY), say(question), wait(3.0), acknowledgements=sounds)
    assert scene.all(Acknowledged) == []


@pytest.mark.parametrize(("pacing", "often"), [("quick", 0), ("natural", 1), ("counsellor", 2)])
def test_pacing_says_how_often(pacing: Pacing, often: int):
    """Never with quick, and natural leaves more time between than counsellor."""
    steps = (say(STORY + MORE), BREATH, say(STORY + MORE), BREATH)
    scene = tell(*steps, turn=TurnSettings(pacing=pacing))
    assert len(scene.all(Acknowledged)) == often


def test_an_acknowledgement_leaves_the_latency_of_the_reply_alone():
    """The reply to a story comes as soon with it as without."""
    steps = (say(STORY), PAUSE, say(MORE), say(END), hear_out())
    with_one, without = tell(*steps), tell(*steps, acknowledgements={})
    assert len(with_one.all(Acknowledged)) == 1
    assert with_one.at(ReplyAudio, -1) == without.at(ReplyAudio, -1)


def test_one_that_would_run_into_the_reply_is_not_said():
    """A caller who falls silent for good gets the reply alone, if there is no room."""
    slow = ready("我一直在这里听着")  # 1.6 s
    scene = tell(say(STORY), wait(4.0), acknowledgements=slow)
    assert scene.all(Acknowledged) == []
    assert len(scene.all(ReplyStarted)) == 2


def test_it_is_over_before_a_turn_that_was_not_complete_is_taken():
    """The wait ends after it, and then the reply comes as it would have."""
    scene = tell(say(STORY), wait(6.0))
    said_secs = ready("嗯")["zh"][0].secs
    assert scene.at(Acknowledged) + said_secs < scene.at(TranscriptCompleted)


def test_nothing_is_said_before_the_answer_to_a_crisis():
    """Words that the protocol answers are heard in silence, and so is all that follows."""
    crisis = CrisisProtocol("zh-Hans", "CN")
    scene = tell(
        say(STORY + "我不想活了"), PAUSE, wait(3.0), hear_out(), say(STORY), PAUSE, say(END),
        hear_out(), guardian=crisis,
    )  # fmt: skip
    assert crisis.in_force
    assert scene.all(Acknowledged) == []


def test_a_client_that_cannot_play_them_gets_none():
    """Its profile has none ready."""
    scene = tell(say(STORY), PAUSE, say(END), hear_out(), acknowledgements={})
    assert scene.all(Acknowledged) == []


def test_nothing_is_said_to_a_caller_who_holds_the_button():
    """Push-to-talk: who holds it down is not to be spoken to."""
    scene = tell(say(STORY), PAUSE, wait(2.0), take_turns=False)
    assert scene.all(Acknowledged) == []


def test_a_check_in_counts_from_the_callers_last_words():
    """An acknowledgement does not put it off: it is said inside a turn, a check-in outside."""
    turn = replace(COUNSELLOR, check_in_secs=(8.0,))
    steps = (say(STORY), PAUSE, say(END), hear_out(), wait(10.0))
    with_one, without = tell(*steps, turn=turn), tell(*steps, turn=turn, acknowledgements={})
    assert f"bot    {CHECK_IN}" in with_one.story
    assert with_one.at(ReplyStarted, 2) == without.at(ReplyStarted, 2)


ACTS = st.sampled_from([STORY, MORE, END, "嗯", "我不想活了", "你说呢？", "等一下"])


@settings(max_examples=6, deadline=None)
@given(
    st.lists(st.tuples(ACTS, st.floats(0.0, 2.5), st.booleans()), min_size=1, max_size=4),
    st.sampled_from(["natural", "counsellor"]),
)
def test_one_voice_at_a_time(acts: list[tuple[str, float, bool]], pacing: Pacing):
    """Whatever is said, typed and left unsaid: replies, check-ins, the crisis protocol and
    acknowledgements never run into each other. (A caller who types within a second of
    speaking gets the reply over it; the client then fades it.)"""
    steps: list[Step] = []
    for text, pause_secs, typed in acts:
        steps += [say(text), wait(pause_secs)]
        if typed and pause_secs > 1.0:
            steps.append(type_text("喂"))
    turn = TurnSettings(pacing=pacing, check_in_secs=(1.5, 2.0))
    guardian = CrisisProtocol("zh-Hans", "CN")
    scene = tell(*steps, wait(5.0), turn=turn, guardian=guardian)
    assert _collisions(scene) == []
    crises = [at for at, event in scene.events if isinstance(event, CrisisNoted)]
    said = [at for at, event in scene.events if isinstance(event, Acknowledged)]
    assert not crises or all(at < crises[0] for at in said)


def _collisions(scene: Scene) -> list[float]:
    """When an acknowledgement sounded together with a reply."""
    spans = [(span.start_at, span.end_at) for span in scene.speaker.spans if np.any(span.samples)]
    return [
        at
        for at, event in scene.events
        if isinstance(event, Acknowledged)
        and any(at < end and begin < at + _secs(event) for begin, end in spans)
    ]


def _secs(event: Acknowledged) -> float:
    return Acknowledgement(event.text, event.pcm).secs

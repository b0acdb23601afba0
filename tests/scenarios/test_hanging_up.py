"""The client may leave at any moment; nothing of the call stays behind (`Scene.run` checks)."""

from __future__ import annotations

import pytest

from pipeline.events import CallEnded
from tests.fakes.engines import FakeLanguageModel, FakeRecogniser, StallingExecutor
from tests.scenarios.scene import hang_up, hear, play, respond, say, wait

STORY = "我压力很大。"
ANSWER = "听起来你真的很累，愿意多说一点吗？"


@pytest.mark.parametrize("after_ms", range(0, 6000, 230))
def test_hanging_up_at_any_moment(after_ms: int):
    """Before a word, in mid-word, while drafting, thinking, speaking: the same clean end."""
    scene = play(
        say(STORY), hear("听起来"), say("等一下。"), answers={STORY: ANSWER}, until=after_ms / 1000
    )
    assert [event.reason for event in scene.all(CallEnded)] == ["hangup"]
    assert isinstance(scene.events[-1][1], CallEnded)


@pytest.mark.parametrize(
    "engines",
    [
        {"recogniser": FakeRecogniser(decode_secs=1e6)},
        {"model": FakeLanguageModel(prefill_secs=1e6)},
        {"model": FakeLanguageModel(token_secs=1e6)},
        {"workers": StallingExecutor(range(100))},
    ],
    ids=["recogniser", "prefill", "tokens", "voice"],
)
def test_hanging_up_on_an_engine_that_hangs(engines):
    """Its job is abandoned; the call does not wait for it."""
    scene = play(say(STORY), wait(1.5), hang_up(), **engines)
    assert isinstance(scene.events[-1][1], CallEnded)


def test_a_call_that_is_over_takes_nothing_more():
    """Late input is ignored, hanging up twice is harmless."""
    scene = play(respond(), hang_up(), say(STORY), hang_up(), wait(1.0))
    assert isinstance(scene.events[-1][1], CallEnded)
    assert len(scene.all(CallEnded)) == 1

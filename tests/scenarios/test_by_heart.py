"""What is answered by heart in a whole call, on virtual time."""

from __future__ import annotations

from agent.asked.answers import AnswersByHeart
from agent.guardians import InOrder
from agent.safety.protocol import CrisisProtocol
from tests.scenarios.scene import hear_out, play, say

SAYS = {"zh": {"human": ("我是AI，不是真人。", "我是机器。"), "goodbye": ("好好照顾自己。",)}}
ASKED = "你是真人吗？"


def test_what_is_asked_is_answered_in_turn_and_the_model_goes_on():
    """The set answers stand in the history as any reply; the model is asked for the rest."""
    guardian = InOrder(CrisisProtocol("zh-Hans", "CN"), AnswersByHeart(SAYS))
    scene = play(
        *(say(ASKED), hear_out(), say(ASKED), hear_out(), say("我好累。"), hear_out()),
        answers={"我好累。": "听起来你很累。"},
        guardian=guardian,
    )
    human = SAYS["zh"]["human"]
    said = [message.content for message in scene.model.prompts[-1]]
    assert [said.index(line) for line in human] == sorted(said.index(line) for line in human)
    assert all(f"bot    {line}" in scene.story for line in (*human, "听起来你很累。"))
    assert scene.model.prompts[-1][-1].content.startswith("我好累")

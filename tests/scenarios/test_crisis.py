"""The crisis protocol in a whole call, on virtual time."""

from __future__ import annotations

from agent.safety.protocol import CrisisProtocol
from agent.safety.script import script
from pipeline.turn.endpointing import TurnSettings
from tests.scenarios.scene import hear, hear_out, play, say, wait


def test_an_opening_that_was_cut_is_said_again_with_its_number():
    """The caller goes on over it; nobody is asked for intent who never heard the first question."""
    scene = play(
        say("我不想活了。"),
        hear("谢谢你"),
        say("等一下，我真的觉得很累很累。"),
        hear_out(),
        guardian=CrisisProtocol("zh-Hans", "CN"),
    )
    said = [line for line in scene.story if line.startswith("bot")]
    assert "一，二，三" not in said[0]
    assert "一，二，三" in said[1]
    assert script("zh-Hans").ask.intent not in said[1]


def test_a_check_in_does_not_use_up_the_question_for_intent():
    """Who thinks for ten seconds and then says yes has said yes to it."""
    guardian = CrisisProtocol("zh-Hans", "CN")
    play(
        *(say("我不想活了。"), hear_out(), say("想过。"), hear_out(), wait(10.0), hear_out()),
        *(say("有，东西在身边。"), hear_out()),
        turn=TurnSettings(check_in_secs=(8.0,)),
        guardian=guardian,
    )
    assert guardian.state.tier == "imminent"

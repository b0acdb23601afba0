"""A call under way gives up what it can spare while the machine is slow, and takes it back."""

from __future__ import annotations

from dataclasses import replace

from agent.admission import Level, degraded
from pipeline.events import TranscriptUpdated, TurnMeasured
from pipeline.stt.planner import PlannerSettings
from tests.scenarios.scene import Scene, Step, hear_out, play, say

STORY = "我最近工作压力很大晚上总是睡不好。"


def load(level: Level) -> Step:
    """The house is on this level from now on."""

    async def step(scene: Scene) -> None:
        turn = replace(scene.profile.turn, speculation=True)
        usual = replace(scene.profile, turn=turn, hearing=PlannerSettings())
        scene.profile = degraded(usual, level)
        scene.call.adapt()

    return step


def test_a_running_call_stops_drafting_and_begins_again():
    """The turn after the load is drafted like the one before it."""
    scene = play(
        *(say(STORY), hear_out()),
        *(load(1), say(STORY), hear_out()),
        *(load(0), say(STORY), hear_out()),
    )
    drafts = [measured.ledger["drafts"] for measured in scene.all(TurnMeasured)]
    assert drafts == [1, 0, 1]
    assert len([line for line in scene.story if line.startswith("bot")]) == 3


def test_a_running_call_gets_rarer_captions():
    """About half as many, and the words are the same."""
    fine, coarse = (play(load(level), say(STORY), hear_out()) for level in (0, 2))
    counts = [len(scene.all(TranscriptUpdated)) for scene in (fine, coarse)]
    assert counts[1] < 0.75 * counts[0]
    assert coarse.story[0] == fine.story[0]

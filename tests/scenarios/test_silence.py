"""Silences: when the bot says that it is there, and that it then leaves the caller in peace."""

from __future__ import annotations

import pytest

from pipeline.events import ReplyStarted
from pipeline.turn.endpointing import TurnSettings
from tests.scenarios.scene import CHECK_IN, hear_out, play, say, wait

LADDER = TurnSettings(check_in_secs=(8.0, 20.0))


def test_a_long_silence_is_checked_in_on_twice():
    """After 8 s, again after 20 s, and not a third time; nothing is asked of the model."""
    scene = play(say("我睡不好。"), hear_out(), wait(90.0), turn=LADDER)
    assert scene.story[2:] == [f"bot    {CHECK_IN}"] * 2
    assert len(scene.model.prompts) == 1
    first, second = scene.at(ReplyStarted, 1), scene.at(ReplyStarted, 2)
    assert second - first == pytest.approx(20.0, abs=2.0)


def test_a_caller_who_speaks_in_time_is_not_checked_in_on():
    """Seven seconds of thought are the caller's own."""
    scene = play(say("我睡不好。"), hear_out(), wait(7.0), say("很久了。"), hear_out(), turn=LADDER)
    assert f"bot    {CHECK_IN}" not in scene.story

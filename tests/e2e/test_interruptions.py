"""Cutting in, and breaking off, on the real models."""

from __future__ import annotations

import asyncio

import pytest

from agent.caller import ScriptedTurn
from pipeline.text import unit_error_rate
from tests.e2e.house import CrashingClient, House

pytestmark = [pytest.mark.models, pytest.mark.asyncio(loop_scope="session")]

STORY = "我最近压力很大，晚上睡不着，你觉得我该怎么办？"


def tasks_of_calls() -> set[str]:
    return {
        task.get_name()
        for task in asyncio.all_tasks()
        if task.get_name().startswith(("call_", "realtime-"))
    }


@pytest.mark.slow
async def test_cutting_in_stops_the_bot(house: House):
    """With a spoken 等一下: it falls silent, and the rest of its reply is not remembered."""
    asked = len(house.prompts)
    report = await house.call(
        house.says(STORY), ScriptedTurn(house.says("等一下。"), cut_in_secs=0.3), language="zh"
    )
    cut, answer = report.turns
    assert cut.status == "interrupted", cut
    assert cut.reply_text.startswith(cut.heard_text)
    unheard = cut.reply_text[len(cut.heard_text) :]
    assert unheard.strip()
    assert answer.interruption_latency_ms is not None
    assert answer.pause_latency_ms is not None
    remembered = "".join(m.content for m in house.prompts[-1] if m.role == "assistant")
    assert len(house.prompts) > asked + 1
    assert unheard not in remembered
    assert cut.heard_text.rstrip("，。、？！ ") in remembered


@pytest.mark.slow
async def test_clients_that_vanish_leave_others_alone(house: House):
    """One dies in mid-word, one in mid-reply; a third call goes on, and nothing is left."""
    text = "我最近总是睡不好，心里很烦。"
    crashing = CrashingClient(house.realtime_url)
    story = house.says(STORY)
    await house.empty()
    report, *_ = await asyncio.gather(
        house.call(house.says(text), house.says("谢谢你。")),
        crashing.speak_and_crash(
            story, lambda event: event["type"] == "input_audio_buffer.speech_started"
        ),
        crashing.speak_and_crash(
            story, lambda event: event["type"] == "response.output_audio.delta"
        ),
    )
    assert report.errors == ()
    assert [turn.status for turn in report.turns] == ["completed", "completed"]
    assert unit_error_rate(report.turns[0].transcript, text) <= 0.2, report.turns[0].transcript
    await house.empty()
    await house.settled(lambda: not tasks_of_calls(), "their tasks are gone")
    open_now = house.metrics.registry.get_sample_value("qingting_calls")
    assert open_now == 0

"""Calls of the bench that break down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from agent.bench.barge_in import run
from agent.bench.barge_in.caller import BargeInCaller, Observation
from agent.bench.barge_in.script import load_calls
from agent.bench.scripts import Turn
from agent.bench.servers import RunningSystem
from agent.bench.voices import RATE_HZ, Take
from agent.caller import CallScript
from agent.caller_clip import clip_of
from agent.caller_report import CallReport
from agent.config import Settings
from pipeline.errors import ProtocolError
from tests.fakes.call import FakeFactory, tone
from tests.web.site import running_site


class ToneStudio:
    """Takes that need no voice: what is said does not matter here."""

    def __init__(self, settings: Settings) -> None:
        pass

    def record(self, turn: Turn) -> Take:
        clip = clip_of(np.frombuffer(tone(0.3), dtype=np.int16), RATE_HZ)
        return Take(turn, clip, (), "digest")


class BreakingCaller(BargeInCaller):
    """Is cut off in its second event; a real one would take half a minute to get there."""

    async def run(self, script: CallScript) -> CallReport:
        self.observations.append(Observation(self._call.events[0], 1.0, "passage"))
        raise ProtocolError("the server ended the call (code 1011)")


@pytest.fixture(autouse=True)
def dead_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that has gone before the first call."""

    @asynccontextmanager
    async def systems(*_: object) -> AsyncIterator[dict[str, RunningSystem]]:
        async with running_site(FakeFactory()) as site:
            pass
        yield {"ours": RunningSystem(site.realtime_url, site.url)}

    monkeypatch.setattr(run, "running_systems", systems)
    monkeypatch.setattr(run, "Studio", ToneStudio)


async def test_calls_that_cannot_be_opened_are_findings(settings: Settings) -> None:
    """Every event is told, none of them is valid, and every call says why."""
    calls = load_calls(["cough"])
    result = await run.run(calls, settings)
    assert len(result.errors) == len(calls)
    assert all("no call can be opened" in error for error in result.errors)
    assert result.summary.events == sum(len(call.events) for call in calls)
    assert result.summary.valid == 0


async def test_what_was_noted_before_a_call_broke_down_counts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The events that it did not come to are not valid, and the other calls go on."""
    monkeypatch.setattr(run, "BargeInCaller", BreakingCaller)
    calls = load_calls(["command"])
    told: list[bool] = []
    result = await run.run(calls, settings, lambda event: told.append(event.valid))
    assert result.summary.valid == len(calls) == len(result.errors)
    assert [event.valid for event in result.events] == told
    assert [event.event_id for event in result.events] == [
        event.event_id for call in calls for event in call.events
    ]
    assert result.errors[0] == "the call of command/zh/1: the server ended the call (code 1011)"

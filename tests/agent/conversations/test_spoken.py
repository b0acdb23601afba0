"""Calls by voice: what the caller's side keeps and decides; the wire has its own tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from agent.bench.servers import RunningSystem
from agent.bench.voices import Studio
from agent.caller_speaker import SimulatedSpeaker
from agent.config import Settings
from agent.conversations import spoken
from agent.conversations.caller import SimulatedCaller
from agent.conversations.script import Probe
from agent.conversations.spoken import CrisisLog, silence, speak_all
from pipeline.errors import ConfigError
from tests.agent.conversations.calls import script
from tests.agent.conversations.test_written import PHRASES, cast_of
from tests.fakes.call import FakeFactory
from tests.web.site import running_site


def test_a_tier_belongs_to_the_turn_in_which_it_came() -> None:
    """And to every turn after it."""
    log = CrisisLog(SimulatedSpeaker(), extended=True)
    log.begin_turn(silence(), 0, cutting_in=False)
    log.begin_turn(silence(), 1, cutting_in=False)
    log.take({"type": "qingting.crisis", "tier": "elevated", "category": "suicide"}, 1.0)
    log.begin_turn(silence(), 2, cutting_in=False)
    assert log.tiers == ["none", "elevated", "elevated"]


def test_a_caller_knows_beforehand_when_to_cut_in() -> None:
    """The turn before must not wait for the end of the reply."""
    probe = Probe(turn=2, kind="hostile", say="stop that", cuts_in_secs=0.8)
    caller = SimulatedCaller(script(probes=(probe,)), PHRASES, "en")
    assert caller.next_cuts_in_secs is None
    caller.next("Hello.")
    assert caller.next_cuts_in_secs == 0.8
    line = caller.next("Well,")
    assert line is not None
    assert line.cuts_in_secs == 0.8
    assert caller.next_cuts_in_secs is None


async def test_an_unknown_voice_is_told_before_the_server_starts(settings: Settings) -> None:
    """By caller and voice."""
    with pytest.raises(ConfigError, match="someone has the voice nobody's"):
        await speak_all([cast_of(script(voice="nobody's"))], settings, Studio(settings), seed=1)


async def test_a_call_that_cannot_begin_is_a_finding(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that has died costs the calls to come, not those that were held."""

    @asynccontextmanager
    async def gone(*_: object) -> AsyncIterator[dict[str, RunningSystem]]:
        async with running_site(FakeFactory()) as site:  # a real one loads models
            pass
        yield {"ours": RunningSystem(site.realtime_url, site.url)}

    monkeypatch.setattr(spoken, "running_systems", gone)
    (call,) = await speak_all([cast_of(script())], settings, Studio(settings), seed=1)
    assert (call.turns, call.error) == ((), "the server does not answer any more")

"""Holding calls over a real socket; the server's calls are fakes, so that words are known."""

from contextlib import asynccontextmanager

import numpy as np
import pytest

from agent.bench import run, servers
from agent.bench.run import (
    BenchOptions,
    HeldCall,
    PreparedCall,
    all_under_way_percent,
    bench_settings,
    hold_call,
    run_bench,
)
from agent.bench.scripts import Call, CallerVoice, Turn
from agent.bench.servers import RunningSystem
from agent.bench.voices import RATE_HZ, Take
from agent.caller_clip import clip_of
from agent.config import Settings
from pipeline.errors import ConfigError, ProtocolError
from tests.agent.bench.results import turns
from tests.fakes.call import ANSWER, HEARD, FakeFactory, tone
from tests.web.site import hear, running_site

VOICE = CallerVoice(rate=1.1, pitch=0.9, size=1.05)


def prepared(*lengths, name="call"):
    """A call of tones; each turn is given by the lengths of its sounds, 0.6 s apart."""
    takes = []
    for number, lengths_secs in enumerate(lengths, start=1):
        pieces, pauses = [], []
        for length_secs in lengths_secs:
            pieces.append(np.frombuffer(tone(length_secs), dtype=np.int16))
            end = sum(map(len, pieces))
            pieces.append(np.zeros(round(0.6 * RATE_HZ), np.int16))
            pauses.append((end, end + len(pieces[-1])))
        clip = clip_of(np.concatenate(pieces[:-1]), RATE_HZ)
        turn = Turn(f"{name}/{number}", "short", HEARD, VOICE)
        takes.append(Take(turn, clip, tuple(pauses[:-1]), f"digest{number}"))
    call = Call(name, tuple(take.turn for take in takes))
    return PreparedCall(call, tuple(takes), np.full(RATE_HZ, 3, np.int16))


async def test_a_call_is_measured_turn_by_turn():
    """Latency, transcript, server's marks; the room is no speech."""
    async with running_site(FakeFactory(answer_secs=0.2)) as site:
        held = await hold_call(prepared([0.4], [0.5]), "ours", site.realtime_url)
    assert held.errors == ()
    assert [turn.turn_id for turn in held.turns] == ["call/1", "call/2"]
    for turn in held.turns:
        assert turn.latency_ms is not None
        assert turn.latency_ms >= 300  # the fake's own silence
        assert (turn.transcript, turn.reply, turn.edits) == (HEARD, ANSWER, 0)
        assert (turn.premature, turn.missed, turn.gaps_ms) == (False, False, ())
        assert turn.server_marks_ms["first_playout"] == 300.0


async def test_a_pause_taken_for_the_end_is_found():
    """The fake ends a turn after 0.3 s of silence, and this pause is longer."""
    async with running_site(FakeFactory(answer_secs=0.1)) as site:
        held = await hold_call(prepared([0.4, 0.4]), "ours", site.realtime_url)
    (turn,) = held.turns
    assert turn.premature
    assert (turn.cut_pauses, turn.pauses) == (1, 1)
    assert turn.latency_ms is not None


async def test_a_call_that_breaks_down_is_a_finding():
    """Its turns are missed, and the reason is kept."""
    async with running_site(FakeFactory(max_calls=0)) as site:
        held = await hold_call(prepared([0.4]), "ours", site.realtime_url)
    assert [turn.missed for turn in held.turns] == [True]
    assert held.errors == ("call: the server takes no more calls now",)


class ToneStudio:
    """Takes that need no voice: what the bench does with them is tested here."""

    def __init__(self, *calls):
        self.takes = {take.turn: take for call in calls for take in call.takes}

    def record(self, turn):
        return self.takes[turn]

    def room(self, call, takes):
        return np.zeros(RATE_HZ, np.int16)


async def test_a_whole_run(monkeypatch):
    """Every system gets its share, two calls at a time; the record says what it measured."""
    calls = [prepared([0.3], [0.3], name="one"), prepared([0.3], [0.3], name="two")]
    spoken = []

    @asynccontextmanager
    async def fake_systems(systems, settings):  # real ones load models and take minutes
        async with running_site(FakeFactory(max_calls=2, answer_secs=0.1)) as site:
            running = RunningSystem(site.realtime_url, site.url)
            yield dict.fromkeys(systems, running)

    monkeypatch.setattr(run, "running_systems", fake_systems)
    options = BenchOptions(
        tuple(call.call for call in calls), {"ours": None, "stock": 3}, at_once=2
    )
    record = await run_bench(Settings(), options, ToneStudio(*calls), spoken.append)
    by_system = {result.system: result for result in record.systems}
    said = {name: [t.turn_id for t in result.turns] for name, result in by_system.items()}
    assert said == {"ours": ["one/1", "one/2", "two/1", "two/2"], "stock": ["one/1", "two/1"]}
    assert all(0 < percent <= 100 for percent in record.all_under_way_percent.values())
    assert all(result.summary.missed == 0 for result in record.systems)
    assert record.ratios["stock"] > 0
    assert record.machine.load_at_end is not None
    assert "[1/2] ours: one (2), two (2)" in spoken


async def test_a_run_that_cannot_be_compared_is_not_held(monkeypatch):
    """The words are there, but in another voice: told before a server is started."""
    call = prepared([0.3], name="one")
    monkeypatch.setattr(run, "running_systems", None)
    options = BenchOptions((call.call,), {"ours": None}, before=turns([400.0], audio="other"))
    with pytest.raises(ConfigError, match="no turn in common"):
        await run_bench(Settings(), options, ToneStudio(call), lambda text: None)


async def test_a_server_that_dies_loses_its_own_turns_alone(monkeypatch):
    """The results of the other, and of what was held before, are kept."""
    calls = [prepared([0.3], name="one"), prepared([0.3], name="two")]

    @asynccontextmanager
    async def fake_systems(systems, settings):  # real ones load models and take minutes
        async with running_site(FakeFactory(answer_secs=0.1)) as alive:
            async with running_site(FakeFactory(answer_secs=0.1)) as dead:
                pass
            yield {
                "ours": RunningSystem(dead.realtime_url, dead.url),
                "stock": RunningSystem(alive.realtime_url, alive.url),
            }

    monkeypatch.setattr(run, "running_systems", fake_systems)
    options = BenchOptions(tuple(call.call for call in calls), {"ours": None, "stock": None})
    record = await run_bench(Settings(), options, ToneStudio(*calls), lambda text: None)
    ours, stock = record.systems
    assert (ours.summary.missed, stock.summary.missed) == (2, 0)
    assert ours.summary.failures == tuple(
        f"{name}: the server does not answer any more" for name in ("one", "two")
    )
    assert record.speculation == {}


async def test_a_server_that_stays_busy_is_not_waited_for_forever(monkeypatch):
    """After the longest time that an ending call may take."""
    monkeypatch.setattr(servers, "FREE_TIMEOUT_SECS", 0.1)
    async with running_site(FakeFactory()) as site, site.connect() as socket:
        await hear(socket, "session.created")
        with pytest.raises(ProtocolError, match="not free"):
            await RunningSystem(site.realtime_url, site.url).until_free()


def spans(*seconds):
    return [HeldCall("ours", (), (), began_at, ended_at) for began_at, ended_at in seconds]


def test_how_long_all_calls_were_under_way():
    """Of the time of all blocks together; calls that never met were never all under way."""
    assert all_under_way_percent([spans((0, 10), (0, 5))]) == 50.0
    assert all_under_way_percent([spans((0, 10), (1, 9)), spans((20, 30), (20, 30))]) == 90.0
    assert all_under_way_percent([spans((0, 1), (2, 4))]) == 0.0
    assert all_under_way_percent([]) == 0.0


@pytest.mark.parametrize("at_once", [1, 6])
def test_servers_have_room_for_all_callers(at_once):
    """Lines and sequences, on a free port of this machine, with the pacing asked for."""
    served = bench_settings(Settings(), at_once=at_once, pacing="quick")
    assert served.server.max_calls >= at_once
    assert served.llm.sequences >= 2 * at_once
    assert (served.server.port, served.server.host) == (0, "127.0.0.1")
    assert served.turn.pacing == "quick"

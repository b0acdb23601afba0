"""Holds the calls of a plan and gathers what they measured."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from agent.bench.compare import check_comparable
from agent.bench.machine import Machine, describe_machine, load_average
from agent.bench.measure import SystemResult, TurnResult, measure_turn, summarise
from agent.bench.plan import Block, System, plan
from agent.bench.record import Record, ratios
from agent.bench.scripts import Call
from agent.bench.servers import RunningSystem, running_systems
from agent.bench.voices import RATE_HZ, Studio, Take
from agent.caller import Caller, CallScript, ScriptedTurn
from agent.caller_report import TurnReport
from agent.config import Pacing, Settings
from pipeline.audio import Int16Array
from pipeline.errors import OverloadedError, ProtocolError, VoiceError

# Beyond the bound after which an end counts as missed: late answers have a latency too.
ANSWER_TIMEOUT_SECS = 15.0


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """What to run.

    Attributes:
        calls: In order.
        turns: For each system that takes part, at most how many turns; None takes all.
        at_once: Calls at the same time.
        listen_secs: Stop each reply after so much of it; None hears it out.
        pacing: Of our turn taking.
        before: Our turns of an earlier run, if there must be some that both have.
    """

    calls: tuple[Call, ...]
    turns: Mapping[System, int | None]
    at_once: int = 1
    listen_secs: float | None = None
    pacing: Pacing = "natural"
    before: tuple[TurnResult, ...] = ()


@dataclass(frozen=True, slots=True)
class PreparedCall:
    """A call's takes and its room, ready to be held any number of times."""

    call: Call
    takes: tuple[Take, ...]
    room: Int16Array

    def script(self, *, greeted: bool, listen_secs: float | None = None) -> CallScript:
        """What a scripted caller does with it."""
        return CallScript(
            tuple(ScriptedTurn(take.clip) for take in self.takes),
            greeted=greeted,
            answer_timeout_secs=ANSWER_TIMEOUT_SECS,
            listen_secs=listen_secs,
            background=self.room,
        )


@dataclass(frozen=True, slots=True)
class HeldCall:
    """What one call came to.

    Attributes:
        errors: Everything that went wrong.
        began_at, ended_at: Seconds, monotonic.
    """

    system: System
    turns: tuple[TurnResult, ...]
    errors: tuple[str, ...]
    began_at: float
    ended_at: float


def bench_settings(settings: Settings, *, at_once: int, pacing: Pacing) -> Settings:
    """The settings of the servers: a free port, room for all callers, the given pacing."""
    server = settings.server.on_loopback().model_copy(
        update={
            "max_calls": max(at_once, settings.server.max_calls),
            "refuse_when_slow": False,  # how slow it gets is the question
        }
    )
    llm = settings.llm.model_copy(update={"sequences": max(2 * at_once, settings.llm.sequences)})
    turn = settings.turn.model_copy(update={"pacing": pacing})
    return settings.model_copy(update={"server": server, "llm": llm, "turn": turn})


def prepare(call: Call, studio: Studio) -> PreparedCall:
    """Record a call's turns and its room; takes a second or two for what is not cached.

    Raises:
        ConfigError: A recording is not there.
        ModelError: A voice is missing or damaged.
    """
    takes = tuple(studio.record(turn) for turn in call.turns)
    return PreparedCall(call, takes, studio.room(call, takes))


async def run_bench(
    settings: Settings, options: BenchOptions, studio: Studio, say: Callable[[str], None]
) -> Record:
    """Start the systems, hold all calls, measure.

    Args:
        settings: Of the servers, but for what `bench_settings` changes.
        options: What to run.
        studio: Makes the callers' voices.
        say: Told what happens, for people who wait.

    Raises:
        ConfigError: A system does not start, has fewer turns than there are calls at the same
            time, or none of an earlier run's; or a recording is not there.
        ModelError: A model is missing or damaged.

    Cancelling hangs up and ends the servers.
    """
    started = time.monotonic()
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    machine = describe_machine(settings)
    if machine.was_busy:
        say("the machine is busy: these figures will not be its best")
    blocks = plan(options.calls, options.turns, at_once=options.at_once)
    say("preparing the callers' voices")
    prepared = {call: prepare(call, studio) for block in blocks for call in block.calls}
    if options.before:
        takes = [take for one in prepared.values() for take in one.takes]
        check_comparable(options.before, {(take.turn.turn_id, take.digest) for take in takes})
    served = bench_settings(settings, at_once=options.at_once, pacing=options.pacing)
    say(f"starting {', '.join(options.turns)}")
    held: list[Sequence[HeldCall]] = []
    async with running_systems(list(options.turns), served) as running:
        for number, block in enumerate(blocks, start=1):
            names = ", ".join(f"{call.name} ({len(call.turns)})" for call in block.calls)
            say(f"[{number}/{len(blocks)}] {block.system}: {names}")
            held.append(
                await _hold_block(block, prepared, running[block.system], options.listen_secs)
            )
        speculation = await _speculation(running.get("ours"))
    by_system = {
        system: [calls for calls in held if calls[0].system == system] for system in options.turns
    }
    systems = tuple(_result(system, blocks) for system, blocks in by_system.items())
    return Record(
        started_at=started_at,
        duration_secs=round(time.monotonic() - started, 1),
        pacing=options.pacing,
        at_once=options.at_once,
        machine=_at_end(machine),
        systems=systems,
        ratios=ratios(systems),
        speculation=speculation,
        all_under_way_percent={
            system: all_under_way_percent(own) for system, own in by_system.items()
        },
    )


def all_under_way_percent(blocks: Sequence[Sequence[HeldCall]]) -> float:
    """Of the time in which any call of a block was under way, how much of it all of them were.

    Calls of as many turns are not equally long, so that fewer are left at the end of a block.
    """
    any_secs = sum(max(c.ended_at for c in one) - min(c.began_at for c in one) for one in blocks)
    all_secs = sum(
        max(0.0, min(c.ended_at for c in one) - max(c.began_at for c in one)) for one in blocks
    )
    return round(100 * all_secs / any_secs, 1) if any_secs else 0.0


async def hold_call(
    prepared: PreparedCall, system: System, url: str, *, listen_secs: float | None = None
) -> HeldCall:
    """One call with one system.

    A call that breaks down is a finding: its turns count as missed.
    """
    began_at = time.monotonic()
    # Without a jitter buffer what is measured is the arrival, and every late piece is a gap.
    caller = Caller(url, rate_hz=RATE_HZ, jitter_secs=0.0)
    try:
        # As on the page; the baselines have no greeting.
        report = await caller.run(
            prepared.script(greeted=system == "ours", listen_secs=listen_secs)
        )
    except (ProtocolError, OverloadedError) as error:
        return _lost(prepared, system, error, began_at)
    turns = zip(prepared.takes, report.turns, strict=True)
    measured = tuple(measure_turn(take, turn) for take, turn in turns)
    return HeldCall(system, measured, report.errors, began_at, time.monotonic())


async def _hold_block(
    block: Block,
    prepared: Mapping[Call, PreparedCall],
    running: RunningSystem,
    listen_secs: float | None,
) -> Sequence[HeldCall]:
    """Every call of a block; a server that is gone or hangs has lost them, and only them."""
    began_at = time.monotonic()
    try:
        await running.until_free()
    except ProtocolError as error:
        return [_lost(prepared[call], block.system, error, began_at) for call in block.calls]
    return await asyncio.gather(
        *(
            hold_call(prepared[call], block.system, running.url, listen_secs=listen_secs)
            for call in block.calls
        )
    )


def _result(system: System, blocks: Sequence[Sequence[HeldCall]]) -> SystemResult:
    own = [call for block in blocks for call in block]
    turns = tuple(turn for call in own for turn in call.turns)
    return SystemResult(system, turns, summarise(turns, [e for call in own for e in call.errors]))


def _lost(prepared: PreparedCall, system: System, error: VoiceError, began_at: float) -> HeldCall:
    """A call that broke down: none of its turns was answered."""
    turns = tuple(measure_turn(take, _unanswered(take)) for take in prepared.takes)
    told = f"{prepared.call.name}: {error.message}"
    return HeldCall(system, turns, (told,), began_at, time.monotonic())


def _unanswered(take: Take) -> TurnReport:
    """The report of a turn whose call broke down."""
    return TurnReport(
        clip=take.clip.name,
        transcript="",
        reply_text="",
        heard_text="",
        heard_is_estimated=True,
        status="none",
        client_marks_ms={},
        server_marks_ms={},
        response_latency_ms=None,
        acknowledged_ms=None,
        server_response_latency_ms=None,
        reply_audio_secs=0.0,
        replies=0,
        underruns=0,
        underrun_secs=0.0,
    )


async def _speculation(ours: RunningSystem | None) -> dict[str, float]:
    """The counters of speculation in our /metrics, by name and labels; none if it is gone."""
    if ours is None:
        return {}
    try:
        shown = await ours.metrics()
    except ProtocolError:
        return {}
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(shown)
        if "speculation" in family.name
        for sample in family.samples
        if not sample.name.endswith(("_bucket", "_created"))
    }


def _at_end(machine: Machine) -> Machine:
    return dataclasses.replace(machine, load_at_end=load_average())

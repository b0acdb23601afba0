"""Results as the bench's pure parts take them."""

from __future__ import annotations

import dataclasses

from agent.bench.machine import Machine
from agent.bench.measure import SystemResult, TurnResult, summarise
from agent.bench.record import Record, ratios

MARKS_MS = {
    "speech_end": 0.0,
    "soft_end": 120.0,
    "transcript_final": 220.0,
    "first_token": 300.0,
    "first_clause": 350.0,
    "first_audio": 380.0,
    "turn_commit": 320.0,
    "first_playout": 390.0,
}

TURN = TurnResult(
    turn_id="call/1",
    kind="short",
    audio="0123456789ab",
    reference="我最近睡不好",
    transcript="我最近睡不好",
    reply="听起来，你很累。",
    language="zh",
    latency_ms=400.0,
    missed=False,
    pauses=0,
    cut_pauses=0,
    premature=False,
    edits=0,
    reference_units=6,
    server_marks_ms=MARKS_MS,
)


def turn(**changes) -> TurnResult:
    return dataclasses.replace(TURN, **changes)


def turns(latencies_ms, **changes) -> tuple[TurnResult, ...]:
    """One turn for each latency, each with an id of its own."""
    return tuple(
        turn(turn_id=f"call/{number}", latency_ms=latency, **changes)
        for number, latency in enumerate(latencies_ms, start=1)
    )


def record(**by_system) -> Record:
    """A record of some systems' turns."""
    systems = tuple(
        SystemResult(system, tuple(results), summarise(results))
        for system, results in by_system.items()
    )
    machine = Machine(
        cpu="Some CPU",
        cores=2,
        memory_gb=8.0,
        system="Linux",
        python="3.11.7",
        revision="abc1234",
        versions={"qingting": "0.1.0"},
        models={"llm": "a-model"},
        load_at_start=(0.1, 0.2, 0.3),
        load_at_end=(1.0, 0.5, 0.3),
    )
    return Record(
        started_at="2026-11-21T06:00:00+00:00",
        duration_secs=60.0,
        pacing="natural",
        at_once=1,
        machine=machine,
        systems=systems,
        ratios=ratios(systems),
        speculation={"qingting_speculation_drafts_total hit": 3.0},
    )

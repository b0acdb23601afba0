"""`qingting bench barge-in`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.bench import EXIT_TARGET_MISSED, required
from agent.cli.context import settings_of

if TYPE_CHECKING:
    from agent.bench.barge_in.measure import EventResult, Summary


def barge_in(
    ctx: typer.Context,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND|EVENT", help="Only these events, by kind or id; may be repeated."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Every event and the summary as one JSON line.")
    ] = False,
    require: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIGURE=LIMIT",
            help="Exit with 3 if a figure is worse than this, such as decide_p95_ms=500; "
            "may be repeated.",
        ),
    ] = None,
) -> None:
    """Make commands, backchannels, coughs, typing and echoes over the bot, in real time.

    All 94 events take about twenty minutes; close what else computes on the machine. Without
    a single valid event the exit code is 3.
    """
    from agent.bench.barge_in.measure import TARGETS
    from agent.bench.barge_in.run import run
    from agent.bench.barge_in.script import load_calls

    limits = [required(text, TARGETS) for text in require or []]
    calls = load_calls(only or ())
    total = sum(len(call.events) for call in calls)
    done = 0

    def told(event: EventResult) -> None:
        nonlocal done
        done += 1
        typer.echo(f"{done:>3}/{total}  {_line(event)}", err=True)

    result = asyncio.run(run(calls, settings_of(ctx), told))
    if as_json:
        record = {
            "summary": result.summary.as_json(),
            "events": [asdict(event) for event in result.events],
            "errors": list(result.errors),
        }
        typer.echo(json.dumps(record, ensure_ascii=False))
    else:
        _show(result.summary)
    complaints = [c for name, limit in limits if (c := _missed(result.summary, name, limit))]
    if not result.summary.valid:
        complaints.append("no event was valid")
    for error in result.errors:
        typer.echo(f"error: {error}", err=True)
    for complaint in complaints:
        typer.echo(f"target missed: {complaint}", err=True)
    if complaints:
        raise typer.Exit(EXIT_TARGET_MISSED)


def _missed(summary: Summary, name: str, limit: float) -> str | None:
    """Why a target is missed, None if it is met; what was not measured is missed."""
    from agent.bench.barge_in.measure import TARGETS

    met = summary.meets(name, limit)
    if met is None:
        return f"{name} was not measured"
    figure, direction = getattr(summary, name), TARGETS[name][1]
    return None if met else f"{name} is {figure:g}, wanted {direction} {limit:g}"


def _line(event: EventResult) -> str:
    if not event.valid:
        return f"{event.event_id:<26} the bot was not speaking"
    verdict = "stopped" if event.stopped else "went on"
    as_wanted = "" if event.stopped == event.stops else "  (!)"
    paused = "no pause" if event.pause_ms is None else f"paused after {event.pause_ms:.0f} ms"
    return f"{event.event_id:<26} {verdict}, {paused}{as_wanted}"


def _show(summary: Summary) -> None:
    from rich.console import Console
    from rich.table import Table

    from agent.bench.barge_in.measure import TARGETS

    figures = summary.as_json()
    met = figures.pop("targets_met")
    table = Table("figure", "value", "target", box=None, pad_edge=False)
    for name, value in figures.items():
        limit, direction = TARGETS.get(name, (None, ""))
        verdict = {True: "met", False: "MISSED", None: ""}[met.get(name)]
        target = "" if limit is None else f"{direction} {limit:g}  {verdict}"
        table.add_row(name, "–" if value is None else f"{value:g}", target)
    Console().print(table)

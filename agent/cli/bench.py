"""`qingting bench`: what callers measure, beside what one would otherwise run."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from agent.cli.context import settings_of

if TYPE_CHECKING:
    from agent.bench.compare import Change
    from agent.bench.measure import TurnResult
    from agent.bench.plan import System
    from agent.bench.record import Record
    from agent.bench.run import BenchOptions
    from agent.bench.scripts import Call

EXIT_TARGET_MISSED = 3
BASELINE_TURNS = 24
QUICK_LISTEN_SECS = 1.2

# Benches of other questions than latency; each has a `register(app)`.
_OTHERS = ("agent.bench.barge_in", "agent.bench.endpointing", "agent.bench.engines")


def register(app: typer.Typer) -> None:
    """Add the command and those below it."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(bench)
    for name in filter(importlib.util.find_spec, _OTHERS):
        if add := getattr(importlib.import_module(name), "register", None):
            add(group)
    app.add_typer(group, name="bench")


def bench(
    ctx: typer.Context,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for report.html, the pictures and bench.json."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The whole record as one JSON line on standard output.")
    ] = False,
    compare: Annotated[
        Path | None,
        typer.Option(metavar="OLD.json", help="Tell changes since that record from noise."),
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIGURE=MOST",
            help="Exit with 3 if a figure of ours is above this, such as p50_ms=450; "
            "may be repeated.",
        ),
    ] = None,
    calls: Annotated[int, typer.Option(min=1, max=16, help="Calls at the same time.")] = 1,
    turns: Annotated[
        int | None, typer.Option(min=1, help="At most so many turns, taken evenly from all calls.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Only this call, kind or turn (story, mixed/2); may be repeated."
        ),
    ] = None,
    baselines: Annotated[
        bool, typer.Option(help="Run the two baselines with the same callers, in between.")
    ] = True,
    baseline_turns: Annotated[
        int, typer.Option(min=1, help="At most so many turns with each baseline.")
    ] = BASELINE_TURNS,
    quick: Annotated[
        bool, typer.Option(help="A handful of turns in under a minute, without baselines.")
    ] = False,
    pacing: Annotated[
        str, typer.Option(help="quick, natural or counsellor: how long our side waits.")
    ] = "natural",
    scripts: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Call scripts of your own; see agent/bench/scripts."),
    ] = None,
) -> None:
    """Measure response latency with synthetic callers in real time."""
    if ctx.invoked_subcommand is not None:
        return
    settings = settings_of(ctx)

    import rich.console

    from agent.bench.record import FIGURES, to_json
    from agent.bench.report.page import claim_folder, write_report
    from agent.bench.report.terminal import show, show_changes
    from agent.bench.run import run_bench
    from agent.bench.voices import Studio

    targets = [required(text, FIGURES) for text in require or []]
    if out is not None:
        claim_folder(out)
    before = () if compare is None else _earlier_turns(compare)
    chosen = _calls(scripts, only or [], quick=quick)
    options = _options(
        chosen,
        turns=turns,
        baseline_turns=baseline_turns if baselines and not quick else None,
        at_once=calls,
        quick=quick,
        pacing=pacing,
        before=before,
    )
    console = rich.console.Console(stderr=True, log_path=False, markup=False)
    record = asyncio.run(run_bench(settings, options, Studio(settings), console.log))
    shown_on = console if as_json else rich.console.Console(markup=False)
    # What took half an hour to measure is told first, whatever goes wrong afterwards.
    show(shown_on, record)
    if as_json:
        typer.echo(to_json(record))
    if out is not None:
        console.print(f"report: {write_report(out, record)}")
    if before:
        changes = _changes(before, record)
        show_changes(shown_on, changes)
        if out is not None:
            write_report(out, record, changes)
    missed = [complaint for target in targets if (complaint := _missed(record, *target))]
    for complaint in missed:
        typer.echo(f"target missed: {complaint}", err=True)
    if missed:
        raise typer.Exit(EXIT_TARGET_MISSED)


def _calls(scripts: Path | None, only: Sequence[str], *, quick: bool) -> tuple[Call, ...]:
    from agent.bench.scripts import PACKAGED, choose, load_calls, quick_call

    chosen = choose(load_calls(scripts or PACKAGED), only)
    return (quick_call(chosen),) if quick else chosen


def _options(
    calls: tuple[Call, ...],
    *,
    turns: int | None,
    baseline_turns: int | None,
    at_once: int,
    quick: bool,
    pacing: str,
    before: tuple[TurnResult, ...],
) -> BenchOptions:
    from agent.bench.run import BenchOptions
    from agent.config import Pacing
    from pipeline.errors import ConfigError

    shares: dict[System, int | None] = {"ours": turns}
    if baseline_turns is not None:
        most = baseline_turns if turns is None else min(turns, baseline_turns)
        shares |= {"sequential": most, "stock": most}
    for known in get_args(Pacing):
        if pacing == known:
            listen_secs = QUICK_LISTEN_SECS if quick else None
            return BenchOptions(calls, shares, at_once, listen_secs, known, before)
    raise ConfigError(f"--pacing {pacing}: it is one of {', '.join(get_args(Pacing))}")


def _earlier_turns(path: Path) -> tuple[TurnResult, ...]:
    from agent.bench.record import read_record
    from pipeline.errors import ConfigError

    if not (turns := _turns_of_ours(read_record(path))):
        raise ConfigError(f"{path} holds no turns of ours")
    return turns


def _turns_of_ours(record: Record) -> tuple[TurnResult, ...]:
    ours = record.system("ours")
    return () if ours is None else ours.turns


def _changes(before: Sequence[TurnResult], now: Record) -> list[Change]:
    from agent.bench.compare import compare

    return compare(before, _turns_of_ours(now))


def required(text: str, figures: Collection[str]) -> tuple[str, float]:
    """The figure and the limit that an option --require names.

    Raises:
        ConfigError: It is none of the figures, or has no number.
    """
    from pipeline.errors import ConfigError

    name, equals, value = text.partition("=")
    if not equals or name not in figures:
        raise ConfigError(f"--require {text}: write FIGURE=LIMIT, one of {', '.join(figures)}")
    try:
        return name, float(value)
    except ValueError as error:
        raise ConfigError(f"--require {text}: {value} is no number") from error


def _missed(record: Record, name: str, most: float) -> str | None:
    """Why a target is missed, None if it is met; what was not measured is missed."""
    value = record.figures().get(name)
    if value is None:
        return f"{name} was not measured"
    return f"{name} is {value:g}, above {most:g}" if value > most else None

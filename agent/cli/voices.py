"""`qingting voices`: what voices there are, and how good they are."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from agent.cli import voices_chattts
from agent.cli.context import settings_of
from agent.cli.voices_consent import consent

_STATE_STYLE = {"present": "green", "partial": "yellow", "missing": "dim", "corrupt": "red"}


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="Voices: list and judge them.", no_args_is_help=True)
    group.command("list")(list_voices)
    group.command()(reading)
    group.command()(bench)
    group.command()(consent)
    voices_chattts.add_commands(group)
    app.add_typer(group, name="voices")


def list_voices(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line.")] = False,
) -> None:
    """List the voices, their licences and whether they are here."""
    settings = settings_of(ctx)

    from rich.console import Console
    from rich.markup import escape

    from agent.voices.installed import CALL, engines

    found = [(engine, engine.state(settings)) for engine in engines()]
    if as_json:
        rows = [
            {
                "name": engine.name,
                "languages": engine.languages,
                "state": state,
                "licence": engine.licence,
                "about": engine.about,
            }
            for engine, state in found
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    console = Console(highlight=False, soft_wrap=True)
    used = {settings.models.mandarin_voice, settings.models.english_voice}
    for engine, state in found:
        name = f"[bold]{engine.name:<15}[/]" if engine.name in used else f"{engine.name:<15}"
        languages = " ".join(engine.languages)
        console.print(f"{name} {languages:<6} [{_STATE_STYLE[state]}]{state}[/]")
        console.print(f"    {escape(engine.about)}\n    [dim]{escape(engine.licence)}[/]")
    console.print(
        "\nIn [bold]bold[/]: what your settings name. The names are values of "
        f"models.mandarin_voice and models.english_voice; {CALL} is not, it is what a call hears."
    )


def reading(
    polyphones: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Sentences of your own: 我得[dei3]走了[le5]."),
    ] = None,
    numbers: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of your own: locale, text and reading, with tabs."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line.")] = False,
    show_mistakes: Annotated[
        bool, typer.Option("--mistakes", help="Also print what was read wrong.")
    ] = False,
) -> None:
    """Count how many polyphones, numbers, dates and addresses are read aloud right."""
    from agent.voices.reading.check import check

    scores = check(polyphones, numbers)
    if as_json:
        rows = [{**dataclasses.asdict(score), "share_right": score.share_right} for score in scores]
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for score in scores:
        right = score.items - len(score.mistakes)
        typer.echo(
            f"{score.name:<16} {score.share_right:6.1%} ({right} of {score.items}), "
            f"{score.sentences_right} of {score.sentences} sentences"
        )
        for mistake in score.mistakes if show_mistakes else ():
            typer.echo(f"    {mistake.text}: {mistake.place} {mistake.wanted}, not {mistake.read}")


def bench(
    ctx: typer.Context,
    engine: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this voice; may be repeated. See `voices list`."),
    ] = None,
    quick: Annotated[
        bool, typer.Option(help="A handful of sentences instead of a hundred.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for voices.html, with players, and voices.json."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The whole record as one JSON line on standard output.")
    ] = False,
) -> None:
    """Measure each voice: how soon, how fast, how clear, how loud, and how clean."""
    settings = settings_of(ctx, quiet=True)

    import rich.console
    import rich.table

    from agent.voices.bench import rows
    from agent.voices.bench.page import write_report
    from agent.voices.bench.record import to_json
    from agent.voices.bench.run import FULL, QUICK, run_bench
    from agent.voices.installed import choose

    voices = choose(engine or [], settings)
    console = rich.console.Console(stderr=True, log_path=False, markup=False)
    measured = run_bench(settings, voices, QUICK if quick else FULL, console.log)
    table = rich.table.Table(*rows.heads(measured.record))
    for row in rows.figures(measured.record):
        table.add_row(*row)
    (console if as_json else rich.console.Console(markup=False)).print(table)
    if out is not None:
        console.print(f"report: {write_report(out, measured)}", highlight=False)
    if as_json:
        typer.echo(to_json(measured.record))

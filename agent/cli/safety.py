"""`qingting safety`: the crisis detector on labelled utterances, and the helplines."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.context import settings_of

if TYPE_CHECKING:
    from agent.safety.evaluation import Judged


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="The crisis protocol.", no_args_is_help=True)
    group.command("eval")(evaluate)
    group.command()(hotlines)
    app.add_typer(group, name="safety")


def evaluate(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.jsonl",
            help='Lines of {"text", "label", "locale"}; label none, concern, elevated or imminent.',
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
    show_mistakes: Annotated[
        bool, typer.Option("--mistakes", help="Also print the utterances that went wrong.")
    ] = False,
) -> None:
    """Score the crisis detector on a labelled file."""
    from agent.safety import evaluation

    judged = evaluation.judge(evaluation.read_labelled(file))
    figures = evaluation.report(judged)
    wrong = evaluation.mistakes(judged) if show_mistakes else []
    if as_json:
        if show_mistakes:
            figures["mistakes"] = [_mistake(one) for one in wrong]
        typer.echo(evaluation.as_json(figures))
        return
    recall, of_tier = figures["recall"], figures["recall_of_tier"]
    typer.echo(f"utterances   {figures['utterances']}")
    typer.echo(f"precision    {_percent(figures['precision'])}")
    for label in recall:
        answered, as_gravely = _percent(recall[label]), _percent(of_tier[label])
        typer.echo(f"{label:12} {answered} answered, {as_gravely} at least as gravely")
    typer.echo(
        "decision     p50 {p50} ms, p95 {p95} ms, max {max} ms".format(**figures["decision_ms"])
    )
    for one in wrong:
        typer.echo(f"{one.utterance.label} -> {one.answer}: {one.utterance.text}")


def hotlines(
    ctx: typer.Context,
    region: Annotated[
        str | None, typer.Option(help="TW, CN, HK, SG, MY, US or UK; else all of them.")
    ] = None,
) -> None:
    """Show the numbers that callers get, with their source and the day it was read."""
    from agent.safety.hotlines import hotlines as all_lines

    settings = settings_of(ctx, {"safety.region": region})
    wanted = None if region is None else settings.safety.region
    today = datetime.datetime.now().astimezone().date()
    for line in all_lines():
        if wanted not in (None, line.region):
            continue
        typer.echo(
            f"{line.region}  {line.number:<16}  {line.name['en']}; {line.hours}\n"
            f"    {', '.join(line.serves)}\n    {line.source}, {line.checked}"
        )
        if line.is_stale(today):
            typer.echo(f"qingting: nobody has checked {line.number} for a year", err=True)


def _mistake(one: Judged) -> dict[str, Any]:
    return {**one.utterance.model_dump(), "answer": one.answer}


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"

"""`qingting eval`: what a run learned, beside its base; and whole conversations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from agent.cli import eval_conversations

_USUAL = "run"


class _RunUnlessNamed(TyperGroup):
    """`qingting eval RUN` is `qingting eval run RUN`: most evaluations are of a run."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the usual command before arguments that name none."""
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = [_USUAL, *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        cls=_RunUnlessNamed, help="Measure a run, or whole conversations.", no_args_is_help=True
    )
    group.command(_USUAL)(evaluate)
    eval_conversations.add_to(group)
    app.add_typer(group, name="eval")


def evaluate(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    data: Annotated[
        Path | None,
        typer.Option("--data", help="JSONL that training never saw; else what it held back."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The persona's name, to be said when asked.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Replies to generate with each model.")] = 20,
    threads: Annotated[int, typer.Option(min=1, help="Compute threads.")] = 2,
    votes: Annotated[
        Path | None, typer.Option(help="Count votes saved by the side-by-side page instead.")
    ] = None,
) -> None:
    """Measure a run in llama.cpp, and write a report and a page to vote on."""
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    from train.evaluate.canaries import RIVALS
    from train.evaluate.held_out import records_of
    from train.evaluate.measure import evaluate as measure
    from train.evaluate.report import write_report
    from train.evaluate.side_by_side import count_votes, write_page
    from train.run_folder import RunFolder, write_json

    console = Console(highlight=False)
    folder = RunFolder.open(run_folder)
    if votes is not None:
        result = count_votes(folder, votes)
        console.print(
            f"tuned {result.tuned}, base {result.base}, no difference {result.even}; "
            f"by chance with probability {result.chance:.2g}"
        )
        return
    held_out, training = records_of(folder, data)
    evaluation = measure(
        folder,
        held_out,
        training,
        name=name,
        count=count,
        threads=threads,
        report=lambda step: console.print(f"[dim]measuring the {step} model[/]"),
    )
    folder.eval.mkdir(exist_ok=True)
    write_json(folder.eval / "results.json", asdict(evaluation))
    table = Table("figure", "person", "base", "tuned")
    for figure, row in evaluation.figures.items():
        values = [row["person"], row["base"], row["tuned"]]
        table.add_row(figure, *("" if value is None else f"{value:.3g}" for value in values))
    console.print(table)
    if evaluation.too_long:
        console.print(
            f"left out: {evaluation.too_long} held-out replies whose question alone is too long"
        )
    if evaluation.planted:
        console.print(
            f"canaries given away: {evaluation.given_away} of {evaluation.planted}; likelier than "
            f"each of {RIVALS} numbers like it: {evaluation.preferred}, "
            f"by chance {evaluation.planted / (RIVALS + 1):.2g}"
        )
    for written in (
        write_report(folder, evaluation),
        write_page(folder, evaluation, folder.manifest.recipe.seed),
    ):
        console.print(str(written), markup=False)

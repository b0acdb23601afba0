"""The end of a turn under test: who is cut off, and how long everybody else waits for it.

labelled ─▶ speech ─▶ features ─▶ fit ─▶ pipeline/turn/calibration.json
                         │
                         └─▶ judge: every rule on the part that was not fitted
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.context import settings_of

if TYPE_CHECKING:
    from agent.config import Settings


def register(group: typer.Typer) -> None:
    """Add `endpointing` to the group of benches."""
    group.command()(endpointing)


def endpointing(
    ctx: typer.Context,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON line on standard output.")
    ] = False,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure", help="Ask the models about every turn again; ten minutes on two cores."
        ),
    ] = False,
    reread: Annotated[
        bool,
        typer.Option(
            "--reread", help="Ask the language model alone, after what was heard last time."
        ),
    ] = False,
    rejudge: Annotated[
        bool,
        typer.Option("--rejudge", help="Ask the encoder alone, after what was heard last time."),
    ] = False,
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate", help="Fit the weights anew and write them to the checkout."),
    ] = False,
) -> None:
    """Judge how the end of a turn is found, on turns that were not used for calibration."""
    settings = settings_of(ctx)
    if measure:
        _measure(settings)
    elif reread:
        _reread(settings)
    elif rejudge:
        _rejudge()

    from agent.bench.endpointing.features import load_features
    from agent.bench.endpointing.report import judged, table, to_json

    features = load_features()
    if calibrate:
        _calibrate()
    results = judged(features)
    if as_json:
        typer.echo(to_json(results))
    else:
        import rich.console

        rich.console.Console().print(table(results))


def _measure(settings: Settings) -> None:
    from rich.progress import Progress

    from agent.bench.endpointing.features import features_path, measure, save_features

    with Progress() as progress:
        task = progress.add_task("turns")
        measured = measure(
            settings, lambda done, of: progress.update(task, completed=done, total=of)
        )
    save_features(measured, features_path())


def _reread(settings: Settings) -> None:
    from agent.bench.endpointing.features import (
        features_path,
        load_features,
        reread,
        save_features,
    )

    save_features(reread(settings, load_features()), features_path())


def _rejudge() -> None:
    from agent.bench.endpointing.features import (
        features_path,
        load_features,
        rejudge,
        save_features,
    )

    save_features(rejudge(load_features()), features_path())


def _calibrate() -> None:
    from agent.bench.endpointing.features import load_features
    from agent.bench.endpointing.fit import examples_of, fit, fit_continuations
    from pipeline.turn.calibration import calibration_path
    from pipeline.turn.endpointing import TurnSettings

    examples = examples_of(load_features())
    for name, value in fit_continuations(examples).items():
        typer.echo(f"pipeline/llm/turn_end.py: {name} = {value}")
    calibration_path().write_text(fit(examples, TurnSettings()).to_json(), encoding="utf-8")
    typer.echo(f"{calibration_path()}: written; run again to judge it")

"""`qingting bench engines`: recogniser and language model on their own, as a call uses them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.context import settings_of

if TYPE_CHECKING:
    from agent.bench.engines.recognition import Recognition
    from agent.bench.engines.replies import Throughput
    from agent.config import Settings


def register(group: typer.Typer) -> None:
    """Add `engines` to the group of benches."""
    group.command()(engines)


def engines(
    ctx: typer.Context,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON line on standard output.")
    ] = False,
    turns: Annotated[
        int | None, typer.Option(min=1, help="At most so many turns are recognised.")
    ] = None,
) -> None:
    """Measure how soon a turn's words are final, and how replies share the model."""
    settings = settings_of(ctx)

    from agent.bench.engines.recognition import summarise, transcribe
    from agent.bench.scripts import PACKAGED, load_calls
    from agent.bench.voices import Studio

    studio = Studio(settings)
    calls = load_calls(PACKAGED)
    takes = [studio.record(turn) for call in calls for turn in call.turns][:turns]
    recognition = summarise(asyncio.run(transcribe(settings, takes)))
    throughput = asyncio.run(_throughput(settings))
    if as_json:
        figures = {"recognition": asdict(recognition), "replies": [asdict(t) for t in throughput]}
        typer.echo(json.dumps(figures))
    else:
        _show(recognition, throughput)


async def _throughput(settings: Settings) -> list[Throughput]:
    from agent.bench.engines.replies import measure
    from agent.engines import load_language_model

    model = load_language_model(settings)
    try:
        return await measure(model)
    finally:
        await model.close()


def _show(recognition: Recognition, throughput: list[Throughput]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    final = recognition.final_ms
    console.print(
        f"transcript final after the soft end: p50 {final.p50:.0f} ms, p95 {final.p95:.0f} ms "
        f"({recognition.turns} turns of up to {recognition.longest_secs:.0f} s)"
    )
    errors = Table("language", "units", "incremental", "one decode", title="errors")
    for language, rates in recognition.error_rates.items():
        errors.add_row(
            language, str(rates.units), f"{rates.incremental:.1%}", f"{rates.one_shot:.1%}"
        )
    console.print(errors)
    replies = Table("replies at once", "tokens/s each", "of one alone", title="language model")
    for found in throughput:
        replies.add_row(
            str(found.at_once), f"{found.tokens_per_sec_each:.1f}", f"{found.share_of_one:.0%}"
        )
    console.print(replies)

"""`qingting local`: a call through this machine's own microphone and loudspeaker."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.context import settings_of

if TYPE_CHECKING:
    from agent.config import Settings
    from agent.local.self_test import SelfTestReport

EXIT_FAILED = 1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(local)


def local(
    ctx: typer.Context,
    microphone: Annotated[
        str | None, typer.Option("--input", metavar="DEVICE", help="Index, or part of its name.")
    ] = None,
    loudspeaker: Annotated[
        str | None, typer.Option("--output", metavar="DEVICE", help="Likewise.")
    ] = None,
    list_devices: Annotated[
        bool, typer.Option("--list", help="Show the devices, and do nothing else.")
    ] = False,
    push_to_talk: Annotated[
        bool, typer.Option("--push-to-talk", help="Enter begins and ends each turn.")
    ] = False,
    self_test: Annotated[
        bool,
        typer.Option("--self-test", help="Two minutes in a simulated room; needs no device."),
    ] = False,
    seconds: Annotated[
        float, typer.Option(min=1.0, help="How long the self-test leaves the bot alone.")
    ] = 120.0,
    as_json: Annotated[bool, typer.Option("--json", help="The self-test as JSON.")] = False,
) -> None:
    """Talk with the persona at this machine. Ctrl-C hangs up."""
    settings = settings_of(ctx, quiet=True)
    if list_devices:
        _list()
    elif self_test:
        report = asyncio.run(_self_test(settings, seconds))
        typer.echo(json.dumps(asdict(report)) if as_json else _describe(report))
        if not report.passed:
            raise typer.Exit(EXIT_FAILED)
    else:
        _talk(settings, microphone, loudspeaker, push_to_talk=push_to_talk)


def _list() -> None:
    from agent.local.sound_card import list_cards
    from pipeline.errors import DeviceError

    cards = list_cards()
    if not cards:
        raise DeviceError("the system offers no audio device")
    for card in cards:
        mark = "*" if card.is_default else " "
        typer.echo(f"{mark} {card.index:>3}  {card.inputs} in, {card.outputs} out  {card.name}")


def _talk(
    settings: Settings, microphone: str | None, loudspeaker: str | None, *, push_to_talk: bool
) -> None:
    from rich.console import Console

    from agent.local.sound_card import SoundCard
    from agent.local.talk import talk

    card = SoundCard(microphone, loudspeaker)
    # Before the models are loaded: who has no device should not wait for them.
    card.open(lambda block: block * 0.0)
    card.close()

    async def call() -> None:
        # As `qingting call` does: the one place that opens calls on engines is the server's.
        from web.server import switchboard

        async with switchboard(settings) as factory:
            await talk(factory, card, Console(highlight=False), push_to_talk=push_to_talk)

    try:
        asyncio.run(call())
    except KeyboardInterrupt:
        typer.echo("")


async def _self_test(settings: Settings, seconds: float) -> SelfTestReport:
    from agent import engines
    from agent.local.self_test import self_test
    from web.server import switchboard

    async with switchboard(settings) as factory:
        return await self_test(factory, engines.load_speaker(settings), secs=seconds)


def _describe(report: SelfTestReport) -> str:
    cut_in = "not heard" if report.cut_in_ms is None else f"paused after {report.cut_in_ms:.0f} ms"
    return (
        f"{'passed' if report.passed else 'FAILED'}: {report.replies} replies in "
        f"{report.secs:.0f} s, {report.pauses} pauses and {report.self_interruptions} "
        f"interruptions by its own voice, {report.heard_itself} turns that nobody spoke; "
        f"a caller who cut in: {cut_in}, {'' if report.cut_in_heard else 'not '}understood"
    )

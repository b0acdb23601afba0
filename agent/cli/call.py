"""`qingting call`: a scripted caller."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.context import settings_of
from agent.cli.run_models import MODEL_HELP, model_flags

if TYPE_CHECKING:
    from agent.caller import Caller, CallScript, MicrophoneRate
    from agent.caller_report import CallReport, TurnReport
    from agent.config import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(call)


def call(
    ctx: typer.Context,
    clips: Annotated[list[Path], typer.Argument(metavar="CLIP…", help="One turn each.")],
    url: Annotated[
        str | None,
        typer.Option(help="ws://…/v1/realtime of a running server; else one is started here."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Stereo recording: caller left, bot right, one time line."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    rate: Annotated[int, typer.Option(help="Microphone rate: 16000 or 24000 Hz.")] = 24_000,
    cut_in: Annotated[
        float | None,
        typer.Option(
            metavar="SECS",
            help="Say the second and later clips this long into the reply before.",
        ),
    ] = None,
    speech_level: Annotated[
        float | None,
        typer.Option(
            metavar="DBFS",
            max=0.0,
            help="10 ms of a clip at this level count as speech; default: 25 dB under its loudest.",
        ),
    ] = None,
    language: Annotated[str | None, typer.Option(help="zh or en; else found out.")] = None,
    api_key: Annotated[str | None, typer.Option(help="For a server that wants one.")] = None,
    model: Annotated[
        str | None, typer.Option(help=f"{MODEL_HELP} Of the server started here.")
    ] = None,
) -> None:
    """Play clips as turns of one call, wait for each reply, and measure.

    Milliseconds in the report count from the last audible sample of the clip.
    """
    from agent.caller import Caller, CallScript, ScriptedTurn
    from agent.caller_clip import load_clip
    from agent.clips import check_place, write_clip
    from pipeline.audio import OUTPUT_RATE_HZ
    from pipeline.errors import ConfigError

    settings = settings_of(ctx, model_flags(model), quiet=True)
    if rate not in (16_000, 24_000):
        raise ConfigError(f"--rate {rate}: the wire takes 16000 or 24000")
    if language not in (None, "zh", "en"):
        raise ConfigError(f"--language {language}: zh or en")
    if out is not None:
        check_place(out)
    loaded = [load_clip(path, rate, speech_level_dbfs=speech_level) for path in clips]
    script = CallScript(
        tuple(ScriptedTurn(clip, cut_in if index else None) for index, clip in enumerate(loaded))
    )

    wire_rate: MicrophoneRate = 16_000 if rate == 16_000 else 24_000

    def caller(address: str) -> Caller:
        return Caller(address, rate_hz=wire_rate, api_key=api_key, language=language)

    if url is None:
        report = asyncio.run(_call_here(settings, caller, script))
    else:
        report = asyncio.run(caller(url).run(script))
    # First of all the measurement: the disk may be full by now.
    if as_json:
        recording = None if out is None else str(out)
        typer.echo(json.dumps({**report.as_json(), "recording": recording}, ensure_ascii=False))
    else:
        _print(report)
    if out is not None:
        write_clip(out, report.recording, OUTPUT_RATE_HZ)


async def _call_here(
    settings: Settings, caller: Callable[[str], Caller], script: CallScript
) -> CallReport:
    """Hold the call with a server of our own, on a free port of this machine."""
    # The one place where agent/ reaches up to web/: a call needs somebody to answer it.
    from web.server import REALTIME_PATH, connection_limits, create_app, running, switchboard

    local = settings.server.on_loopback()
    async with switchboard(settings) as factory:
        app = create_app(factory, limits=connection_limits(local))
        async with running(app, local) as address:
            url = address.replace("http", "ws", 1) + REALTIME_PATH
            return await caller(url).run(script)


def _latency(turn: TurnReport) -> str:
    if turn.response_latency_ms is None:
        return "no reply was heard"
    reply = f"{turn.response_latency_ms:.0f} ms"
    if turn.acknowledged_ms is None:
        return reply
    return f"{reply} (after an acknowledgement at {turn.acknowledged_ms:.0f} ms)"


def _print(report: CallReport) -> None:
    for turn in report.turns:
        typer.echo(f"{turn.clip}")
        typer.echo(f"  caller   {turn.transcript}")
        typer.echo(f"  bot      {turn.heard_text}  ({turn.status})")
        typer.echo(f"  latency  {_latency(turn)}")
    for code in report.errors:
        typer.echo(f"error: {code}", err=True)

"""`qingting transcribe`: the recogniser alone."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.context import settings_of

if TYPE_CHECKING:
    from pipeline.audio import FloatArray
    from pipeline.stt.base import Hypothesis, Recogniser
    from pipeline.text import Language


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(transcribe)


def transcribe(
    ctx: typer.Context,
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="Audio file.")],
    language: Annotated[str | None, typer.Option(help="auto, zh or en.")] = None,
    script: Annotated[str | None, typer.Option(help="simplified, traditional or as_is.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Write down what is said in an audio file."""
    settings = settings_of(ctx, {"stt.language": language, "stt.script": script})

    from agent.clips import read_clip
    from agent.pieces import pieces
    from pipeline.audio import INPUT_RATE_HZ
    from pipeline.text import join

    audio = read_clip(clip, INPUT_RATE_HZ)

    from agent import engines

    recogniser = engines.load_recogniser(settings)
    spoken = None if settings.stt.language == "auto" else settings.stt.language
    heard = asyncio.run(_decode(recogniser, list(pieces(audio)), spoken))
    text = ""
    for hypothesis in heard:
        text = join(text, hypothesis.text)
    if as_json:
        report = {
            "text": text,
            "language": heard[0].language,
            "confidence": round(min(hypothesis.confidence for hypothesis in heard), 3),
            "audio_secs": round(len(audio) / INPUT_RATE_HZ, 3),
        }
        typer.echo(json.dumps(report, ensure_ascii=False))
    else:
        typer.echo(text)


async def _decode(
    recogniser: Recogniser, audio: list[FloatArray], language: Language | None
) -> list[Hypothesis]:
    try:
        return [await recogniser.decode(piece, language=language) for piece in audio]
    finally:
        await recogniser.close()

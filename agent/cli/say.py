"""`qingting say`: the voices alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.context import settings_of

if TYPE_CHECKING:
    from pipeline.audio import Int16Array
    from pipeline.tts.base import SpeechStyle, Voice


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(say)


def say(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(help="What to say, in Mandarin, English or both.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Audio file to write (.wav, .flac).")],
    rate: Annotated[float | None, typer.Option(help="Speed, 0.5 to 2.0.")] = None,
    pitch: Annotated[float | None, typer.Option(help="Pitch, 0.5 to 2.0.")] = None,
) -> None:
    """Speak a text into an audio file."""
    settings = settings_of(ctx, {"voice.rate": rate, "voice.pitch": pitch})

    import numpy as np

    from agent import engines
    from agent.clips import check_place, write_clip
    from pipeline.errors import ConfigError

    check_place(out)
    voice = engines.load_speaker(settings)
    speech = [np.zeros(0, np.int16), *spoken(voice, text, engines.speech_style(settings))]
    samples = np.concatenate(speech)
    if not len(samples):
        raise ConfigError("the text holds nothing that can be spoken")
    write_clip(out, samples, voice.sample_rate_hz)
    typer.echo(f"{out}: {len(samples) / voice.sample_rate_hz:.2f} s")


def spoken(voice: Voice, text: str, style: SpeechStyle) -> Iterator[Int16Array]:
    """A text clause by clause, as a call speaks it: int16, mono, at the voice's rate."""
    from dataclasses import replace

    from pipeline.clauses import ClauseCutter
    from pipeline.text import language_of

    cutter = ClauseCutter()
    language = language_of(text, default=style.language)
    for clause in [*cutter.feed(text), *cutter.finish()]:
        language = language_of(clause.text, default=language)
        in_language = replace(style, language=language)
        for chunk in voice.synthesise(clause.text, in_language, lambda: False):
            yield chunk.pcm

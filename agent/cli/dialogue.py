"""`qingting dialogue`: a file of questions, asked in one voice and answered in another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from agent.cli.context import settings_of
from agent.cli.run_models import MODEL_HELP, model_flags

if TYPE_CHECKING:
    from agent.config import Settings
    from agent.written import WrittenSession
    from pipeline.audio import Int16Array

Speaker: TypeAlias = Literal["asker", "bot"]

# Told apart by ear although each language has one voice: the caller of our own tests.
ASKER_PITCH = 1.2
PAUSE_SECS = 0.5  # between two who wait for each other to finish


@dataclass(frozen=True, slots=True)
class Spoken:
    """One line of the dialogue."""

    speaker: Speaker
    text: str


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(dialogue)


def dialogue(
    ctx: typer.Context,
    questions: Annotated[Path, typer.Argument(metavar="FILE", help="One question a line.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Stereo audio: questions left, answers right."),
    ] = None,
    locale: Annotated[str | None, typer.Option(help="zh-Hant, zh-Hans or en.")] = None,
    model: Annotated[str | None, typer.Option(help=MODEL_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Ask the persona every question of a file, one after another in one conversation."""
    asked = _read(questions)
    settings = settings_of(ctx, {"persona.locale": locale, **model_flags(model)}, quiet=True)
    lines = _hold(settings, asked)
    for line in lines:
        if as_json:
            said = {"speaker": line.speaker, "text": line.text}
            typer.echo(json.dumps(said, ensure_ascii=False))
        else:
            typer.echo(f"{line.speaker:<6} {line.text}")
    if out is not None:
        _write(settings, lines, out)


def _read(path: Path) -> list[str]:
    from pipeline.errors import DataError

    try:
        lines = [line.strip() for line in path.read_text("utf-8-sig").splitlines()]
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8; save it as UTF-8.") from error
    if not any(lines):
        raise DataError(f"{path} holds no question.")
    return [line for line in lines if line]


def _hold(settings: Settings, questions: Sequence[str]) -> list[Spoken]:
    from agent.adapter import answering
    from agent.cli.chat import open_session

    persona = answering(settings)
    with asyncio.Runner() as runner, open_session(settings, persona, runner) as session:
        return runner.run(_ask(session, questions))


async def _ask(session: WrittenSession, questions: Sequence[str]) -> list[Spoken]:
    lines: list[Spoken] = []
    for question in questions:
        reply: list[str] = []
        await session.answer(question, reply.append)
        lines += [Spoken("asker", question), Spoken("bot", "".join(reply))]
    return lines


def _write(settings: Settings, lines: Sequence[Spoken], out: Path) -> None:
    """Speak the dialogue, each voice on a channel of its own."""
    from dataclasses import replace

    import numpy as np

    from agent import engines
    from agent.cli.say import spoken
    from agent.clips import write_clip

    voice = engines.load_speaker(settings)
    style = engines.speech_style(settings)
    styles = {"bot": style, "asker": replace(style, pitch=style.pitch * ASKER_PITCH)}
    pause = np.zeros((round(PAUSE_SECS * voice.sample_rate_hz), 2), np.int16)
    pieces: list[Int16Array] = []
    for line in lines:
        for chunk in spoken(voice, line.text, styles[line.speaker]):
            both = np.zeros((len(chunk), 2), np.int16)
            both[:, 0 if line.speaker == "asker" else 1] = chunk
            pieces.append(both)
        pieces.append(pause)
    write_clip(out, np.concatenate(pieces), voice.sample_rate_hz)

"""`qingting chat`: the persona in writing, without a microphone."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.context import settings_of
from agent.cli.run_models import MODEL_HELP, model_flags

if TYPE_CHECKING:
    from rich.console import Console

    from agent.config import Settings
    from agent.persona import Persona
    from agent.safety.handover import Handover
    from agent.written import WrittenSession


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(chat)


def chat(
    ctx: typer.Context,
    locale: Annotated[str | None, typer.Option(help="zh-Hant, zh-Hans or en.")] = None,
    model: Annotated[str | None, typer.Option(help=MODEL_HELP)] = None,
) -> None:
    """Write with the persona. Ctrl-C stops a reply, Ctrl-D ends; lines can be piped in."""
    settings = settings_of(ctx, {"persona.locale": locale, **model_flags(model)}, quiet=True)

    # After the log is set up: pipecat greets on stderr when it is imported before.
    from rich.console import Console

    from agent.adapter import answering
    from agent.safety.handover import open_handover

    persona = answering(settings)
    handover = open_handover(settings, f"chat_{secrets.token_hex(8)}")
    console = Console(highlight=False, soft_wrap=True)
    with asyncio.Runner() as runner, open_session(settings, persona, runner, handover) as session:
        _converse(runner, session, persona, console, handover)


@contextmanager
def open_session(
    settings: Settings,
    persona: Persona,
    runner: asyncio.Runner,
    handover: Handover | None = None,
) -> Iterator[WrittenSession]:
    """A written conversation on a model loaded for it; both are given back at the end.

    Args:
        settings: The whole tree.
        persona: Who answers.
        runner: What the session runs in; the end waits there until all notices are posted.
        handover: To the person on duty; without one nobody is told, or promised.

    Raises:
        ConfigError: `rag.index` names no index.
        ModelError: A model is missing or damaged.
    """
    from agent import engines
    from agent.intake.opening import question_sources
    from agent.intake.taker import IntakeTaker
    from agent.profile import call_profile
    from agent.recall.notes import note_sources, open_history
    from agent.written import WrittenSession
    from pipeline.events import CallOptions

    # What a caller would get, so that both are the same persona.
    profile = call_profile(
        settings, persona, CallOptions(), channel="terminal", notified=handover is not None
    )
    with ExitStack() as ending:
        if handover is not None:
            ending.callback(lambda: runner.run(handover.finished()))
        history = open_history(settings.rag)
        if history is not None:
            ending.callback(history.close)
        language_model = engines.load_language_model(settings)
        ending.callback(lambda: runner.run(language_model.close()))
        conversation = language_model.open()
        ending.callback(lambda: runner.run(conversation.close()))
        # By rules alone: the model has no idle time between lines that come through a pipe.
        intake = IntakeTaker(persona.locale) if settings.intake.ask else None
        recalled = note_sources(history, persona.locale, language_model.count_tokens, settings.rag)
        yield WrittenSession(
            conversation,
            persona,
            profile.sampling,
            profile.guardian,
            (*recalled, *question_sources(settings, intake)),
            profile.rewrite_reply,
            intake,
            handover,
        )


def _converse(
    runner: asyncio.Runner,
    session: WrittenSession,
    persona: Persona,
    console: Console,
    handover: Handover | None,
) -> None:
    def show(text: str) -> None:
        console.print(text, end="", markup=False)

    console.print(persona.greeting, markup=False)
    for line in _lines(console):
        try:
            runner.run(session.answer(line, show))
        except KeyboardInterrupt:  # the runner has cancelled the answer
            show(persona.cut_mark)
        console.print()
        if handover is not None:  # nothing is posted while the next line is waited for
            with suppress(KeyboardInterrupt):
                runner.run(handover.finished())


def _lines(console: Console) -> Iterator[str]:
    """Lines with something on them, from the keyboard or from a pipe, up to its end."""
    prompt = "[bold]> [/bold]" if sys.stdin.isatty() else ""
    while True:
        try:
            line = console.input(prompt).strip()
        except KeyboardInterrupt:
            console.print()
            continue
        except EOFError:
            return
        if line:
            yield line

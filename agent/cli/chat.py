"""`qingting chat`: the persona in writing, without a microphone."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.context import settings_of
from agent.cli.run_models import MODEL_HELP, model_flags

if TYPE_CHECKING:
    from rich.console import Console

    from agent.persona import Persona
    from agent.written import WrittenSession
    from pipeline.llm.base import Conversation, LanguageModel


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

    from agent import engines
    from agent.adapter import answering
    from agent.profile import call_profile
    from agent.recall.notes import note_sources, open_history
    from agent.written import WrittenSession
    from pipeline.events import CallOptions

    persona = answering(settings)
    # What a caller would get, so that both are the same persona.
    profile = call_profile(settings, persona, CallOptions())
    history = open_history(settings.rag)
    language_model = engines.load_language_model(settings)
    notes = note_sources(history, persona.locale, language_model.count_tokens, settings.rag)
    console = Console(highlight=False, soft_wrap=True)
    with asyncio.Runner() as runner:
        try:
            session = WrittenSession(
                language_model.open(),
                persona,
                profile.sampling,
                profile.guardian,
                notes,
                profile.rewrite_reply,
            )
            _converse(runner, session, persona, console)
        finally:
            runner.run(_close(session.conversation, language_model))
            if history is not None:
                history.close()


def _converse(
    runner: asyncio.Runner, session: WrittenSession, persona: Persona, console: Console
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


async def _close(conversation: Conversation, language_model: LanguageModel) -> None:
    await conversation.close()
    await language_model.close()

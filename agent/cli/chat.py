"""`qingting chat`: the persona in writing, without a microphone."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.context import settings_of
from agent.cli.run_models import MODEL_HELP, model_flags
from pipeline.llm.base import Message

if TYPE_CHECKING:
    from rich.console import Console

    from agent.persona import Persona
    from pipeline.context.notes import NoteSource
    from pipeline.guard import Guardian
    from pipeline.llm.base import Conversation, LanguageModel, Sampling

logger = logging.getLogger(__name__)


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
                language_model.open(), persona, profile.sampling, profile.guardian, notes
            )
            _converse(runner, session, persona, console)
        finally:
            runner.run(_close(session.conversation, language_model))
            if history is not None:
                history.close()


class WrittenSession:
    """A written conversation that keeps its history as a call does.

    Args:
        conversation: Place in the model.
        persona: Who answers.
        sampling: How its words are drawn.
        guardian: Answers a crisis in the model's place, as in a call; None has nobody.
        note_sources: What the model is told beside the conversation, line by line.
    """

    def __init__(
        self,
        conversation: Conversation,
        persona: Persona,
        sampling: Sampling,
        guardian: Guardian | None = None,
        note_sources: Sequence[NoteSource] = (),
    ) -> None:
        from pipeline.llm.reply_limit import LimitedReply, ReplyLimit

        self.conversation = conversation
        self._sampling = sampling
        self._guardian = guardian
        self._note_sources = tuple(note_sources)
        self._new_limited = partial(LimitedReply, ReplyLimit(persona.style.max_sentences))
        self._cut_mark = persona.cut_mark
        self.messages = [
            Message("system", persona.system_prompt),
            *persona.example_messages(),
            Message("assistant", persona.greeting),
        ]

    async def answer(self, text: str, show: Callable[[str], None]) -> None:
        """Answer one line, giving `show` the reply piece by piece.

        Raises:
            GenerationError: The model failed; the line and its answer are forgotten.

        Cancelling stops within one token and keeps what was shown, marked as cut.
        """
        question = Message("user", text)
        if (scripted := self._scripted(text)) is not None:
            show(scripted)
            self.messages += [question, Message("assistant", scripted)]
            return
        shown = ""
        limited = self._new_limited()
        told = self._told(text)
        stream = self.conversation.reply([*self.messages, *told, question], self._sampling)
        try:
            async for delta in stream:
                text, long_enough = limited.feed(delta.text)
                shown += text
                show(text)
                if long_enough:
                    break
        except asyncio.CancelledError:
            if shown.strip():
                self.messages += [question, Message("assistant", shown + self._cut_mark)]
            raise
        finally:
            await stream.aclose()
        self.messages += [question, Message("assistant", shown)]

    def _told(self, text: str) -> list[Message]:
        """What the model should know for this line alone; the log gets the ids of it."""
        notes = [note for one in self._note_sources if (note := one.note(text)) is not None]
        for source in [source for note in notes for source in note.sources]:
            logger.info("answered with %s", source)
        return [Message("system", note.text) for note in notes]

    def _scripted(self, text: str) -> str | None:
        """The crisis protocol's answer to a line, which never comes from the model."""
        if self._guardian is None:
            return None
        answer = self._guardian.answer(text)
        self._guardian.taken(text)
        return answer


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

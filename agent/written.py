"""A conversation in writing: one line in, one reply out, as a call would answer it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

from agent.persona import Persona
from pipeline.context.notes import NoteSource
from pipeline.guard import Guardian
from pipeline.llm.base import Conversation, Message, Sampling
from pipeline.llm.reply_limit import LimitedReply, ReplyLimit

logger = logging.getLogger(__name__)


class WrittenSession:
    """A written conversation that keeps its history as a call does.

    Args:
        conversation: Place in the model.
        persona: Who answers.
        sampling: How its words are drawn.
        guardian: Answers a crisis in the model's place, as in a call; None has nobody.
        note_sources: What the model is told beside the conversation, line by line.
        rewrite: Brings every piece of a reply into the script that is read.
    """

    def __init__(
        self,
        conversation: Conversation,
        persona: Persona,
        sampling: Sampling,
        guardian: Guardian | None = None,
        note_sources: Sequence[NoteSource] = (),
        rewrite: Callable[[str], str] = str,
    ) -> None:
        self.conversation = conversation
        self._sampling = sampling
        self._guardian = guardian
        self._note_sources = tuple(note_sources)
        self._rewrite = rewrite
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
                text, long_enough = limited.feed(self._rewrite(delta.text))
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

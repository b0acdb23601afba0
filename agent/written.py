"""A conversation in writing: one line in, one reply out, as a call would answer it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

from agent.intake.taker import IntakeTaker
from agent.persona import Persona
from agent.safety.handover import Handover
from pipeline.context.notes import Note, NoteSource, question_of, told
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
        note_sources: What the model is told beside the conversation, or asks, line by line.
        rewrite: Brings every piece of a reply into the script that is read.
        intake: Told every line and its answer, for a source of notes that asks what is missing.
        handover: Passes the guardian's notices on; None where nobody is to be told, which the
            guardian then must not promise.
    """

    def __init__(
        self,
        conversation: Conversation,
        persona: Persona,
        sampling: Sampling,
        guardian: Guardian | None = None,
        note_sources: Sequence[NoteSource] = (),
        rewrite: Callable[[str], str] = str,
        intake: IntakeTaker | None = None,
        handover: Handover | None = None,
    ) -> None:
        self.conversation = conversation
        self._sampling = sampling
        self._guardian = guardian
        self._note_sources = tuple(note_sources)
        self._rewrite = rewrite
        self._intake = intake
        self._handover = handover
        if intake is not None:
            intake.bot_text(persona.greeting)
        self._new_limited = partial(LimitedReply, ReplyLimit(persona.style.max_sentences))
        self._cut_mark = persona.cut_mark
        self._language = persona.language
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
        if (scripted := self._scripted(text)) is not None:
            show(scripted)
            self._keep(text, scripted)
            return
        shown = ""
        notes = self._notes_for(text)
        limited = self._new_limited(question=question_of(notes, self._language))
        prompt = [*self.messages, *told(notes), Message("user", text)]
        stream = self.conversation.reply(prompt, self._sampling)
        try:
            async for delta in stream:
                piece, long_enough = limited.feed(self._rewrite(delta.text))
                shown += piece
                show(piece)
                if long_enough:
                    break
            closing = self._rewrite(limited.closing())
            shown += closing
            show(closing)
        except asyncio.CancelledError:
            if shown.strip():
                self._keep(text, shown + self._cut_mark)
            raise
        finally:
            await stream.aclose()
        self._keep(text, shown)

    def _keep(self, text: str, reply: str) -> None:
        self.messages += [Message("user", text), Message("assistant", reply)]
        if self._intake is not None:
            self._intake.caller_text(text)
            self._intake.bot_text(reply)

    def _notes_for(self, text: str) -> list[Note]:
        """What belongs to the answer to this line alone; the log gets the ids of it."""
        notes = [note for one in self._note_sources if (note := one.note(text)) is not None]
        for source in [source for note in notes for source in note.sources]:
            logger.info("answered with %s", source)
        return notes

    def _scripted(self, text: str) -> str | None:
        """The crisis protocol's answer to a line, which never comes from the model."""
        if self._guardian is None:
            return None
        answer = self._guardian.answer(text)
        notice = self._guardian.taken(text)
        if notice is not None:
            for listener in (self._handover, self._intake):
                if listener is not None:
                    listener.note(notice)
        return answer

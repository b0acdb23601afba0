"""The persona in writing: chat completions, whole or streamed."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from agent.persona import Persona
from pipeline.context.notes import NoteSource, told
from pipeline.errors import VoiceError
from pipeline.guard import Guardian
from pipeline.llm.base import LanguageModel, Message, Role, Sampling, TextDelta
from pipeline.text import Language, language_of
from web.openai_api.errors import error_response
from web.openai_api.schema import ChatRequest

logger = logging.getLogger(__name__)

PERSONA_MODEL = "qingting"
MAX_REPLY_TOKENS = 1024  # a written answer may be longer than a spoken one, not endless
_MAX_SYSTEM_CHARS = 4_000  # of a client's own; as in a call, it never replaces the persona
# What the chat template puts around a message and before the answer, for Qwen's.
_TOKENS_PER_MESSAGE = 5
_TOKENS_OF_ANSWER = 3
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}
# Model files are called "Qwen2.5 0.5B Instruct"; clients put ids into addresses and settings.
_NOT_IN_IDS = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class ChatReply:
    """A whole answer.

    Attributes:
        text: What was written.
        finish_reason: "stop" or "length".
        prompt_tokens, completion_tokens: For the client's accounts.
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int

    def usage(self) -> dict[str, int]:
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }


class ChatWriter:
    """Answers chats with the language model of the calls.

    Args:
        model: Shared with the calls, and batched with them.
        personas: Answer every model name but the engine's own, which gets no persona; each
            in its language, the first where a text has none.
        sampling: What holds where a request says nothing.
        new_guardian: Makes what answers a crisis in the model's place, as in a call; the
            bare model has none.
        note_sources: What the persona is told with the last message, as with a turn of a
            call.
    """

    def __init__(
        self,
        model: LanguageModel,
        personas: Mapping[Language, Persona],
        sampling: Sampling,
        new_guardian: Callable[[], Guardian | None] = lambda: None,
        note_sources: Sequence[NoteSource] = (),
    ) -> None:
        self._model = model
        self._personas = personas
        self._sampling = sampling
        self._new_guardian = new_guardian
        self._note_sources = tuple(note_sources)

    @property
    def models(self) -> tuple[str, str]:
        """Ids a client may ask for: the persona, and the bare model."""
        return PERSONA_MODEL, model_id(self._model.name)

    def name_of(self, request: ChatRequest) -> str:
        """Which of them answers; chat bots ask for names like gpt-4o, and get the persona.

        The bare model answers to its id and to its name as the file has it.
        """
        persona, bare = self.models
        return bare if model_id(request.model) == bare else persona

    def messages(self, request: ChatRequest) -> list[Message]:
        """The prompt.

        Raises:
            ApiError: A message that is no text.
        """
        asked = [message.text for message in request.messages if _is_system(message.role)]
        system = "\n\n".join(asked)[:_MAX_SYSTEM_CHARS]
        turns = [
            Message(_ROLES.get(message.role, "user"), message.text)
            for message in request.messages
            if not _is_system(message.role) and message.text
        ]
        if self.name_of(request) != PERSONA_MODEL:
            return [*([Message("system", system)] if system else []), *turns]
        persona = self._persona_for(turns)
        prompt = persona.system_prompt + (f"\n\n{system}" if system else "")
        opening = [Message("system", prompt), *persona.example_messages()]
        return [*opening, *turns[:-1], *self._told(turns), *turns[-1:]]

    def _told(self, turns: Sequence[Message]) -> list[Message]:
        """What the persona should know for the user's last message; the log gets the ids of it."""
        if not turns or turns[-1].role != "user":
            return []
        text = turns[-1].content
        notes = [note for one in self._note_sources if (note := one.note(text)) is not None]
        for source in [source for note in notes for source in note.sources]:
            logger.info("answered with %s", source)
        return told(notes)

    def _persona_for(self, turns: Sequence[Message]) -> Persona:
        """As in a call, the persona speaks the user's language, where it can."""
        usual = next(iter(self._personas))
        said = next((turn.content for turn in reversed(turns) if turn.role == "user"), "")
        return self._personas.get(language_of(said, usual), self._personas[usual])

    def sampling(self, request: ChatRequest) -> Sampling:
        """How the answer is drawn."""
        wanted = request.max_completion_tokens or request.max_tokens
        usual = self._sampling
        return replace(
            usual,
            temperature=_or(request.temperature, usual.temperature),
            top_p=_or(request.top_p, usual.top_p),
            frequency_penalty=_or(request.frequency_penalty, usual.frequency_penalty),
            presence_penalty=_or(request.presence_penalty, usual.presence_penalty),
            seed=secrets.randbelow(1 << 31) if request.seed is None else request.seed % (1 << 31),
            max_tokens=min(wanted or MAX_REPLY_TOKENS, MAX_REPLY_TOKENS),
            stop=request.stops,
        )

    async def scripted(self, request: ChatRequest) -> str | None:
        """The answer to a crisis, which never comes from the model; None otherwise.

        A request carries the whole chat, so the protocol is led through it anew: some
        milliseconds for a turn that is new, in a thread, since calls are heard meanwhile.

        Cancelling stops after the turn that is being read.
        """
        guardian = self._new_guardian() if self.name_of(request) == PERSONA_MODEL else None
        said = [message.text for message in request.messages if message.role == "user"]
        if guardian is None or not said:
            return None
        for text in said[:-1]:
            await asyncio.to_thread(guardian.taken, text)
        return await asyncio.to_thread(guardian.answer, said[-1])

    def count_prompt(self, messages: list[Message]) -> int:
        """Tokens of a prompt, the template's own estimated."""
        content = sum(self._model.count_tokens(message.content) for message in messages)
        return content + _TOKENS_PER_MESSAGE * len(messages) + _TOKENS_OF_ANSWER

    async def deltas(
        self, messages: list[Message], sampling: Sampling, scripted: str | None = None
    ) -> AsyncGenerator[TextDelta, None]:
        """The answer piece by piece; closing it stops the model within one token.

        Args:
            messages: The prompt.
            sampling: How the answer is drawn.
            scripted: The answer, where it is known.

        Raises:
            OverloadedError: No place in the model is free.
            GenerationError: The model failed.
        """
        if scripted is not None:
            yield TextDelta(scripted, self._model.count_tokens(scripted), "stop")
            return
        conversation = self._model.open()
        try:
            async with aclosing(conversation.reply(messages, sampling)) as stream:
                async for delta in stream:
                    yield delta
        finally:
            await conversation.close()

    async def answer(
        self, messages: list[Message], sampling: Sampling, scripted: str | None = None
    ) -> ChatReply:
        """The whole answer; cancelling stops within one token.

        Raises:
            OverloadedError: No place in the model is free.
            GenerationError: The model failed.
        """
        text, tokens, reason = "", 0, "stop"
        async with aclosing(self.deltas(messages, sampling, scripted)) as deltas:
            async for delta in deltas:
                text += delta.text
                tokens = delta.tokens
                reason = _reason(delta) or reason
        # chatgpt-on-wechat takes an answer of no tokens for a failure.
        return ChatReply(text, reason, self.count_prompt(messages), max(tokens, 1))


def model_id(name: str) -> str:
    """A model's name as one word: "Qwen2.5 0.5B" is Qwen2.5-0.5B; an id stays as it is."""
    return _NOT_IN_IDS.sub("-", name).strip("-")


def completion(reply: ChatReply, model: str) -> dict[str, Any]:
    """The answer as `chat.completion`."""
    message = {"role": "assistant", "content": reply.text, "refusal": None}
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": reply.finish_reason,
        "logprobs": None,
    }
    return {**_envelope("chat.completion", model), "choices": [choice], "usage": reply.usage()}


async def completion_events(
    deltas: AsyncGenerator[TextDelta, None],
    first: TextDelta,
    model: str,
    *,
    prompt_tokens: int | None,
) -> AsyncIterator[str]:
    """The answer as server-sent events.

    Args:
        deltas: The rest of the answer.
        first: Its first piece, already there: a failure before it was an HTTP error.
        model: Name shown.
        prompt_tokens: For the usage at the end; None leaves it out.
    """
    envelope = _envelope("chat.completion.chunk", model)

    def event(delta: dict[str, str], reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        return _event({**envelope, "choices": [choice]})

    async with aclosing(deltas):
        yield event({"role": "assistant", "content": ""})
        tokens, last = first.tokens, first
        try:
            if first.text:
                yield event({"content": first.text})
            async for delta in deltas:
                tokens, last = delta.tokens, delta
                if delta.text:
                    yield event({"content": delta.text})
        except VoiceError as error:
            yield _event(json.loads(bytes(error_response(error).body)))
            return
        yield event({}, _reason(last) or "stop")
    if prompt_tokens is not None:
        usage = ChatReply("", "stop", prompt_tokens, max(tokens, 1)).usage()
        yield _event({**envelope, "choices": [], "usage": usage})
    yield "data: [DONE]\n\n"


def _or(given: float | None, usual: float) -> float:
    return usual if given is None else given


def _is_system(role: str) -> bool:
    return role in ("system", "developer")


def _reason(delta: TextDelta) -> str | None:
    return "stop" if delta.finish_reason == "loop" else delta.finish_reason


def _envelope(kind: str, model: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
    }


def _event(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"

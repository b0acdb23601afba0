"""What a language model is to the rest of the pipeline."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

Role: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message.

    Attributes:
        role: Whose it is.
        content: Plain text.
        opening: Whether it belongs to what every prompt of a conversation begins with, and
            stays when history is dropped. System messages at the start do so by themselves.
    """

    role: Role
    content: str
    opening: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn; one seed gives one reply.

    Attributes:
        temperature: 0.0 is greedy.
        top_p: Nucleus, 0.0 to 1.0.
        top_k: 0 is off.
        min_p: Minimum probability relative to the best token.
        repeat_penalty: 1.0 is off; looks back `repeat_last_n` tokens.
        phrase_penalty: Against saying a phrase of the bot's last replies or of the last
            message again: the multiplier of llama.cpp's DRY sampler; 0.0 is off. Engines
            without it ignore it.
        forbidden: Texts of one token each that are never drawn; longer ones are ignored.
        without_chinese: Whether common Chinese characters and marks are never drawn. Engines
            that cannot hold them out ignore it.
        max_tokens: Upper bound of the reply.
        stop: Texts that end the reply and are not part of it.
        grammar: GBNF with a rule `root` that the reply follows to its end; empty allows
            everything. Engines without grammars ignore it, so what it holds out must be
            checked again.
    """

    temperature: float = 0.6
    top_p: float = 0.9
    top_k: int = 40
    min_p: float = 0.05
    repeat_penalty: float = 1.1
    repeat_last_n: int = 64
    phrase_penalty: float = 2.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int = 0
    max_tokens: int = 120
    stop: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    without_chinese: bool = False
    grammar: str = ""


FinishReason: TypeAlias = Literal["stop", "length", "loop"]


@dataclass(frozen=True, slots=True)
class TextDelta:
    """One step of a reply.

    Attributes:
        text: Complete characters only, never half a UTF-8 sequence; may be empty.
        tokens: Tokens generated so far.
        finish_reason: Set on the last delta, else None. "loop" means that the model
            repeated itself and was stopped.
    """

    text: str
    tokens: int
    finish_reason: FinishReason | None = None


class Conversation(Protocol):
    """One call's place in the shared model; its key-value cache is kept between turns."""

    async def prefill(
        self, messages: Sequence[Message], user_so_far: str, *, background: bool = False
    ) -> float:
        """Evaluate the prompt up to the words the user has said so far.

        Args:
            messages: History, system message first, without the turn under way.
            user_so_far: The turn under way, as recognised; trailing punctuation is
                ignored for the probability.
            background: Only while no conversation asks for anything else.

        Returns:
            Probability that the turn ends here: that the next token is the end-of-turn
            token or sentence punctuation.

        Raises:
            GenerationError: The model failed.

        Cancelling stops between two batches of at most `prefill_batch_tokens`.
        """
        ...

    def reply(
        self, messages: Sequence[Message], sampling: Sampling, *, background: bool = False
    ) -> AsyncGenerator[TextDelta, None]:
        """Stream the assistant's answer to `messages`, whose last message is the user's.

        History that does not fit is dropped from the oldest turn on, most of it at
        once; the opening and the last user message are never cut.

        Args:
            messages: The conversation, system message first.
            sampling: How tokens are drawn.
            background: Whether nobody listens for this answer: it is worked on only in
                steps in which no conversation asks for anything else.

        Raises:
            GenerationError: The model failed, the last message alone does not fit, or the
                grammar cannot be read.

        Closing the generator or cancelling its consumer stops within one token. Replies
        may run at the same time as others' and are decoded in one batch. What was
        evaluated stays in the cache for the next request.
        """
        ...

    async def close(self) -> None:
        """Give the conversation's sequences back. Safe to call twice."""
        ...


class LanguageModel(Protocol):
    """A chat model loaded once per process and shared by calls."""

    name: str

    def open(self) -> Conversation:
        """A new conversation.

        Raises:
            OverloadedError: No sequence is free.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of `text`, without special ones."""
        ...

    async def close(self) -> None:
        """Stop the worker and free the model; running replies fail."""
        ...

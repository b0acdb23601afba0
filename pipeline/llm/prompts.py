"""From messages to the tokens of a prompt that fits."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.llm.base import Message
from pipeline.llm.prompt import ChatTemplate
from pipeline.llm.trim import trim
from pipeline.llm.turn_end import without_trailing_punctuation
from pipeline.llm.vocabulary import Vocabulary

# Room kept for the reply when history is trimmed. It does not depend on a request's own
# `max_tokens`, so that a prefill and the reply that follows drop the same history.
REPLY_RESERVE_TOKENS = 256

# The bot's last replies in which a phrase counts as just said.
REMEMBERED_REPLIES = 4


class PromptBuilder:
    """Renders, trims and tokenises for one model. Any thread may use it."""

    def __init__(
        self, template: ChatTemplate, vocabulary: Vocabulary, conversation_tokens: int
    ) -> None:
        """Args:
        template: The model's chat template.
        vocabulary: The model's vocabulary.
        conversation_tokens: Most tokens of a prompt with its reply.
        """
        self._template = template
        self._vocabulary = vocabulary
        reserve = min(REPLY_RESERVE_TOKENS, conversation_tokens // 4)
        self._budget_tokens = conversation_tokens - reserve

    def reply_prompt(self, messages: Sequence[Message]) -> list[int]:
        """Tokens of the prompt that the assistant answers.

        Raises:
            GenerationError: The system message and the last message alone do not fit.
        """
        tokens: list[int] = []

        def count_tokens(kept: Sequence[Message]) -> int:
            nonlocal tokens
            tokens = self._vocabulary.prompt_tokens(self._template.render(kept))
            return len(tokens)

        trim([self._plain(message) for message in messages], count_tokens, self._budget_tokens)
        return tokens

    def open_turn_prompt(self, messages: Sequence[Message], user_so_far: str) -> list[int]:
        """Tokens up to the user's last word so far, its trailing punctuation left out.

        Raises:
            GenerationError: The system message and the words alone do not fit.
        """
        tokens: list[int] = []
        said = Message("user", without_trailing_punctuation(user_so_far))

        def count_tokens(kept: Sequence[Message]) -> int:
            nonlocal tokens
            prompt = self._template.render_open_turn(kept[:-1], kept[-1].content)
            tokens = self._vocabulary.prompt_tokens(prompt)
            return len(tokens)

        trim(
            [self._plain(message) for message in (*messages, said)],
            count_tokens,
            self._budget_tokens,
        )
        return tokens

    def just_said(self, messages: Sequence[Message]) -> list[int]:
        """Tokens of the assistant's last replies and of the last message, the user's.

        Oldest first, with a line break after each.
        """
        replies = [message.content for message in messages if message.role == "assistant"]
        texts = [*replies[-REMEMBERED_REPLIES:], messages[-1].content]
        return self._vocabulary.text_tokens("".join(f"{text}\n" for text in texts))

    def _plain(self, message: Message) -> Message:
        return Message(message.role, self._vocabulary.without_markers(message.content))

"""From messages to the tokens of a prompt that fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from pipeline.llm.base import Message
from pipeline.llm.prompt import ChatTemplate
from pipeline.llm.trim import HistoryWindow
from pipeline.llm.turn_end import without_trailing_punctuation
from pipeline.llm.vocabulary import Vocabulary

# Room kept for the reply when history is trimmed. It does not depend on a request's own
# `max_tokens`, so that a prefill and the reply that follows drop the same history.
REPLY_RESERVE_TOKENS = 256

# Of the prompt, what is kept free for a turn that has not begun: with the default context
# 240 tokens, a minute of speech or a note and a short turn.
NEXT_TURN_SHARE = 16

# The bot's last replies in which a phrase counts as just said.
REMEMBERED_REPLIES = 4


class PromptBuilder:
    """Renders, trims and tokenises for one conversation, which it follows as it grows."""

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
        self._window = HistoryWindow()
        reserve = min(REPLY_RESERVE_TOKENS, conversation_tokens // 4)
        self._budget_tokens = conversation_tokens - reserve

    def reply_prompt(self, messages: Sequence[Message]) -> list[int]:
        """Tokens of the prompt that the assistant answers.

        Raises:
            GenerationError: The system message and the last message alone do not fit.
        """
        return self._fitting(messages, self._template.render)

    def open_turn_prompt(self, messages: Sequence[Message], user_so_far: str) -> list[int]:
        """Tokens up to the user's last word so far, its trailing punctuation left out.

        Before the first word there is still time to evaluate a shorter history, so that one
        leaves room for the turn and the notes that come with it.

        Raises:
            GenerationError: The system message and the words alone do not fit.
        """
        said = Message("user", without_trailing_punctuation(user_so_far))
        return self._fitting(
            [*messages, said],
            lambda kept: self._template.render_open_turn(kept[:-1], kept[-1].content),
            spare_tokens=0 if said.content else self._budget_tokens // NEXT_TURN_SHARE,
        )

    def just_said(self, messages: Sequence[Message]) -> list[int]:
        """Tokens of the assistant's last replies and of the last message, the user's.

        Oldest first, with a line break after each.
        """
        replies = [message.content for message in messages if message.role == "assistant"]
        texts = [*replies[-REMEMBERED_REPLIES:], messages[-1].content]
        return self._vocabulary.text_tokens("".join(f"{text}\n" for text in texts))

    def _fitting(
        self,
        messages: Sequence[Message],
        render: Callable[[Sequence[Message]], str],
        spare_tokens: int = 0,
    ) -> list[int]:
        """Tokens of what `render` makes of as many messages as fit; see `HistoryWindow.trim`."""
        prompts: dict[tuple[Message, ...], list[int]] = {}

        def count_tokens(kept: Sequence[Message]) -> int:
            prompts[tuple(kept)] = tokens = self._vocabulary.prompt_tokens(render(kept))
            return len(tokens)

        plain = [self._plain(message) for message in messages]
        kept = self._window.trim(plain, count_tokens, self._budget_tokens, spare_tokens)
        return prompts[tuple(kept)]

    def _plain(self, message: Message) -> Message:
        return replace(message, content=self._vocabulary.without_markers(message.content))

"""Which history still fits, decided so that the key-value cache survives it.

    opening │ turn turn turn turn turn turn turn turn turn │ turn turn turn │ the last message
            └────────────── forgotten at once ─────────────┘ └ kept, grows ─┘

Whatever stands behind the first kept turn has to be evaluated again when that turn moves.
So it moves rarely and far: once the prompt is full, most of the history goes, and until it
is full again no turn is dropped. The opening, which holds a small model's style, never goes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from pipeline.errors import GenerationError
from pipeline.llm.base import Message

# No tokenizer makes more than one token of a byte (of Mandarin, one of three or four), so
# this fits the default context of 4,096 beside the persona whatever is written: a thousand
# characters, or five hundred words, some four minutes of speech.
MAX_TURN_BYTES = 3_000
BLOCK_CHARS = 256  # a minute of Mandarin

# Of the room for history, what is kept when it is full. Evaluating a quarter of the default
# context again (890 tokens, some 19 exchanges) takes one core 6 s with the 0.5B, about as
# long as a caller thinks and speaks; a half takes 18 s, since each word reads all before it.
KEPT_SHARE = 4


class HistoryWindow:
    """Where the kept history of one conversation begins, from prompt to prompt.

    It holds for one growing list of messages; another list begins with all of its own.
    """

    def __init__(self) -> None:
        self._start = 0
        self._first: Message | None = None  # what stood at the start when it last moved

    def trim(
        self,
        messages: Sequence[Message],
        count_tokens: Callable[[Sequence[Message]], int],
        budget_tokens: int,
        spare_tokens: int = 0,
    ) -> list[Message]:
        """Drop the older part of the history when the prompt is full.

        Args:
            messages: The conversation. Its opening (leading system messages and those marked
                as `Message.opening`) and the last message are kept.
            count_tokens: Tokens of the whole prompt that these messages make.
            budget_tokens: Most tokens the prompt may have.
            spare_tokens: Room that shall be left if dropping history can leave it.

        Returns:
            The opening, then the messages from a user's on, up to the last: all that were
            kept the time before if they fit; else the most that take no more than one part
            in `KEPT_SHARE` of what the opening and the last message leave; else the most that
            fit. Where the opening leaves no room for the last message, its examples go, too.

        Raises:
            GenerationError: The system messages and the last message alone do not fit.
        """
        opening = _opening_length(messages)
        head, turns = list(messages[:opening]), list(messages[opening:])
        start = self._start if self._begins(turns) else 0
        if count_tokens(head + turns[start:]) > budget_tokens - spare_tokens:
            head, least_tokens = _affordable(head, turns[-1:], count_tokens, budget_tokens)
            room = budget_tokens - least_tokens
            limits = (least_tokens + room // KEPT_SHARE, budget_tokens)
            start = _best_start(head, turns, start, count_tokens, limits)
        self._start, self._first = start, turns[start] if start else None
        return head + turns[start:]

    def _begins(self, turns: Sequence[Message]) -> bool:
        return self._start < len(turns) and turns[self._start] == self._first


def ending(text: str) -> str:
    """As much of the end of a turn as the model can always be asked about.

    A turn that grows loses its beginning in blocks of `BLOCK_CHARS`, so that what was
    evaluated of it stays of use.
    """
    start = 0
    while len(text[start:].encode(errors="replace")) > MAX_TURN_BYTES:
        start += BLOCK_CHARS
    return text[start:]


def _affordable(
    opening: list[Message],
    last: list[Message],
    count_tokens: Callable[[Sequence[Message]], int],
    budget_tokens: int,
) -> tuple[list[Message], int]:
    """The opening, without its examples if need be, and its tokens with the last message."""
    for head in (opening, [message for message in opening if message.role == "system"]):
        tokens = count_tokens(head + last)
        if tokens <= budget_tokens:
            return head, tokens
    raise GenerationError("The last message is too long for the model's context", retryable=False)


def _best_start(
    head: list[Message],
    turns: list[Message],
    start: int,
    count_tokens: Callable[[Sequence[Message]], int],
    limits: Sequence[int],
) -> int:
    """The earliest beginning, from `start` on, that meets the first limit that any meets.

    Only the last message is left where none does.
    """
    last = max(len(turns) - 1, 0)
    starts = [start, *(at for at in range(start + 1, last) if turns[at].role == "user")]
    for limit in limits:
        found = bisect_left(starts, True, key=lambda at: count_tokens(head + turns[at:]) <= limit)
        if found < len(starts):
            return starts[found]
    return last


def _opening_length(messages: Sequence[Message]) -> int:
    length = 0
    while length < len(messages) and (
        messages[length].role == "system" or messages[length].opening
    ):
        length += 1
    return length

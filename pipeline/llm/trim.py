"""Which history still fits, decided so that the key-value cache survives it.

Dropping one turn at a time would move the start of the history with every reply, and
everything behind the start would have to be evaluated again each time. History is
dropped in blocks instead: the start stays where it is for several turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.errors import GenerationError
from pipeline.llm.base import Message

BLOCK_MESSAGES = 8  # four turns of user and assistant
# No tokenizer makes more than one token of a byte (of Mandarin, one of three or four), so
# this fits the default context of 4,096 beside the persona whatever is written: a thousand
# characters, or five hundred words, some four minutes of speech.
MAX_TURN_BYTES = 3_000
BLOCK_CHARS = 256  # a minute of Mandarin


def trim(
    messages: Sequence[Message],
    count_tokens: Callable[[Sequence[Message]], int],
    budget_tokens: int,
) -> list[Message]:
    """Drop the oldest turns until the rest fits.

    Args:
        messages: The conversation; leading system messages and the last message are kept.
        count_tokens: Tokens of the whole prompt that these messages make.
        budget_tokens: Most tokens the prompt may have.

    Returns:
        Leading system messages, then the longest ending of the rest that starts at a
        multiple of `BLOCK_MESSAGES` and fits; where none fits, the longest that does.
        It starts with a user message unless only the last message is left, or all are.

    Raises:
        GenerationError: The system messages and the last message alone do not fit.
    """
    system = _leading_system_messages(messages)
    head, turns = list(messages[:system]), list(messages[system:])
    for start in _starts(turns):
        kept = head + turns[start:]
        if count_tokens(kept) <= budget_tokens:
            return kept
    raise GenerationError("The last message is too long for the model's context", retryable=False)


def ending(text: str) -> str:
    """As much of the end of a turn as the model can always be asked about.

    A turn that grows loses its beginning in blocks of `BLOCK_CHARS`, so that what was
    evaluated of it stays of use.
    """
    start = 0
    while len(text[start:].encode(errors="replace")) > MAX_TURN_BYTES:
        start += BLOCK_CHARS
    return text[start:]


def _starts(turns: Sequence[Message]) -> list[int]:
    """Where the kept history may begin, in order of preference."""
    last = max(len(turns) - 1, 0)
    openings = [at for at in range(1, last) if turns[at].role == "user"]
    blocks = []
    for border in range(BLOCK_MESSAGES, last, BLOCK_MESSAGES):
        opening = next((at for at in openings if at >= border), None)
        if opening is not None and opening not in blocks:
            blocks.append(opening)
    return [0, *blocks, *(at for at in openings if at not in blocks), *([last] if last else [])]


def _leading_system_messages(messages: Sequence[Message]) -> int:
    count = 0
    while count < len(messages) and messages[count].role == "system":
        count += 1
    return count

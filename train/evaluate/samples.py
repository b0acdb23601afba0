"""Held-out replies to measure by, each with as much before it as the model can take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pipeline.errors import DataError
from pipeline.llm.base import Message
from train import schema


@dataclass(frozen=True, slots=True)
class Sample:
    """A held-out reply with what was said before it."""

    messages: tuple[Message, ...]
    reply: str


def samples_of(records: Sequence[schema.Record], system: str | None, count: int) -> list[Sample]:
    """Held-out replies, spread evenly over the file.

    Args:
        records: Held out of training.
        system: System prompt of conversations that bring none.
        count: How many at most.

    Raises:
        DataError: There is none.
    """
    found = []
    for record in records:
        if not isinstance(record, schema.Conversation):
            continue
        prompt = record.system or system
        head = [Message("system", prompt)] if prompt else []
        turns = [Message(turn.role, turn.content) for turn in record.messages]
        found += [
            Sample((*head, *turns[:index]), turn.content)
            for index, turn in enumerate(turns)
            if turn.role == "assistant" and record.messages[index].weight
        ]
    if not found:
        raise DataError("there is no held-out reply to measure by; give some with --validation")
    step = max(1, len(found) / count)
    return [found[int(number * step)] for number in range(min(count, len(found)))]


def fitted(
    samples: Sequence[Sample], tokens: Callable[[Sequence[Message]], int], limit: int
) -> list[Sample]:
    """Samples without their oldest turns, as many as are too much for the model.

    Those whose system prompt and last question alone are too long are left out.

    Args:
        samples: As `samples_of` gives them.
        tokens: Length of a prompt.
        limit: Most that it may be.

    Raises:
        DataError: None is left.
    """
    found = []
    for sample in samples:
        head = [message for message in sample.messages if message.role == "system"]
        turns = list(sample.messages[len(head) :])
        while turns and tokens([*head, *turns]) > limit:
            # Two at a time, so that the prompt still begins with the user.
            turns = turns[2:]
        if turns:
            found.append(replace(sample, messages=(*head, *turns)))
    if not found:
        raise DataError(f"every held-out question is longer than {limit} tokens; give shorter ones")
    return found

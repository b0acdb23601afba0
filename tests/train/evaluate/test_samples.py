"""Held-out replies fit into the model, whatever was said before them."""

from __future__ import annotations

import pytest

from pipeline.errors import DataError
from pipeline.llm.base import Message
from tests.train.tiny import chat_format
from train import schema
from train.evaluate.samples import fitted, samples_of
from train.render import Masking, Renderer


def conversation(*texts: str) -> schema.Conversation:
    messages = tuple(
        schema.Message(role="assistant" if number % 2 else "user", content=text)
        for number, text in enumerate(texts)
    )
    return schema.Conversation(
        id=schema.conversation_id(messages), source="test", system="s", messages=messages
    )


def prompt_tokens(messages) -> int:
    form = chat_format()
    return len(Renderer(form.template, form.tokens, Masking()).prompt_ids(messages))


def test_samples_are_spread_over_the_file():
    """Each has all that was said before it."""
    records = [conversation(str(n), "a", "b", "c") for n in range(10)]
    samples = samples_of(records, None, 5)
    assert [sample.messages[1].content for sample in samples] == ["0", "2", "4", "6", "8"]
    assert samples[0].messages == (Message("system", "s"), Message("user", "0"))
    assert samples_of(records, None, 100)[1].messages[1:] == (
        Message("user", "0"),
        Message("assistant", "a"),
        Message("user", "b"),
    )


def test_the_oldest_turns_of_a_long_conversation_are_dropped():
    """As many pairs as must be; system prompt and question stay, and so does what fits."""
    turns = [word * 200 for word in "abcdefghi"]
    sample = samples_of([conversation(*turns, "reply")], None, 10)[-1]
    assert prompt_tokens(sample.messages) > 1000
    (short,) = fitted([sample], prompt_tokens, 1000)
    assert prompt_tokens(short.messages) <= 1000
    assert [message.content[0] for message in short.messages] == ["s", "g", "h", "i"]
    assert short.reply == "reply"
    longer = [Message("system", "s"), *sample.messages[5:]]
    assert prompt_tokens(longer) > 1000


def test_a_question_that_alone_is_too_long_is_left_out():
    """Others are measured as they are; where none is left the sentence says why."""
    good, bad = conversation("hi", "reply"), conversation("x" * 2000, "reply")
    samples = samples_of([bad, good], None, 10)
    assert fitted(samples, prompt_tokens, 1000) == samples[1:]
    with pytest.raises(DataError, match="longer than 1000 tokens"):
        fitted(samples[:1], prompt_tokens, 1000)

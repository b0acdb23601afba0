"""History is dropped in blocks from the oldest turn on."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import GenerationError
from pipeline.llm.base import Message
from pipeline.llm.trim import BLOCK_CHARS, BLOCK_MESSAGES, MAX_TURN_BYTES, ending, trim

SYSTEM = Message("system", "s" * 10)


def count(messages):
    return sum(len(message.content) for message in messages)


def conversation(turns, length=10):
    """System message, then `turns` of user and assistant, then the user's last message."""
    messages = [SYSTEM]
    for number in range(turns):
        messages.append(Message("user", f"u{number}".ljust(length, ".")))
        messages.append(Message("assistant", f"a{number}".ljust(length, ".")))
    return [*messages, Message("user", "last".ljust(length, "."))]


def test_what_fits_stays_whole():
    """Nothing is dropped while everything fits."""
    messages = conversation(5)
    assert trim(messages, count, count(messages)) == messages


@given(st.integers(0, 30), st.integers(20, 400), st.integers(4, 30))
def test_system_and_last_message_are_never_cut(turns, budget, length):
    """Whatever is dropped, both ends stay and the middle is the latest history."""
    messages = conversation(turns, length)
    if count([messages[0], messages[-1]]) > budget:
        with pytest.raises(GenerationError):
            trim(messages, count, budget)
        return
    kept = trim(messages, count, budget)
    assert kept[0] == SYSTEM
    assert kept[1:] == messages[len(messages) - len(kept) + 1 :]
    assert count(kept) <= budget
    assert kept[1].role == "user"


def test_the_start_of_history_stays_put_between_blocks():
    """While a conversation grows, its first kept message moves once in a block."""
    starts = [trim(conversation(turns), count, 300)[1] for turns in range(40)]
    moves = sum(1 for one, other in itertools.pairwise(starts) if one != other)
    assert moves <= 2 * 40 // BLOCK_MESSAGES


def test_a_greeting_goes_with_its_turn():
    """History never begins with an answer to something that was dropped."""
    greeting = Message("assistant", "hello".ljust(10))
    messages = [SYSTEM, greeting, *conversation(10)[1:]]
    assert trim(messages, count, 120)[1].role == "user"


def test_a_last_message_that_does_not_fit_is_an_error():
    """The error says so and is not worth a second try."""
    with pytest.raises(GenerationError) as failure:
        trim([SYSTEM, Message("user", "u" * 100)], count, 50)
    assert not failure.value.retryable


@given(st.text(min_size=1), st.integers(0, 3_000))
def test_of_a_long_turn_the_end_is_kept(text, times):
    """Whole if it fits; else it begins at a block and is no shorter than it must be."""
    turn = text * times
    kept = ending(turn)
    assert turn.endswith(kept)
    assert len(kept.encode(errors="replace")) <= MAX_TURN_BYTES
    dropped = len(turn) - len(kept)
    assert (
        dropped == 0 or len(turn[dropped - BLOCK_CHARS :].encode(errors="replace")) > MAX_TURN_BYTES
    )


def test_a_growing_turn_keeps_its_beginning_for_a_block_of_it():
    """What the model has evaluated of it is not thrown away with every word."""
    dropped = {length - len(ending("很" * length)) for length in range(1_000, 1_256)}
    assert dropped == {0, BLOCK_CHARS}

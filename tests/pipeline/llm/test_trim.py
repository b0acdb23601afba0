"""History is dropped from the oldest turn on, much of it at once."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import GenerationError
from pipeline.llm.base import Message
from pipeline.llm.trim import BLOCK_CHARS, MAX_TURN_BYTES, HistoryWindow, ending

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


def trimmed(messages, budget, spare=0):
    """What a conversation that begins with these messages keeps of them."""
    return HistoryWindow().trim(messages, count, budget, spare)


def test_what_fits_stays_whole():
    """Nothing is dropped while everything fits."""
    messages = conversation(5)
    assert trimmed(messages, count(messages)) == messages


@given(st.integers(0, 30), st.integers(20, 400), st.integers(4, 30), st.integers(0, 40))
def test_system_and_last_message_are_never_cut(turns, budget, length, spare):
    """Whatever is dropped, both ends stay and the middle is the latest history."""
    messages = conversation(turns, length)
    if count([messages[0], messages[-1]]) > budget:
        with pytest.raises(GenerationError):
            trimmed(messages, budget, spare)
        return
    kept = trimmed(messages, budget, spare)
    assert kept[0] == SYSTEM
    assert kept[1:] == messages[len(messages) - len(kept) + 1 :]
    assert count(kept) <= budget
    assert kept[1].role == "user"


def test_a_full_prompt_loses_most_of_its_history_and_grows_until_it_is_full_again():
    """Of a call that fills its prompt many times, nothing is dropped in between."""
    window = HistoryWindow()
    lengths = [len(window.trim(conversation(turns), count, 500)) for turns in range(200)]
    full, shortened = [], []
    for before, after in itertools.pairwise(lengths):
        assert after == before + 2 or after < before
        if after < before:
            full.append(before)
            shortened.append(after)
    assert len(full) > 5
    assert set(full[1:]) == {full[0]}
    assert all(0.2 * full[0] < length < 0.35 * full[0] for length in shortened)


def test_history_that_was_dropped_does_not_come_back():
    """A short note after a long one fits beside more, but that would be evaluated again."""
    window = HistoryWindow()
    history = conversation(20)
    note = Message("system", "n" * 200)
    kept = window.trim([*history[:-1], note, history[-1]], count, 500)
    assert window.trim(history, count, 500) == [one for one in kept if one is not note]


def test_room_is_made_before_it_is_needed():
    """Where room shall be left, history goes one turn earlier, and stays gone."""
    messages = conversation(20)
    window = HistoryWindow()
    assert window.trim(messages, count, count(messages)) == messages
    ahead = window.trim(messages, count, count(messages), spare_tokens=5)
    assert len(ahead) < len(messages)
    assert window.trim(messages, count, count(messages)) == ahead


@given(st.integers(0, 30), st.integers(15, 100))
def test_another_conversation_begins_with_all_of_its_own(turns, turns_before):
    """A window that has moved over one history says nothing about another."""
    window = HistoryWindow()
    window.trim(conversation(turns_before, length=11), count, 300)
    messages = conversation(turns)
    assert window.trim(messages, count, 300) == trimmed(messages, 300)


def test_the_examples_of_the_opening_outlive_the_oldest_turns():
    """They are no turns of the call, though they look like it."""
    examples = [Message("user", "hi", opening=True), Message("assistant", "mm", opening=True)]
    messages = [SYSTEM, *examples, *conversation(40)[1:]]
    kept = trimmed(messages, 300)
    assert kept[:3] == [SYSTEM, *examples]
    assert len(kept) < len(messages)


def test_examples_give_way_to_a_turn_that_would_not_fit_beside_them():
    """The caller is answered, if without them."""
    example = Message("user", "e" * 50, opening=True)
    last = Message("user", "u" * 80)
    assert trimmed([SYSTEM, example, last], 100) == [SYSTEM, last]


def test_a_greeting_goes_with_its_turn():
    """History never begins with an answer to something that was dropped."""
    greeting = Message("assistant", "hello".ljust(10))
    messages = [SYSTEM, greeting, *conversation(10)[1:]]
    assert trimmed(messages, 120)[1].role == "user"


def test_a_last_message_that_does_not_fit_is_an_error():
    """The error says so and is not worth a second try."""
    with pytest.raises(GenerationError) as failure:
        trimmed([SYSTEM, Message("user", "u" * 100)], 50)
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

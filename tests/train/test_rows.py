"""Rows of a run: who is held out, what is kept, what is joined."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import DataError
from tests.train.tiny import chat_format
from train import schema
from train.recipe import Recipe
from train.render import IGNORED, Row
from train.rows import examples, hold_out, load_rows, make_rows, read_records, save_rows
from train.start import marked, refuse_leak


def conversation(text: str) -> schema.Conversation:
    messages = (
        schema.Message(role="user", content=text),
        schema.Message(role="assistant", content=f"re {text}"),
    )
    return schema.Conversation(
        id=schema.conversation_id(messages), source="test", system="s", messages=messages
    )


@given(st.lists(st.integers(0, 30), min_size=1), st.floats(0, 0.5))
def test_the_same_conversation_is_never_on_both_sides(numbers, share):
    """However often it occurs, and with whatever beside it."""
    training, validation = hold_out([conversation(str(n)) for n in numbers], share)
    assert not {record.id for record in training} & {record.id for record in validation}
    assert len(training) + len(validation) == len(numbers)


def test_about_the_wanted_share_is_held_out():
    """A hash is as good as a draw."""
    _, validation = hold_out([conversation(str(n)) for n in range(2000)], 0.1)
    assert 150 < len(validation) < 250


def test_a_leak_is_refused():
    """A validation file that repeats training measures nothing."""
    with pytest.raises(DataError, match="both"):
        refuse_leak([conversation("a")], [conversation("a")])


def test_rows_survive_the_disk(tmp_path):
    """What is loaded is what was saved, hash included."""
    made = make_rows(chat_format(), Recipe(), [conversation("a"), conversation("b")], [])
    save_rows(tmp_path / "rows.jsonl", made.training)
    assert tuple(load_rows(tmp_path / "rows.jsonl")) == made.training


def test_rows_of_a_pack_do_not_teach_each_other():
    """Positions start anew with each row, and its first token has no label."""
    rows = [Row((1, 2, 3), (1, 2, 3), "a"), Row((4, 5), (4, 5), "b")]
    (example,) = examples(rows, 8, packing=True)
    assert example.positions == (0, 1, 2, 0, 1)
    assert example.labels == (IGNORED, 2, 3, IGNORED, 5)


def test_without_packing_each_row_stands_alone():
    """In the order given."""
    rows = [Row((1, 2, 3), (1, 2, 3), "a"), Row((4, 5), (4, 5), "b")]
    assert [example.ids for example in examples(rows, 8, packing=False)] == [(1, 2, 3), (4, 5)]


def test_a_wrong_kind_of_record_is_refused(tmp_path):
    """Preferences cannot be learned as dialogues."""
    path = tmp_path / "set.jsonl"
    schema.write(path, [conversation("a")])
    assert len(read_records(path, "sft")) == 1
    with pytest.raises(DataError, match="Preference"):
        read_records(path, "dpo")


def test_too_long_a_limit_is_named():
    """When nothing fits the message says which setting to raise."""
    with pytest.raises(DataError, match="max_tokens"):
        make_rows(chat_format(), Recipe(max_tokens=16), [conversation("long enough")], [])


def test_the_marked_row_shows_what_is_learned():
    """For people without colours, and for the run folder."""
    form = chat_format()
    made = make_rows(form, Recipe(learn_user_turn_end=False), [conversation("a")], [])
    (row,) = made.training
    assert isinstance(row, Row)
    assert "⟦re a<|im_end|>⟧" in marked(row, form)

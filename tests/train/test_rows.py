"""Rows of a run: who is held out, what is kept, what is joined."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import DataError
from tests.train.tiny import chat_format
from train import schema
from train.mix.spoken import original_id, spoken_copies
from train.recipe import Recipe
from train.render import IGNORED, Row
from train.rows import (
    examples,
    hold_out,
    load_rows,
    make_rows,
    read_records,
    refuse_leak,
    save_rows,
)
from train.start import marked


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


def test_a_spoken_copy_is_never_held_out_nor_learned_beside_its_held_out_original():
    """An unsplit mix is parted by its originals, which fall as they would without copies."""
    originals = [conversation(f"今天是第{n}天，我睡不好。") for n in range(300)]
    copies = list(spoken_copies(originals, 1.0))
    assert len(copies) > 250
    training, validation = hold_out([*copies, *originals], 0.1)
    assert validation == hold_out(originals, 0.1)[1]
    held_out = {record.id for record in validation}
    assert held_out
    assert not held_out & {original_id(record) for record in training}
    assert len(training) + len(validation) == 600 - sum(
        original_id(copy) in held_out for copy in copies
    )


def test_a_spoken_copy_without_its_original_is_a_row_like_others():
    """There is nothing that it could give away."""
    copies = list(spoken_copies([conversation(f"我睡不好，第{n}天。") for n in range(300)], 1.0))
    training, validation = hold_out(copies, 0.1)
    assert len(training) + len(validation) == len(copies)
    assert validation


def test_older_runs_are_parted_as_they_were():
    """Each record by its own words, so that what they learned from is known."""
    originals = [conversation(f"今天是第{n}天，我睡不好。") for n in range(300)]
    copies = list(spoken_copies(originals, 1.0))
    training, validation = hold_out([*originals, *copies], 0.1, "words")
    assert len(training) + len(validation) == len(originals) + len(copies)
    assert validation == [*hold_out(originals, 0.1)[1], *hold_out(copies, 0.1)[1]]


def test_a_leak_is_refused():
    """A validation file that repeats training measures nothing, in spoken words neither."""
    with pytest.raises(DataError, match="both"):
        refuse_leak([conversation("a")], [conversation("a")])
    original = conversation("我今天睡不好。")
    with pytest.raises(DataError, match="both"):
        refuse_leak(list(spoken_copies([original], 1.0)), [original])


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

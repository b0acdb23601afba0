"""Chats whose messages are not in order of time."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.train.importers.chats import read, said
from train.importers import ordering
from train.importers.events import Event
from train.importers.ordering import Disorder, in_order
from train.tally import Tally

MESSAGES = st.lists(st.tuples(st.sampled_from("ab"), st.none() | st.integers(0, 9)), max_size=20)


@given(messages=MESSAGES, run=st.integers(1, 7))
def test_in_order_is_a_stable_sort_within_each_chat(messages, run):
    """However long the runs, each chat is sorted, equal times keep their order, none is lost."""
    events = [
        Event(line, None if time is None else float(time), "", "", chat=chat)
        for line, (chat, time) in enumerate(messages)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering, "_RUN_EVENTS", run)
        found = list(in_order(events))
    assert sorted(event.line for event in found) == list(range(len(events)))
    for chat in "ab":
        timed = [event for event in found if event.chat == chat and event.time is not None]
        assert timed == sorted(timed, key=lambda event: (event.time, event.line))


def test_disorder_knows_chats_and_clocks():
    """A later chat's earlier times and a minute's disagreement are no disorder."""
    disorder = Disorder()
    for chat, time in [("a", 100.0), ("b", 5.0), ("a", 50.0), ("a", 39.0)]:
        disorder.see(Event(1, time, "", "", chat=chat))
    assert disorder.behind == 1


def test_a_chat_with_the_newest_first_is_turned_round(tmp_path):
    """Replies follow what they answer, and the report says that the file was in another order."""
    rows = [
        [f"2024-06-01 10:{minute:02}:00", "我" if minute % 2 else "他", f"第{minute}句"]
        for minute in range(6)
    ]
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows[::-1], ensure_ascii=False), encoding="utf-8")
    tally = Tally()
    assert said(read(path, tally=tally)) == [[text for _, _, text in rows]]
    assert tally.notes == [
        "rows.json is not in order of time (4 messages are older than one before them); "
        "it was read in order"
    ]


def test_monkey_keeps_the_order_of_the_file(tmp_path):
    """The seed reads rows as they come."""
    rows = [["2024-06-01 10:05:00", "他", "a"], ["2024-06-01 10:00:00", "我", "b"]]
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    assert said(read(path, preset="monkey")) == [["a", "b"]]

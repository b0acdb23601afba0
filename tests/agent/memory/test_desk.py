"""Memories are read, corrected and forgotten by their own caller alone."""

from __future__ import annotations

import pytest

from agent.intake.desk import IntakeDesk
from agent.intake.taker import IntakeTaker
from agent.memory.summary import summarise
from agent.store.kept import Consent
from pipeline.errors import StoreError
from tests.agent.memory.conftest import CALLER


def texts(desk, caller=CALLER):
    return [line.text for line in desk.lines(caller)]


def test_the_newest_call_comes_first(desk):
    """Every line names its call."""
    lines = desk.lines(CALLER)
    assert [(line.line_id, line.text) for line in lines] == [
        ("call_2.1", "to sleep"),
        ("call_1.1", "Darren"),
        ("call_1.2", "drinking"),
    ]
    assert lines[0].said_at > lines[1].said_at


def test_a_stranger_is_not_remembered(desk):
    """Nor told apart from one who never called."""
    assert desk.lines("nobody") == []


def test_a_correction_takes_the_old_words_place(desk, store):
    """The line keeps its id; the audit log says that it happened, not what."""
    desk.correct(CALLER, "call_1.2", "the drinking, which is better")
    assert texts(desk) == ["to sleep", "Darren", "the drinking, which is better"]
    assert desk.lines(CALLER)[2].corrected
    assert ("corrected", "call_1") in [(entry.action, entry.call_id) for entry in store.audit()]


def test_a_line_is_forgotten_without_a_trace(desk, store, tmp_path):
    """Its ciphertext is gone from the file and its log."""
    sealed = [
        row[0] for row in store._file._db.execute("SELECT content FROM items WHERE kind='memory'")
    ]
    desk.forget_line(CALLER, "call_2.1")
    assert texts(desk) == ["Darren", "drinking"]
    bytes_left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert sealed[1] not in bytes_left


@pytest.mark.parametrize("line_id", ["call_3.1", "call_1.9", "nonsense", ""])
def test_lines_of_others_are_out_of_reach(desk, line_id):
    """Neither corrected nor forgotten, and not told from lines that are not there."""
    with pytest.raises(StoreError, match="Nothing is remembered"):
        desk.forget_line(CALLER, line_id)
    with pytest.raises(StoreError, match="Nothing is remembered"):
        desk.correct(CALLER, line_id, "x")
    assert texts(desk, "somebody-else") == ["the exam"]


def test_forgetting_a_caller_keeps_what_was_kept_for_others(desk, store):
    """The transcript stays, the call that only served the memory goes, strangers stay."""
    assert desk.forget(CALLER) == 2
    assert desk.lines(CALLER) == []
    assert [call.call_id for call in store.calls(CALLER)] == ["call_1"]
    assert [item.kind for item in store.items("call_1")] == ["caller"]
    assert not store.call("call_1").consent.memory
    assert texts(desk, "somebody-else") == ["the exam"]
    assert desk.forget(CALLER) == 0


def test_a_call_under_way_leaves_nothing_once_its_caller_is_forgotten(desk, store):
    """Whether its record stays or not."""
    store.begin("call_4", Consent(text=True, memory=True), CALLER)
    desk.forget(CALLER)
    store.remember("call_4", b'{"locale": "en", "lines": []}')
    assert desk.lines(CALLER) == []
    assert store.items("call_4", kind="memory") == []


def test_deleting_a_callers_records_deletes_the_memory(desk, store):
    """So does their age."""
    store.delete([call.call_id for call in store.calls(CALLER)])
    assert desk.lines(CALLER) == []
    store.purge(0.0)
    assert desk.lines("somebody-else") == []


def test_rotation_keeps_memories_readable(desk, store):
    """They are sealed with their call's own key."""
    store.rotate()
    assert texts(desk) == ["to sleep", "Darren", "drinking"]


def test_what_is_struck_from_the_record_is_forgotten(desk, store):
    """The next call must not know what nobody should see."""
    taker = IntakeTaker("en")
    taker.caller_text("I feel so alone")
    taker.bot_text("What shall I call you?")
    taker.caller_text("my name is Sarah")
    store.begin("call_5", Consent(memory=True), "sarah")
    store.replace("call_5", "intake", taker.record.model_dump_json().encode())
    store.remember("call_5", summarise(taker.record).model_dump_json().encode())
    store.end("call_5")
    name = next(entry for entry in taker.record.entries if entry.field == "name")
    IntakeDesk(store).strike("call_5", [name.entry_id])
    assert [line.topic for line in desk.lines("sarah")] == ["concern"]


def test_a_memory_that_was_tampered_with_is_named(desk, store):
    """A clear sentence instead of a stack of validation errors."""
    store.begin("call_6", Consent(memory=True), "x")
    store.remember("call_6", b"{}")
    with pytest.raises(StoreError, match="call_6 cannot be read"):
        desk.lines("x")

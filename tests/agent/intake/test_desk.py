"""Records are read from the store, and what is struck out leaves it for good."""

from __future__ import annotations

import datetime
from typing import NoReturn

import pytest

from agent.intake.desk import IntakeDesk
from agent.intake.record import IntakeRecord
from agent.memory.desk import MemoryDesk
from agent.memory.summary import summarise
from agent.store.database import Database
from agent.store.kept import Consent
from pipeline.errors import StoreError
from tests.agent.intake.conftest import CALL

HOUR = datetime.timedelta(hours=1)


def test_a_record_is_read_with_its_call(desk, store):
    """The facts carry when the call was and what was told; the audit log says who looked."""
    facts = desk.facts(CALL, reason="exported")
    assert facts.call_id == CALL
    (entry,) = facts.record.of("medication")
    assert entry.quote.startswith("我在吃舍曲林")
    assert store.audit()[-1].action == "exported"


def test_what_is_struck_out_is_nowhere_in_the_store(desk, store):
    """One record remains, without the words; the audit log has the deed."""
    entry = desk.facts(CALL).record.of("medication")[0]
    facts = desk.strike(CALL, [entry.entry_id])
    assert not facts.record.of("medication")
    kept = [item for item in store.items(CALL) if item.kind == "intake"]
    assert len(kept) == 1
    assert "舍曲林" not in kept[0].text
    assert "struck" in {entry.action for entry in store.audit()}


def test_a_strike_whose_rebuild_fails_has_reached_the_memory_too(store, monkeypatch):
    """It cannot be asked for again, so the next call must not know what was struck."""
    told = IntakeRecord(locale="zh-Hans", turns=1).with_entry(
        "concern", "我和老公最近总是吵架", turn=0, at_secs=None, found_by="learned"
    )
    store.begin("call_quarrel", Consent(memory=True), "tag")
    store.replace("call_quarrel", "intake", told.model_dump_json().encode())
    store.remember("call_quarrel", summarise(told).model_dump_json().encode())
    store.end("call_quarrel")

    def full_disk(_: Database) -> NoReturn:  # after the commit, which a test cannot bring about
        raise StoreError("full", retryable=True)

    monkeypatch.setattr(Database, "wipe", full_disk)
    assert len(MemoryDesk(store).lines("tag")) == 1
    desk = IntakeDesk(store)
    with pytest.raises(StoreError, match="full"):
        desk.strike("call_quarrel", [told.entries[0].entry_id])
    assert desk.facts("call_quarrel").record.entries == ()
    assert MemoryDesk(store).lines("tag") == []


def test_a_memory_that_cannot_be_read_keeps_the_record_whole(desk, store):
    """All of a strike happens, or nothing."""
    store.begin("call_broken", Consent(memory=True), "tag")
    store.replace("call_broken", "intake", store.items(CALL, kind="intake")[0].content)
    store.remember("call_broken", b"{}")
    entry = desk.facts("call_broken").record.entries[0]
    with pytest.raises(StoreError, match="call_broken cannot be read"):
        desk.strike("call_broken", [entry.entry_id])
    assert desk.facts("call_broken").record.entries[0] == entry


def test_a_wrong_number_strikes_nothing(desk):
    """All of a request happens, or nothing."""
    entry = desk.facts(CALL).record.entries[0]
    with pytest.raises(StoreError):
        desk.strike(CALL, [entry.entry_id, 99])
    assert desk.facts(CALL).record.entries[0] == entry


def test_the_page_may_look_for_a_while_only(desk):
    """Within the time after the call's end."""
    now = datetime.datetime.now(datetime.UTC)
    assert desk.in_review(CALL, now)
    assert not desk.in_review(CALL, now + 2 * HOUR)


def test_calls_without_a_record_say_so(desk, store):
    """A call in which nothing was taken down, and one that does not exist."""
    store.begin("call_empty", Consent())
    for call_id in ("call_empty", "call_unknown"):
        with pytest.raises(StoreError):
            desk.facts(call_id)


def test_a_broken_record_says_so(desk, store):
    """Without a word of what it holds."""
    store.replace(CALL, "intake", b'{"locale": "fr"}')
    with pytest.raises(StoreError, match="cannot be read"):
        desk.facts(CALL)

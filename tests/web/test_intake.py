"""Callers see their own record over HTTP, strike from it, and nobody else's."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from agent.intake.desk import IntakeDesk
from agent.intake.taker import IntakeTaker
from agent.store.kept import Consent
from agent.store.keys import KeyFile
from agent.store.records import RecordStore
from web.intake import intake_routes

CALL = "call_0123456789abcdef"


@pytest.fixture
def store(tmp_path):
    """A store with one ended call."""
    store = RecordStore(tmp_path / "records.sqlite", KeyFile(tmp_path / "records.key"))
    taker = IntakeTaker("en")
    taker.bot_text("What shall I call you?")
    taker.caller_text("my name is Sarah and I'm really anxious")
    store.begin(CALL, Consent())
    store.replace(CALL, "intake", taker.record.model_dump_json().encode())
    store.end(CALL)
    yield store
    store.close()


@pytest.fixture
def page(store):
    """A browser's view of the server."""
    app = FastAPI()
    app.include_router(intake_routes(IntakeDesk(store, review_secs=3600.0)))
    return TestClient(app)


def test_a_caller_sees_quotes_by_field(page):
    """Named in the record's language, never kept by a cache."""
    answer = page.get(f"/intake/{CALL}")
    names = {field["name"]: field["entries"] for field in answer.json()["fields"]}
    assert names["Name"][0]["quote"] == "Sarah"
    assert answer.headers["cache-control"] == "no-store"


def test_a_caller_strikes_an_entry(page):
    """The answer is the record without it; striking it again is refused."""
    fields = page.get(f"/intake/{CALL}").json()["fields"]
    entries = [entry for field in fields for entry in field["entries"]]
    number = next(one["entry_id"] for one in entries if one["quote"] == "Sarah")
    answer = page.post(f"/intake/{CALL}/strike", json={"entries": [number]})
    assert "Sarah" not in answer.text
    assert answer.json()["struck"] == 1
    again = page.post(f"/intake/{CALL}/strike", json={"entries": [number]})
    assert again.status_code == 409


def test_the_sheet_is_a_file_that_may_run_nothing(page):
    """As HTML and as JSON."""
    sheet = page.get(f"/intake/{CALL}/sheet")
    assert "attachment" in sheet.headers["content-disposition"]
    assert "sandbox" in sheet.headers["content-security-policy"]
    assert "Sarah" in sheet.text
    assert page.get(f"/intake/{CALL}/sheet?form=json").json()["call_id"] == CALL


def test_a_running_calls_record_is_seen_and_cannot_be_struck_from(page, store):
    """Its next turn would bring back what was struck; the page is told to look again."""
    taker = IntakeTaker("en")
    taker.caller_text("I feel so alone")
    store.begin("call_running", Consent())
    store.replace("call_running", "intake", taker.record.model_dump_json().encode())
    assert page.get("/intake/call_running").json()["ended"] is False
    entries = {"entries": [taker.record.entries[0].entry_id]}
    refused = page.post("/intake/call_running/strike", json=entries)
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "call_not_ended"
    store.end("call_running")
    seen = page.get("/intake/call_running").json()
    assert seen["ended"] is True
    assert seen["struck"] == 0
    assert page.post("/intake/call_running/strike", json=entries).status_code == 200


@pytest.mark.parametrize("path", ["/intake/call_other", "/intake/call_other/sheet"])
def test_unknown_calls_are_not_told_from_others(page, path):
    """Neither their existence nor the reason is said."""
    assert page.get(path).status_code == 404


@pytest.mark.parametrize("body", [{}, {"entries": []}, {"entries": ["x"]}, {"entries": [1] * 101}])
def test_nonsense_is_refused(page, body):
    """The route is not entered."""
    assert page.post(f"/intake/{CALL}/strike", json=body).status_code == 422

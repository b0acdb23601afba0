"""Callers see, correct and forget what is remembered of them, and nobody else's."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from agent.memory.desk import MemoryDesk
from agent.store.keys import KeyFile
from agent.store.records import RecordStore
from tests.agent.memory.conftest import remember
from web.memory import memory_routes

MINE = {"qingting-caller": "a" * 32}
THEIRS = {"qingting-caller": "b" * 32}


@pytest.fixture
def page(tmp_path):
    """A browser's view of a server that remembers two callers."""
    store = RecordStore(tmp_path / "records.sqlite", KeyFile(tmp_path / "records.key"))
    remember(store, "call_1", "a" * 32, ("name", "Darren"), ("concern", "drinking"))
    remember(store, "call_2", "b" * 32, ("concern", "the exam"))
    app = FastAPI()
    app.include_router(memory_routes(MemoryDesk(store)))
    return TestClient(app)


def seen(page, headers):
    return [
        (one["line_id"], one["text"])
        for one in page.get("/memory", headers=headers).json()["lines"]
    ]


def test_a_caller_sees_their_own_lines(page):
    """With topics in the page's language, never kept by a cache."""
    assert seen(page, MINE) == [("call_1.1", "Darren"), ("call_1.2", "drinking")]
    answer = page.get("/memory?locale=zh-Hant", headers=THEIRS)
    assert [line["topic"] for line in answer.json()["lines"]] == ["困擾"]
    assert answer.headers["cache-control"] == "no-store"


def test_a_stranger_sees_nothing(page):
    """Not told from somebody who was forgotten."""
    assert seen(page, {"qingting-caller": "c" * 32}) == []


def test_a_line_is_corrected_and_forgotten(page):
    """Empty words take it out, too."""
    assert page.put("/memory/call_1.2", json={"text": "less"}, headers=MINE).status_code == 204
    assert seen(page, MINE)[1] == ("call_1.2", "less")
    assert page.put("/memory/call_1.2", json={"text": " "}, headers=MINE).status_code == 204
    assert page.delete("/memory/call_1.1", headers=MINE).status_code == 204
    assert seen(page, MINE) == []


def test_a_caller_is_forgotten(page):
    """And nobody else."""
    assert page.delete("/memory", headers=MINE).status_code == 204
    assert seen(page, MINE) == []
    assert seen(page, THEIRS) == [("call_2.1", "the exam")]


def test_another_callers_line_is_not_found(page):
    """Its id gives no right to it."""
    for answer in (
        page.put("/memory/call_2.1", json={"text": "x"}, headers=MINE),
        page.delete("/memory/call_2.1", headers=MINE),
    ):
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "store_error"
    assert seen(page, THEIRS) == [("call_2.1", "the exam")]


@pytest.mark.parametrize(
    "headers", [{}, {"qingting-caller": "Ann"}, {"qingting-caller": "a b" * 9}]
)
def test_a_tag_that_can_be_guessed_is_refused(page, headers):
    """A name is no tag: whoever knows it would see what its owner said."""
    assert page.get("/memory", headers=headers).status_code == 422
    assert page.delete("/memory", headers=headers).status_code == 422


@pytest.mark.parametrize("body", [{}, {"text": 3}, {"text": "x" * 301}])
def test_nonsense_is_refused(page, body):
    """The line stays as it is."""
    assert page.put("/memory/call_1.1", json=body, headers=MINE).status_code == 422
    assert seen(page, MINE)[0] == ("call_1.1", "Darren")

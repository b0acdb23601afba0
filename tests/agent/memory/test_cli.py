"""`qingting records memory`."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner, Result

from agent.cli import app
from agent.store.keys import KeyFile
from agent.store.records import RecordStore
from tests.agent.memory.conftest import CALLER, remember


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home in which one caller is remembered from a recorded call and another's is not."""
    folder = tmp_path / "records"
    store = RecordStore(folder / "records.sqlite", KeyFile(folder / "records.key"))
    remember(store, "call_1", CALLER, ("name", "Darren"), ("concern", "drinking"), text=True)
    remember(store, "call_2", "somebody-else", ("concern", "the exam"))
    store.close()
    monkeypatch.setenv("QINGTING_HOME", str(tmp_path))
    return tmp_path


def records(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["records", *arguments])


def test_show():
    """As text, and as one JSON object a line."""
    shown = records("memory", "show", CALLER).stdout
    assert "call_1.2" in shown
    assert "drinking" in shown
    assert "exam" not in shown
    lines = [
        json.loads(line)
        for line in records("memory", "show", CALLER, "--json").stdout.split("\n")[:2]
    ]
    assert [line["text"] for line in lines] == ["Darren", "drinking"]


def test_a_stranger_is_said_to_be_one():
    """On standard error; there is nothing to print."""
    shown = records("memory", "show", "nobody")
    assert shown.exit_code == 0
    assert "nothing is remembered" in shown.stderr


def test_edit():
    """The line says that it was corrected."""
    assert records("memory", "edit", CALLER, "call_1.2", "drinking, less now").exit_code == 0
    assert "drinking, less now  (corrected)" in records("memory", "show", CALLER).stdout


def test_forget_a_line_and_a_caller():
    """The transcript of the call stays."""
    assert "1 line" in records("memory", "forget", CALLER, "call_1.1").stdout
    assert "Darren" not in records("memory", "show", CALLER).stdout
    assert "1 call" in records("memory", "forget", CALLER, "--yes").stdout
    assert records("memory", "show", CALLER).stdout == ""
    assert "the whole transcript" in records("show", "call_1").stdout


def test_forgetting_asks_first():
    """Without an answer everything stays."""
    assert records("memory", "forget", CALLER).exit_code == 1
    assert "Darren" in records("memory", "show", CALLER).stdout


def test_a_line_of_another_caller_is_refused():
    """In a sentence, with exit code 2."""
    refused = records("memory", "edit", CALLER, "call_2.1", "x")
    assert refused.exit_code != 0
    assert "the exam" in records("memory", "show", "somebody-else").stdout


def test_export_holds_what_is_remembered(tmp_path):
    """And deleting a caller's records forgets them."""
    folder = tmp_path / "out"
    assert records("export", str(folder), "--caller", CALLER).exit_code == 0
    kept = json.loads((folder / "call_1" / "record.json").read_text("utf-8"))
    memory = next(line["record"] for line in kept["lines"] if line["kind"] == "memory")
    assert [line["text"] for line in memory["lines"]] == ["Darren", "drinking"]
    records("delete", "--caller", CALLER, "--yes")
    assert records("memory", "show", CALLER).stdout == ""


def test_the_audit_log_says_what_was_done_and_no_word_of_it():
    """Remembered, read, corrected, forgotten."""
    records("memory", "edit", CALLER, "call_1.2", "a secret correction")
    records("memory", "forget", CALLER, "--yes")
    log = records("audit").stdout
    assert all(action in log for action in ("remembered", "corrected", "forgotten"))
    assert not any(word in log for word in ("drinking", "secret", CALLER))

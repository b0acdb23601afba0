"""`qingting records`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agent.cli import app
from agent.store.kept import Consent
from agent.store.keys import KeyFile
from agent.store.records import RecordStore


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with two records, of two callers."""
    folder = tmp_path / "records"
    store = RecordStore(folder / "records.sqlite", KeyFile(folder / "records.key"))
    for call_id, caller in (("call_1", "Ann"), ("call_2", "Bob")):
        store.begin(call_id, Consent(), caller)
        store.add(call_id, "caller", f"hello from {caller}".encode())
        store.end(call_id)
    store.close()
    monkeypatch.setenv("QINGTING_HOME", str(tmp_path))
    return tmp_path


def records(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["records", *arguments])


def test_list_and_show(home: Path):
    """By caller, and as text or JSON."""
    listed = records("list", "--caller", "Ann").stdout
    assert "call_1" in listed
    assert "call_2" not in listed
    assert "hello from Ann" in records("show", "call_1").stdout
    shown = json.loads(records("show", "call_1", "--json").stdout)
    assert shown["lines"][0]["text"] == "hello from Ann"


def test_the_last_call_needs_no_id(home: Path, tmp_path: Path):
    """The newest that is over; one that runs is passed by."""
    store = RecordStore(home / "records" / "records.sqlite", KeyFile(home / "records/records.key"))
    store.begin("call_3", Consent(), "Cem")
    store.close()
    assert "hello from Bob" in records("show", "last").stdout
    written = records("export", str(tmp_path / "out"), "--call", "last").stdout
    assert "hello from Bob" in Path(written.split()[0]).read_text("utf-8")
    assert "deleted: 1" in records("delete", "last", "--yes").stdout
    assert "hello from Ann" in records("show", "last").stdout


def test_delete_one_caller(home: Path):
    """Everything about a person, and nothing about others."""
    assert "deleted: 1" in records("delete", "--caller", "Ann", "--yes").stdout
    assert "call_1" not in records("list").stdout
    assert "call_2" in records("list").stdout
    assert "deleted" in records("audit").stdout


def test_purge_and_rotate(home: Path):
    """Both say what they did."""
    assert records("rotate").exit_code == 0
    assert "deleted: 0" in records("purge").stdout
    assert "deleted: 2" in records("purge", "--days", "0").stdout


def test_export(home: Path, tmp_path: Path):
    """The files written are named."""
    out = records("export", str(tmp_path / "out"), "--caller", "Bob").stdout
    assert Path(out.strip()).name == "record.json"


@pytest.mark.parametrize(
    "arguments",
    [("show", "call_9"), ("delete",), ("delete", "call_1", "--caller", "Ann"), ("export", "out")],
)
def test_faults_of_use_are_sentences(home: Path, arguments: tuple[str, ...]):
    """Exit code 2."""
    result = records(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("qingting: ")

"""`qingting intake` shows, strikes and exports what a call told."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from agent.cli import app
from agent.intake.taker import IntakeTaker
from agent.store.kept import Consent
from agent.store.keys import KeyFile
from agent.store.records import RecordStore

CALL = "call_0123456789abcdef"
RUNNING = "call_fedcba9876543210"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command on a home with one kept call."""
    home = tmp_path / "home"
    folder = home / "records"
    folder.mkdir(parents=True)
    store = RecordStore(folder / "records.sqlite", KeyFile(folder / "records.key"))
    taker = IntakeTaker("en")
    taker.bot_text("What shall I call you?")
    taker.caller_text("my name is Sarah and I'm really anxious")
    record = taker.record.model_dump_json().encode()
    store.begin(CALL, Consent())
    store.replace(CALL, "intake", record)
    store.end(CALL)
    # Newer, and neither is what a counsellor means by the last record.
    store.begin("call_for_memory_alone", Consent(text=False, memory=True))
    store.end("call_for_memory_alone")
    store.begin(RUNNING, Consent())
    store.replace(RUNNING, "intake", record)
    store.close()
    monkeypatch.setenv("QINGTING_HOME", str(home))
    return lambda *arguments, **options: CliRunner().invoke(app, ["intake", *arguments], **options)


def number_of(run, quote):
    """By what number `strike` knows an entry."""
    fields = json.loads(run("show", "--json").output)["fields"].values()
    entries = [entry for field in fields for entry in field["entries"]]
    return str(next(entry["entry_id"] for entry in entries if entry["quote"] == quote))


def test_the_last_record_is_shown_with_numbers(run):
    """And what was not asked is named."""
    shown = run("show")
    assert shown.exit_code == 0
    assert shown.output.startswith(CALL)
    assert "  1   turn 1  Name: Sarah" in shown.output.replace("  2  ", "  1  ")
    assert "(Not found, not asked)" in shown.output


def test_striking_takes_an_entry_out(run):
    """The number is gone the next time."""
    number = number_of(run, "Sarah")
    assert "Sarah" not in run("strike", CALL, number, "--yes").output
    assert "Sarah" not in run("show").output
    assert run("strike", CALL, number, "--yes").exit_code == 2


def test_striking_asks_first_and_says_whose_words_they_are(run):
    """Of the call that is over, while another one runs; without an answer everything stays."""
    number = number_of(run, "Sarah")
    asked = run("strike", "last", number)
    assert asked.exit_code == 1
    assert asked.output.startswith(CALL)
    assert "Name: Sarah" in asked.output
    assert "Sarah" in run("show").output
    assert run("strike", "last", number, input="y\n").exit_code == 0
    assert "Sarah" not in run("show", CALL).output
    assert "Sarah" in run("show", RUNNING).output


@pytest.mark.parametrize("suffix", ["html", "json"])
def test_a_record_is_written_for_its_owner_alone(run, tmp_path, suffix):
    """The file holds the words and nobody else may read it."""
    file = tmp_path / f"record.{suffix}"
    assert run("export", "last", str(file)).exit_code == 0
    assert "Sarah" in file.read_text("utf-8")
    assert file.stat().st_mode & 0o077 == 0


def test_bad_input_is_one_sentence_and_code_two(run, tmp_path):
    """An unknown call, an unknown ending, a folder that is not there, a broken file."""
    broken = tmp_path / "callers.jsonl"
    broken.write_text("{}", "utf-8")
    for arguments in (
        ("show", "call_unknown"),
        ("strike", "last", "99"),
        ("export", "last", str(tmp_path / "record.doc")),
        ("export", "last", str(tmp_path / "missing" / "record.html")),
        ("eval", str(broken)),
    ):
        result = run(*arguments)
        assert result.exit_code == 2, arguments
        assert result.output.count("qingting: ") == 1


def test_eval_reports_one_json_line(run, tmp_path):
    """Precision and recall of all and of each field."""
    file = tmp_path / "callers.jsonl"
    turn = {"bot": "What shall I call you?", "caller": "my name is [Sarah|name]"}
    file.write_text(json.dumps({"id": "a", "locale": "en", "turns": [turn]}), "utf-8")
    figures = json.loads(run("eval", str(file), "--json").output)
    assert (figures["precision"], figures["recall"]) == (1.0, 1.0)

"""Exports that break what a reader may take for granted, from file to report."""

from __future__ import annotations

import json

import pytest

from tests.agent.test_cli import run
from tests.train.importers.chats import read, said
from tests.train.importers.nasty import EXPORTS, Export
from train.schema import Conversation
from train.schema import read as read_records
from train.tally import Tally


@pytest.mark.parametrize("export", EXPORTS, ids=lambda export: export.name)
def test_every_row_is_kept_or_dropped_for_a_reason(tmp_path, export: Export):
    """What was said comes out, and each of the other rows has the reason that fits it."""
    path = tmp_path / export.name
    path.write_bytes(export.content)
    tally = Tally()
    records = read(path, tally=tally, me=export.me)
    assert said(records) == export.said
    assert tally.rows_in == export.rows
    assert tally.dropped == export.dropped
    assert tally.left_out == export.left_out
    assert {*tally.examples} == {*export.dropped, *export.left_out}
    shown = (example for examples in tally.examples.values() for example in examples)
    assert all(example.where.rpartition(":")[0] == export.name for example in shown)


@pytest.mark.parametrize("export", EXPORTS, ids=lambda export: export.name)
def test_the_command_imports_it(tmp_path, export: Export):
    """`qingting data import` writes the same conversations and a report of the same rows."""
    path, out = tmp_path / export.name, tmp_path / "out.jsonl"
    path.write_bytes(export.content)
    me = [part for name in export.me for part in ("--me", name)]
    code, _, err = run("data", "import", str(path), "-o", str(out), *me)
    assert (code, err) == (0, "")
    records = [record for record in read_records(out) if isinstance(record, Conversation)]
    assert said(records) == export.said
    report = json.loads(out.with_suffix(".report.json").read_text(encoding="utf-8"))
    assert {reason: found["rows"] for reason, found in report["dropped"].items()} == export.dropped
    assert {reason: found["parts"] for reason, found in report["left_out"].items()} == (
        export.left_out
    )


def test_the_whole_folder_at_once(tmp_path):
    """A folder of all of them, and of what is no chat, gives what its chats give one by one."""
    for export in EXPORTS:
        (tmp_path / export.name).write_bytes(export.content)
    (tmp_path / "empty.txt").touch()
    (tmp_path / "database.csv").write_bytes(b"SQLite format 3\0")
    tally = Tally()
    found = said(read(tmp_path, tally=tally))
    expected = [turns for export in EXPORTS if not export.me for turns in export.said]
    assert sorted(found) == sorted(expected)
    notes = "\n".join(tally.notes)
    assert all(part in notes for part in ("line-group.txt", "--me NAME", "is empty", "a database"))

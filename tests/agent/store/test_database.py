"""The file behind the records: whole transactions, and erasures that are not forgotten."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from agent.store.database import Database
from pipeline.errors import StoreError

SCHEMA = "CREATE TABLE IF NOT EXISTS words (word BLOB NOT NULL);"


@pytest.fixture
def database(tmp_path: Path):
    opened = Database(tmp_path / "new" / "words.sqlite", SCHEMA)
    yield opened
    opened.close()


def put(database: Database, *words: str) -> None:
    with database.writing() as db:
        db.executemany("INSERT INTO words VALUES (?)", [(word,) for word in words])


def test_a_new_file_is_its_owners_alone(database: Database):
    """Its folder is made, too."""
    assert stat.S_IMODE(database.path.stat().st_mode) == 0o600
    assert database.rows("SELECT * FROM words") == []


def test_a_transaction_is_whole_or_nothing(database: Database):
    """What is raised inside comes out as it was."""

    def half() -> None:
        with database.writing() as db:
            db.execute("INSERT INTO words VALUES ('half')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert database.rows("SELECT * FROM words") == []


def test_a_query_that_is_wrong_is_not_worth_trying_again(database: Database):
    """In reading and in writing."""
    with pytest.raises(StoreError) as read:
        database.rows("SELECT * FROM nowhere")
    with pytest.raises(StoreError) as written, database.writing() as db:
        db.execute("INSERT INTO words VALUES (NULL)")
    assert "read" in read.value.message
    assert "written" in written.value.message
    assert not written.value.retryable


def test_a_file_in_use_may_be_tried_again(database: Database):
    """Another process writes meanwhile."""
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with database.lock:
        database._db.execute("PRAGMA busy_timeout = 0")
    with pytest.raises(StoreError) as refused:
        put(database, "late")
    other.close()
    assert refused.value.retryable


def test_what_was_erased_is_gone_from_the_disk(database: Database, tmp_path: Path):
    """Whether it is wiped at once, or by another process after this one died."""
    put(database, "first-secret", "second-secret")
    for word in (b"first-secret", b"second-secret"):
        with database.writing(erases=True) as db:
            db.execute("DELETE FROM words WHERE word = ?", (word.decode(),))
        again = Database(database.path, SCHEMA)
        again.wipe_what_is_left()
        again.close()
        left = b"".join(path.read_bytes() for path in (tmp_path / "new").iterdir())
        assert word not in left
    before = database.path.read_bytes()
    database.wipe_what_is_left()
    assert database.path.read_bytes() == before

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


def test_what_is_no_database_is_not_opened(tmp_path: Path):
    """The sentence names the file."""
    path = tmp_path / "words.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match=r"words\.sqlite cannot be opened"):
        Database(path, SCHEMA)


def test_what_the_schema_refuses_is_not_worth_trying_again(database: Database):
    """It would be refused again."""
    with pytest.raises(StoreError, match="written") as refused, database.writing() as db:
        db.execute("INSERT INTO words VALUES (NULL)")
    assert not refused.value.retryable


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


@pytest.mark.parametrize("died", [False, True], ids=["at once", "by the next process"])
def test_what_was_erased_is_gone_from_the_disk(tmp_path: Path, died: bool):
    """Also where the process that erased it did not come to wiping it out."""
    database = Database(tmp_path / "words.sqlite", SCHEMA)
    put(database, "a-secret")
    with database.writing(erases=True) as db:
        db.execute("DELETE FROM words")
    if died:
        reader = sqlite3.connect(database.path, isolation_level=None)
        reader.execute("BEGIN").execute("SELECT * FROM words").fetchall()
        database.close()  # while somebody reads, SQLite leaves what was written where it is
        assert any(b"a-secret" in path.read_bytes() for path in tmp_path.iterdir())
        reader.close()
        database = Database(database.path, SCHEMA)
        database.wipe_what_is_left()
    else:
        database.wipe()
    assert all(b"a-secret" not in path.read_bytes() for path in tmp_path.iterdir())
    wiped = database.path.read_bytes()
    database.wipe_what_is_left()
    assert database.path.read_bytes() == wiped
    database.close()

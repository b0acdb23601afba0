"""The file of what a person said before: SQLite with its full-text search."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from agent.recall.terms import characters, words
from pipeline.errors import ConfigError, DataError

_APPLICATION_ID = 0x51_54_52_43  # "QTRC", so that no other database is taken for an index
_VERSION = 1
# Words of one question, the last ones; a caller's whole story would only find everything.
_MOST_WORDS = 16
# A term in more facts than this many, or than this share of them, tells none apart, and
# takes the time of them all: 100,000 facts were searched in 105 ms with such terms.
_COMMON_FACTS = 200
_COMMON_SHARE = 1 / 200
# A character says less than the word it stands in.
_CHARACTER_WEIGHT = 0.4
# A find below this share of the best one's score shares only a lesser word with the question.
_LEAST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was said.

    Attributes:
        id: Cited in the log; the record it stood in and its place there.
        said: The words.
        asked: What they answered; empty for what stands by itself.
    """

    id: str
    said: str
    asked: str = ""


def write_index(path: Path, facts: Iterable[Fact], *, force: bool = False) -> int:
    """Write an index, all or nothing, readable by its owner alone.

    Args:
        path: Where to.
        facts: Consumed one by one; those without a term to be found by are left out.
        force: Whether a file that exists is replaced.

    Returns:
        Facts that can be found.

    Raises:
        DataError: The file exists and `force` is not set, cannot be written, or no fact
            came; also whatever `facts` raises.
    """
    if path.exists() and not force:
        raise DataError(f"{path} exists already; choose another name, or add --force.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A file of mkstemp is for its owner alone, and stays so under its final name.
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise DataError(f"Cannot write {path}: {error.strerror}.") from error
    temporary = Path(name)
    try:
        count = _fill(temporary, facts)
        if not count:
            raise DataError("There is nothing to look up: no reply is long enough to be found.")
        temporary.replace(path)
    except sqlite3.Error as error:
        raise DataError(f"Cannot write {path}: {error}.") from error
    finally:
        temporary.unlink(missing_ok=True)
    return count


def _fill(path: Path, facts: Iterable[Fact]) -> int:
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {_VERSION}")
        database.execute(
            "CREATE VIRTUAL TABLE facts USING fts5(id UNINDEXED, said UNINDEXED, asked UNINDEXED,"
            " words, characters, tokenize = 'porter unicode61')"
        )
        count = 0
        for fact in facts:
            found_by = words(f"{fact.asked}\n{fact.said}")
            if found_by:
                terms = " ".join(found_by), " ".join(characters(found_by))
                row = (fact.id, fact.said, fact.asked, *terms)
                database.execute("INSERT INTO facts VALUES (?, ?, ?, ?, ?)", row)
                count += 1
        _note_common(database, count)
    return count


def _note_common(database: sqlite3.Connection, facts: int) -> None:
    database.execute("CREATE VIRTUAL TABLE vocabulary USING fts5vocab(facts, 'col')")
    database.execute("CREATE TABLE common (term, col)")
    database.execute(
        "INSERT INTO common SELECT term, col FROM vocabulary WHERE doc > ?",
        (max(_COMMON_FACTS, facts * _COMMON_SHARE),),
    )


class FactIndex:
    """An index that is open for reading; belongs to one thread at a time."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._common = frozenset(database.execute("SELECT term, col FROM common"))

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open an index.

        Raises:
            ConfigError: It is not there, or is none of `write_index`.
        """
        if not path.is_file():
            raise ConfigError(f"rag.index: there is no file {path}; see `qingting data index`")
        try:
            database = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False
            )
            marks = [
                database.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("application_id", "user_version")
            ]
        except sqlite3.Error as error:
            raise ConfigError(f"rag.index: {path} cannot be read: {error}") from error
        if marks != [_APPLICATION_ID, _VERSION]:
            database.close()
            raise ConfigError(
                f"rag.index: {path} is no index of this version; "
                "write it with `qingting data index`"
            )
        return cls(database)

    def search(self, text: str, most: int) -> list[Fact]:
        """What was said about the same things, the best first; empty where nothing was.

        Args:
            text: A caller's turn.
            most: Facts at the most.
        """
        asked_for = words(text)[-_MOST_WORDS:]
        columns = {"words": asked_for, "characters": characters(asked_for)}
        query = " OR ".join(
            f"{column} : {_quoted(term)}"
            for column, terms in columns.items()
            for term in dict.fromkeys(terms)
            if (term, column) not in self._common
        )
        if not query:
            return []
        rows = self._database.execute(
            f"SELECT id, said, asked, bm25(facts, 0, 0, 0, 1, {_CHARACTER_WEIGHT}) AS score"
            " FROM facts WHERE facts MATCH ? ORDER BY score, rowid LIMIT ?",
            (query, most),
        ).fetchall()
        # SQLite's scores are negative, the best the lowest.
        return [
            Fact(identity, said, asked)
            for identity, said, asked, score in rows
            if score <= rows[0][3] * _LEAST_SHARE
        ]

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _quoted(term: str) -> str:
    """A term that FTS5's query language takes for nothing else."""
    return '"' + term.replace('"', '""') + '"'

"""The file behind the records: SQLite, one transaction at a time, and erasing without a trace.

Deleting overwrites the pages (`secure_delete`); `wipe` then empties the write-ahead log and
rebuilds the file, so that no ciphertext stays. Where that fails the file remembers it
(`user_version`), and `wipe_what_is_left` does it later.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import StoreError

_PRAGMAS = """
PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;
PRAGMA foreign_keys=ON; PRAGMA busy_timeout=5000;
"""


class Database:
    """One open file. Safe to use from several threads.

    Args:
        path: Of the file; made with its folder when missing, readable by its owner alone.
        schema: SQL that makes what is missing.

    Attributes:
        path: Of the file.
        lock: Held by whoever needs several statements to see the same state.

    Raises:
        StoreError: The folder or the file cannot be made, or it is no database.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        self.lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            path.chmod(0o600)
            self._db.executescript(_PRAGMAS + schema)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"The records {path} cannot be opened: {error}") from error

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        with self.lock:
            self._db.close()

    def rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """What a query finds.

        Raises:
            StoreError: The file cannot be read.
        """
        with self.lock:
            try:
                return self._db.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise _failure("read", error) from error

    @contextmanager
    def writing(self, *, erases: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it, or nothing.

        Args:
            erases: Whether `wipe` has to follow. The file says so until that has succeeded, in
                a number that no two erasures share.

        Raises:
            StoreError: The file cannot be written.
        """
        with self.lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    if erases:
                        erasure = 1 + secrets.randbelow(2**31 - 1)
                        self._db.execute(f"PRAGMA user_version = {erasure}")
                    yield self._db
                    self._db.execute("COMMIT")
                except BaseException:
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise _failure("written", error) from error

    def wipe(self) -> None:
        """Rebuild the file without what was deleted, and empty its write-ahead log.

        Raises:
            StoreError: It cannot be rebuilt, or somebody reads it.
        """
        with self.lock:
            erasure = self._erasure()
            try:
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._db.execute("VACUUM")
                busy, *_ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.Error as error:
                raise _failure("rebuilt", error) from error
            if busy:  # by somebody who reads; SQLite does not call that an error
                raise StoreError(
                    "The records cannot be rebuilt: they are being read", retryable=True
                )
            with self.writing() as db:
                if self._erasure() == erasure:  # nobody has erased since
                    db.execute("PRAGMA user_version = 0")

    def wipe_what_is_left(self) -> None:
        """`wipe`, if an erasure has not been followed by one yet."""
        with self.lock:
            if self._erasure():
                self.wipe()

    def _erasure(self) -> int:
        """Which erasure still has to be wiped out; 0 if none."""
        ((erasure,),) = self.rows("PRAGMA user_version")
        return int(erasure)


def _failure(done: str, error: sqlite3.Error) -> StoreError:
    """What is operational (locked by another process, a full disk) may pass; the rest does not."""
    retryable = isinstance(error, sqlite3.OperationalError)
    return StoreError(f"The records cannot be {done}: {error}", retryable=retryable)

"""The records themselves: SQLite, every value of content sealed with its record's own key.

    calls   one row a call: when, consent, whose (a keyed tag), its key (wrapped)
    items   what was said and heard, marks, audio, and what is remembered, in order, sealed
    audit   who did what to which record, without content; outlives the record

A commit happens at every item, so a process that is killed loses only what it had not
handed over. Deleting drops the wrapped key and has the file rebuilt: neither key nor ciphertext
stays. Where that fails the next purge does it.
"""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from agent.store.database import Database
from agent.store.kept import AuditEntry, CallRecord, Consent, Item, ItemKind
from agent.store.keys import KeyPlace
from agent.store.master_keys import MasterKeys
from agent.store.sealing import new_key, seal, unseal
from pipeline.errors import StoreError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    call_id TEXT PRIMARY KEY, began_at TEXT NOT NULL, ended_at TEXT,
    keeps_text INTEGER NOT NULL, keeps_audio INTEGER NOT NULL, keeps_memory INTEGER NOT NULL,
    caller_tag TEXT, caller BLOB, key_name TEXT NOT NULL, wrapped_key BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS items (
    call_id TEXT NOT NULL REFERENCES calls(call_id) ON DELETE CASCADE,
    number INTEGER NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (call_id, number)
);
CREATE TABLE IF NOT EXISTS audit (at TEXT NOT NULL, action TEXT NOT NULL, call_id TEXT);
CREATE INDEX IF NOT EXISTS calls_of_caller ON calls(caller_tag);
"""


class RecordStore:
    """All records of an installation. Safe to use from several threads.

    Args:
        path: The database file; made with its folder when missing.
        place: Where the keys are.

    Raises:
        StoreError: The file or the keys cannot be used, or records exist without keys.
    """

    def __init__(self, path: Path, place: KeyPlace) -> None:
        self._keys = MasterKeys(place, of=str(path), may_be_made=not path.is_file())
        self._file = Database(path, _SCHEMA)

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._file.close()

    # -- writing ----------------------------------------------------------------------

    def begin(self, call_id: str, consent: Consent, caller: str | None = None) -> None:
        """A call begins.

        Raises:
            StoreError: It has a record already, or the file cannot be written.
        """
        key = new_key()
        sealed = None if caller is None else seal(key, caller.encode(), f"{call_id}/caller")
        with self._file.writing() as db:
            # Nobody rotates meanwhile: a key that is forgotten would close the record for good.
            self._keys.reload()
            tag = None if caller is None else self._keys.tag(caller)
            db.execute(
                "INSERT INTO calls VALUES (?, ?, NULL, ?, ?, ?, ?, ?, ?, ?)",
                (call_id, _now(), consent.text, consent.audio, consent.memory, tag, sealed,
                 *self._keys.wrap(key, call_id)),
            )  # fmt: skip
            _note(db, "began", call_id)

    def add(self, call_id: str, kind: ItemKind, content: bytes) -> int:
        """Keep one more item; it survives the process from the return on.

        Returns:
            Its number within the call.

        Raises:
            StoreError: There is no such call, or the file cannot be written.
        """
        with self._file.lock:
            key = self._record_key(call_id)
            with self._file.writing() as db:
                return _insert(db, key, call_id, kind, content)

    def amend(self, call_id: str, number: int, content: bytes) -> None:
        """Let an item hold something else, in its old place; without content it goes.

        Nothing is done if it is gone already. Its old content may stay in the write-ahead log
        for a while.

        Raises:
            StoreError: There is no such call, or the file cannot be written.
        """
        with self._file.lock:
            key = self._record_key(call_id)
            place = (call_id, number)
            with self._file.writing() as db:
                known = db.execute(
                    "SELECT kind FROM items WHERE call_id = ? AND number = ?", place
                ).fetchone()
                if known is not None and not content:
                    db.execute("DELETE FROM items WHERE call_id = ? AND number = ?", place)
                elif known is not None:
                    sealed = seal(key, content, f"{call_id}/{number}/{known[0]}")
                    db.execute(
                        "UPDATE items SET content = ? WHERE call_id = ? AND number = ?",
                        (sealed, *place),
                    )

    def replace(self, call_id: str, kind: ItemKind, content: bytes) -> None:
        """Let a call have one item of a kind, in the place of all it had.

        The old content may stay in the write-ahead log for a while; see `revise`.

        Args:
            call_id: Of the call.
            kind: Of the item; one for which a call has a single one.
            content: What it holds from now on.

        Raises:
            StoreError: There is no such call, or the file cannot be written.
        """
        with self._file.lock:
            key = self._record_key(call_id)
            with self._file.writing() as db:
                _exchange(db, key, call_id, kind, content)

    def revise(
        self,
        call_id: str,
        changes: Mapping[ItemKind, Callable[[bytes], bytes]],
        *,
        reason: str,
    ) -> None:
        """Change a call's single items, all of them or none, and leave no trace of the old.

        Args:
            call_id: Of the call.
            changes: For each kind, from its item's content to another; a kind of which there
                is none is passed over. What a change raises leaves everything as it was.
            reason: What the audit log says if anything is another content than before.

        Raises:
            StoreError: There is no such call, or the file cannot be written; or it was written
                and could not be rebuilt, so that the old content may still stand in it.
        """
        with self._file.lock:
            key = self._record_key(call_id)
            changed = [
                (kind, content)
                for kind, change in changes.items()
                for item in self.items(call_id, kind=kind)
                if (content := change(item.content)) != item.content
            ]
            if not changed:
                return
            with self._file.writing(erases=True) as db:
                for kind, content in changed:
                    _exchange(db, key, call_id, kind, content)
                _note(db, reason, call_id)
            self._file.wipe()

    def remember(self, call_id: str, content: bytes) -> None:
        """Keep what the caller's next call may know; nothing if they have withdrawn it since.

        Raises:
            StoreError: There is no such call, or the file cannot be written.
        """
        with self._file.lock:
            key = self._record_key(call_id)
            with self._file.writing() as db:
                (allowed,) = db.execute(
                    "SELECT keeps_memory FROM calls WHERE call_id = ?", (call_id,)
                ).fetchone()
                if allowed:
                    _insert(db, key, call_id, "memory", content)
                    _note(db, "remembered", call_id)

    def end(self, call_id: str) -> None:
        """The call is over; nothing is done where its record has been deleted.

        Raises:
            StoreError: The file cannot be written.
        """
        with self._file.writing() as db:
            ended = (_now(), call_id)
            if db.execute("UPDATE calls SET ended_at = ? WHERE call_id = ?", ended).rowcount:
                _note(db, "ended", call_id)

    # -- reading ----------------------------------------------------------------------

    def calls(self, caller: str | None = None) -> list[CallRecord]:
        """All records, the newest first; of one caller if named."""
        query, values = "SELECT * FROM calls", tuple[str, ...]()
        if caller is not None:
            query, values = f"{query} WHERE caller_tag = ?", (self._keys.tag(caller),)
        with self._file.lock:
            rows = self._file.rows(f"{query} ORDER BY began_at DESC, call_id", values)
            return [self._call(row) for row in rows]

    def call(self, call_id: str) -> CallRecord:
        """One record.

        Raises:
            StoreError: There is none.
        """
        with self._file.lock:
            return self._call(self._row(call_id))

    def latest(self, kind: ItemKind) -> CallRecord | None:
        """Of the calls that are over and left an item of a kind, the one that began last."""
        with self._file.lock:
            rows = self._file.rows(
                "SELECT * FROM calls WHERE ended_at IS NOT NULL AND call_id IN"
                " (SELECT call_id FROM items WHERE kind = ?) ORDER BY began_at DESC LIMIT 1",
                (kind,),
            )
            return self._call(rows[0]) if rows else None

    def items(
        self, call_id: str, *, reason: str = "read", kind: ItemKind | None = None
    ) -> list[Item]:
        """Everything kept of a call, in order; the audit log says that it was read.

        Args:
            call_id: Of the call.
            reason: What the audit log says.
            kind: Only items of this kind; the others are not opened.

        Raises:
            StoreError: There is no such record, or it cannot be opened.
        """
        with self._file.lock:
            key = self._record_key(call_id)
            rows = self._file.rows(
                "SELECT number, kind, at, content FROM items"
                " WHERE call_id = ? AND kind = COALESCE(?, kind) ORDER BY number",
                (call_id, kind),
            )
            with self._file.writing() as db:
                _note(db, reason, call_id)
        return [
            Item(
                number=number,
                kind=kind,
                at=datetime.datetime.fromisoformat(at),
                content=unseal(key, sealed, f"{call_id}/{number}/{kind}"),
            )
            for number, kind, at, sealed in rows
        ]

    def audit(self) -> list[AuditEntry]:
        """What was done, the oldest first."""
        with self._file.lock:
            rows = self._file.rows("SELECT at, action, call_id FROM audit ORDER BY rowid")
        return [
            AuditEntry(at=datetime.datetime.fromisoformat(at), action=action, call_id=call_id)
            for at, action, call_id in rows
        ]

    def _row(self, call_id: str) -> tuple[Any, ...]:
        rows = self._file.rows("SELECT * FROM calls WHERE call_id = ?", (call_id,))
        if not rows:
            raise StoreError(f"There is no record of '{call_id}'.")
        return rows[0]

    def _call(self, row: tuple[Any, ...]) -> CallRecord:
        call_id, began, ended, text, audio, memory, _, caller, key_name, wrapped = row
        name = None
        if isinstance(caller, bytes):
            # Who called is not worth losing sight of a record that does not open any more.
            with suppress(StoreError):
                key = self._keys.unwrap(key_name, wrapped, call_id)
                name = unseal(key, caller, f"{call_id}/caller").decode()
        return CallRecord(
            call_id=call_id,
            began_at=datetime.datetime.fromisoformat(began),
            ended_at=None if ended is None else datetime.datetime.fromisoformat(ended),
            consent=Consent(text=bool(text), audio=bool(audio), memory=bool(memory)),
            caller=name,
        )

    def _record_key(self, call_id: str) -> bytes:
        *_, key_name, wrapped = self._row(call_id)
        return self._keys.unwrap(key_name, wrapped, call_id)

    # -- the end of records -----------------------------------------------------------

    def delete(self, call_ids: list[str], *, reason: str = "deleted") -> int:
        """Delete records for good: keys, content, and their traces in the file.

        Returns:
            How many there were.

        Raises:
            StoreError: The file cannot be written.
        """
        gone = 0
        with self._file.lock:
            with self._file.writing(erases=True) as db:
                for call_id in call_ids:
                    found = db.execute("DELETE FROM calls WHERE call_id = ?", (call_id,)).rowcount
                    if found:
                        gone += 1
                        _note(db, reason, call_id)
            self._file.wipe()
        return gone

    def withdraw_memory(self, call_ids: list[str], *, reason: str = "forgotten") -> None:
        """Forget what was remembered of calls, and that it was allowed; their records stay.

        Raises:
            StoreError: The file cannot be written.
        """
        with self._file.lock:
            with self._file.writing(erases=True) as db:
                for call_id in call_ids:
                    db.execute("UPDATE calls SET keeps_memory = 0 WHERE call_id = ?", (call_id,))
                    db.execute(
                        "DELETE FROM items WHERE call_id = ? AND kind = 'memory'", (call_id,)
                    )
                    _note(db, reason, call_id)
            self._file.wipe()

    def purge(self, keep_days: float, *, spared: Collection[str] = ()) -> int:
        """Delete what began more than `keep_days` days ago, also what does not open any more.

        What was deleted before and may still stand in the file, since that could not be
        rebuilt, is wiped out as well.

        Args:
            keep_days: Greatest age.
            spared: Calls that stay however old they are.

        Returns:
            How many records there were.

        Raises:
            StoreError: The file cannot be written.
        """
        limit = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=keep_days)
        with self._file.lock:
            rows = self._file.rows(
                "SELECT call_id FROM calls WHERE began_at < ?", (limit.isoformat(),)
            )
            old = [call_id for (call_id,) in rows if call_id not in spared]
            if old:
                return self.delete(old, reason="expired")
            self._file.wipe_what_is_left()
            return 0

    def rotate(self) -> None:
        """Wrap every record's key with a fresh master key and forget the old ones.

        Other processes may go on using the records meanwhile. A crash in between leaves both
        keys in place, and nothing closed. A record that was closed for good stays as it is.

        Raises:
            StoreError: The file or the keys cannot be written.
        """
        with self._file.lock:
            with self._file.writing(erases=True) as db:
                replaced = self._keys.renew()
                rows = db.execute("SELECT call_id, key_name, wrapped_key FROM calls").fetchall()
                for call_id, key_name, wrapped in rows:
                    with suppress(StoreError):
                        key = self._keys.unwrap(key_name, wrapped, call_id)
                        db.execute(
                            "UPDATE calls SET key_name = ?, wrapped_key = ? WHERE call_id = ?",
                            (*self._keys.wrap(key, call_id), call_id),
                        )
                _note(db, "rotated", None)
            try:
                self._file.wipe()
            finally:
                with self._file.writing():  # another process may be rotating
                    self._keys.forget(replaced)


def _insert(
    db: sqlite3.Connection, key: bytes, call_id: str, kind: ItemKind, content: bytes
) -> int:
    number: int
    (number,) = db.execute(
        "SELECT COALESCE(MAX(number) + 1, 0) FROM items WHERE call_id = ?", (call_id,)
    ).fetchone()
    sealed = seal(key, content, f"{call_id}/{number}/{kind}")
    db.execute("INSERT INTO items VALUES (?, ?, ?, ?, ?)", (call_id, number, kind, _now(), sealed))
    return number


def _exchange(
    db: sqlite3.Connection, key: bytes, call_id: str, kind: ItemKind, content: bytes
) -> None:
    db.execute("DELETE FROM items WHERE call_id = ? AND kind = ?", (call_id, kind))
    _insert(db, key, call_id, kind, content)


def _note(db: sqlite3.Connection, action: str, call_id: str | None) -> None:
    db.execute("INSERT INTO audit VALUES (?, ?, ?)", (_now(), action, call_id))


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat()

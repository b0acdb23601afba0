"""Records: sealed at rest, gone when deleted, there after a crash."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.store.kept import Consent
from agent.store.keys import KeyFile
from agent.store.records import RecordStore
from agent.store.sealing import new_key, seal, unseal
from pipeline.errors import StoreError

WORDS = "我跟我媽媽吵架了"


@pytest.fixture
def place(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys" / "records.key")


@pytest.fixture
def store(tmp_path: Path, place: KeyFile):
    opened = RecordStore(tmp_path / "records" / "records.sqlite", place)
    yield opened
    opened.close()


def files(folder: Path) -> bytes:
    """Every byte that the store has on the disk, its log included."""
    return b"".join(path.read_bytes() for path in (folder / "records").iterdir())


def keep(store: RecordStore, call_id: str, text: str = WORDS, caller: str | None = None) -> None:
    store.begin(call_id, Consent(), caller)
    store.add(call_id, "caller", text.encode())
    store.end(call_id)


def test_what_was_kept_comes_back(store: RecordStore):
    """Items come in their order, with their kind."""
    keep(store, "call_1", caller="小美")
    items = store.items("call_1")
    assert [(item.number, item.kind, item.text) for item in items] == [(0, "caller", WORDS)]
    assert store.call("call_1").caller == "小美"


def test_nothing_readable_is_on_the_disk(store: RecordStore, tmp_path: Path):
    """Neither words nor names stand in the files."""
    keep(store, "call_1", caller="小美")
    found = files(tmp_path)
    assert WORDS.encode() not in found
    assert "小美".encode() not in found


def test_a_callers_records_are_found_by_name(store: RecordStore):
    """The index is keyed: it answers who knows the name."""
    keep(store, "call_1", caller="小美")
    keep(store, "call_2", caller="阿明")
    assert [record.call_id for record in store.calls("小美")] == ["call_1"]
    assert store.calls("nobody") == []


def test_deleting_leaves_no_byte(store: RecordStore, tmp_path: Path):
    """Wrapped key and ciphertext are gone from the file and its log."""
    keep(store, "call_1")
    keep(store, "call_2")
    database = sqlite3.connect(tmp_path / "records" / "records.sqlite")
    (wrapped,) = database.execute(
        "SELECT wrapped_key FROM calls WHERE call_id = 'call_1'"
    ).fetchone()
    (content,) = database.execute("SELECT content FROM items WHERE call_id = 'call_1'").fetchone()
    database.close()
    assert wrapped in files(tmp_path)
    assert store.delete(["call_1"]) == 1
    left = files(tmp_path)
    assert wrapped not in left
    assert content not in left
    assert [record.call_id for record in store.calls()] == ["call_2"]
    with pytest.raises(StoreError, match="no record"):
        store.items("call_1")


def test_what_a_revision_replaces_leaves_no_byte(store: RecordStore, tmp_path: Path):
    """Items that stay as they are, and kinds of which there are none, are passed over."""
    keep(store, "call_1")
    store.replace("call_1", "intake", b"one")
    (sealed,) = store._file._db.execute(
        "SELECT content FROM items WHERE kind = 'intake'"
    ).fetchone()
    store.revise(
        "call_1",
        {"caller": lambda words: words, "intake": lambda _: b"two", "memory": lambda _: b"x"},
        reason="struck",
    )
    assert [(item.kind, item.content) for item in store.items("call_1")] == [
        ("caller", WORDS.encode()),
        ("intake", b"two"),
    ]
    assert sealed not in files(tmp_path)
    assert [entry.action for entry in store.audit()].count("struck") == 1
    store.revise("call_1", {"intake": lambda words: words}, reason="struck")
    assert [entry.action for entry in store.audit()].count("struck") == 1


@contextmanager
def read_by_another(store: RecordStore) -> Iterator[None]:
    """Somebody reads meanwhile, so that the log cannot be emptied; the store does not wait."""
    store._file._db.execute("PRAGMA busy_timeout = 0")
    reader = sqlite3.connect(store._file.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT COUNT(*) FROM calls").fetchone()
    yield
    reader.close()


@pytest.mark.parametrize(
    "erase",
    [
        lambda store: store.delete(["call_1"]),
        lambda store: store.purge(keep_days=0.0),
        lambda store: store.withdraw_memory(["call_1"]),
        lambda store: store.revise("call_1", {"memory": lambda _: b"less"}, reason="struck"),
    ],
    ids=["delete", "purge", "withdraw", "revise"],
)
def test_what_could_not_be_wiped_out_goes_at_the_next_purge(
    store: RecordStore, place: KeyFile, tmp_path: Path, erase: Callable[[RecordStore], object]
):
    """Though nothing is too old then, and in another process; after that the file is let be."""
    store.begin("call_1", Consent(memory=True), "tag")
    store.remember("call_1", b"everything")
    (content,) = store._file._db.execute("SELECT content FROM items").fetchone()
    with read_by_another(store), pytest.raises(StoreError, match="rebuilt") as refused:
        erase(store)
    assert refused.value.retryable
    assert content in files(tmp_path)
    again = RecordStore(store._file.path, place)
    assert again.purge(keep_days=1.0) == 0
    assert content not in files(tmp_path)
    log = tmp_path / "records" / "records.sqlite-wal"
    written = log.read_bytes()
    assert again.purge(keep_days=1.0) == 0
    assert log.read_bytes() == written
    again.close()


def test_a_rotation_forgets_the_old_key_though_the_file_cannot_be_rebuilt(
    store: RecordStore, place: KeyFile
):
    """What still stands in the file was closed with it."""
    keep(store, "call_1")
    before = place.read()
    with read_by_another(store), pytest.raises(StoreError, match="rebuilt"):
        store.rotate()
    after = place.read()
    assert before is not None
    assert after is not None
    assert not before.keys.keys() & after.keys.keys()
    assert store.items("call_1")[0].text == WORDS


def test_retention_deletes_what_is_old(store: RecordStore):
    """Purging by age; nothing younger goes."""
    keep(store, "call_1")
    assert store.purge(keep_days=1.0) == 0
    assert store.purge(keep_days=0.0) == 1
    assert store.calls() == []


def test_rotation_closes_nothing_and_forgets_the_old_key(store: RecordStore, place: KeyFile):
    """Records open with the new key alone."""
    keep(store, "call_1")
    before = place.read()
    store.rotate()
    after = place.read()
    assert before is not None
    assert after is not None
    assert list(after.keys) == [after.current]
    assert after.current != before.current
    assert store.items("call_1")[0].text == WORDS


def test_a_crash_during_rotation_leaves_both_keys(store: RecordStore, place: KeyFile):
    """With the new key written and no record rewrapped yet, everything still opens."""
    keep(store, "call_1")
    keys = place.read()
    assert keys is not None
    place.write(keys.with_new_key())
    store.close()
    again = RecordStore(store._file.path, place)
    assert again.items("call_1")[0].text == WORDS
    again.close()


def test_rotating_beside_a_running_server_closes_nothing(store: RecordStore, place: KeyFile):
    """Calls under way go on, new ones open after a restart, and the old key is forgotten."""
    store.begin("call_1", Consent(), "小美")
    command = RecordStore(store._file.path, place)
    before = place.read()
    command.rotate()
    command.close()
    store.add("call_1", "caller", WORDS.encode())
    keep(store, "call_2", caller="阿明")
    again = RecordStore(store._file.path, place)
    assert [again.items(call_id)[0].text for call_id in ("call_1", "call_2")] == [WORDS, WORDS]
    assert [record.caller for record in again.calls()] == ["阿明", "小美"]
    again.close()
    after = place.read()
    assert before is not None
    assert after is not None
    assert not before.keys.keys() & after.keys.keys()


def test_two_rotations_at_once_lose_no_key(store: RecordStore, place: KeyFile, monkeypatch):
    """Whoever is through last forgets only the keys that it replaced itself."""
    keep(store, "call_1")
    other = RecordStore(store._file.path, place)
    wipe = store._file.wipe

    def rotated_meanwhile() -> None:
        other.rotate()
        wipe()

    monkeypatch.setattr(store._file, "wipe", rotated_meanwhile)
    store.rotate()
    other.close()
    again = RecordStore(store._file.path, place)
    assert again.items("call_1")[0].text == WORDS
    again.close()


def test_a_record_whose_key_is_lost_stands_in_nobodys_way(store: RecordStore, place: KeyFile):
    """It is listed without its caller, outlives a rotation, and can be deleted and purged."""
    keep(store, "call_1", caller="小美")
    keep(store, "call_2", caller="小美")
    keep(store, "call_3", caller="小美")
    store._file._db.execute("UPDATE calls SET key_name = 'kgone' WHERE call_id <> 'call_3'")
    assert {record.call_id: record.caller for record in store.calls("小美")} == {
        "call_1": None,
        "call_2": None,
        "call_3": "小美",
    }
    with pytest.raises(StoreError, match="kgone"):
        store.items("call_1")
    store.rotate()
    assert store.items("call_3")[0].text == WORDS
    assert store.delete([store.call("call_1").call_id]) == 1
    assert store.purge(keep_days=0.0) == 2


def test_another_key_opens_nothing(store: RecordStore, place: KeyFile):
    """Without the right keys the store says so and where, and makes none over old records."""
    keep(store, "call_1")
    store.close()
    place.path.unlink()
    with pytest.raises(StoreError, match=f"missing in {re.escape(str(place.path))}"):
        RecordStore(store._file.path, place)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no mode bits")
def test_a_key_file_open_to_others_is_refused(store: RecordStore, place: KeyFile):
    """Keys that others may read are no keys."""
    place.path.chmod(0o644)
    with pytest.raises(StoreError, match="open to others"):
        place.read()


def test_a_sealed_value_belongs_to_its_place():
    """Moved to another record or changed, it does not open."""
    key = new_key()
    sealed = seal(key, b"words", "call_1/0/caller")
    assert unseal(key, sealed, "call_1/0/caller") == b"words"
    for wrong in (sealed[:-1] + bytes([sealed[-1] ^ 1]), b""):
        with pytest.raises(StoreError):
            unseal(key, wrong, "call_1/0/caller")
    with pytest.raises(StoreError):
        unseal(key, sealed, "call_2/0/caller")


def test_a_closed_store_says_so(store: RecordStore):
    """In an error of the one tree, which no waiting mends."""
    keep(store, "call_1")
    store.close()
    for use in (store.calls, lambda: store.end("call_1"), lambda: store.items("call_1")):
        with pytest.raises(StoreError) as refused:
            use()
        assert not refused.value.retryable


def test_the_audit_log_names_actions_and_no_words(store: RecordStore):
    """It outlives the record."""
    keep(store, "call_1")
    store.items("call_1")
    store.delete(["call_1"])
    assert [entry.action for entry in store.audit()] == ["began", "ended", "read", "deleted"]
    assert {entry.call_id for entry in store.audit()} == {"call_1"}


KILLED = """
import sys, threading
from pathlib import Path
from agent.store.keys import KeyFile
from agent.store.recorder import CallRecorder
from agent.store.kept import Consent
from agent.store.records import RecordStore
from pipeline.events import TranscriptCompleted
folder = Path(sys.argv[1])
store = RecordStore(folder / "records" / "records.sqlite", KeyFile(folder / "keys" / "records.key"))
recorder = CallRecorder(store, "call_1", Consent())
for number in range(int(sys.argv[2])):
    recorder.note(TranscriptCompleted(f"turn_{number}", f"turn {number}", "en"))
while len(store.items("call_1") if store.calls() else []) < int(sys.argv[2]):
    pass
print("written", flush=True)
recorder.note(TranscriptCompleted("turn_last", "the last turn", "en"))
threading.Event().wait()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_kill_9_loses_at_most_the_last_turn(tmp_path: Path):
    """A real process, killed in mid-call: every turn before the last is there."""
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), "5"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == "written\n"
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    store = RecordStore(
        tmp_path / "records" / "records.sqlite", KeyFile(tmp_path / "keys" / "records.key")
    )
    texts = [item.text for item in store.items("call_1")]
    assert texts[:5] == [f"turn {number}" for number in range(5)]
    assert len(texts) <= 6
    assert store.call("call_1").ended_at is None
    store.close()

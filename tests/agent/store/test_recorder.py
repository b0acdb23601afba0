"""A call's events and audio become its record, as far as the caller allows."""

from __future__ import annotations

import json
import sqlite3
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.store import recorder as recorder_module
from agent.store.export import export
from agent.store.kept import Consent
from agent.store.keys import KeyFile
from agent.store.recorder import CallRecorder
from agent.store.records import RecordStore
from pipeline.events import (
    Acknowledged,
    BackchannelNoted,
    CallEnded,
    CrisisNoted,
    ReplyAmended,
    ReplyAudio,
    ReplyFinished,
    TranscriptCompleted,
)


@pytest.fixture
def store(tmp_path: Path):
    opened = RecordStore(tmp_path / "records.sqlite", KeyFile(tmp_path / "records.key"))
    yield opened
    opened.close()


def play(store: RecordStore, consent: Consent) -> None:
    """One short call."""
    recorder = CallRecorder(store, "call_1", consent, caller="Ann")
    recorder.hear(b"\1\0" * 160)
    recorder.note(TranscriptCompleted("turn_1", "I am sad", "en"))
    recorder.note(BackchannelNoted("mm-hm"))
    recorder.note(CrisisNoted("concern", "suicide", ()))
    recorder.note(ReplyAudio("reply_1", 0, b"\2\0" * 240, 0, 0, 5))
    recorder.note(ReplyFinished("reply_1", "cut", "I hear you well", "I hear you", False, 0.01))
    recorder.note(CallEnded("hangup"))
    recorder.wait_closed()


def test_words_and_marks_are_kept(store: RecordStore):
    """What was said and heard, and the crisis mark; no audio without consent."""
    play(store, Consent(text=True))
    items = store.items("call_1")
    assert [item.kind for item in items] == ["caller", "mark", "bot"]
    assert json.loads(items[1].content) == {"crisis": "concern", "category": "suicide"}
    assert items[2].text == "I hear you"
    assert store.call("call_1").ended_at is not None


def test_an_acknowledgement_is_a_mark_and_no_turn(store: RecordStore):
    """Its words stand where it was said; its sound is the bot's."""
    recorder = CallRecorder(store, "call_1", Consent(text=True, audio=True))
    recorder.note(Acknowledged("嗯", b"\2\0" * 240))
    recorder.note(TranscriptCompleted("turn_1", "昨天他又没回来", "zh"))
    recorder.note(CallEnded("hangup"))
    recorder.wait_closed()
    items = store.items("call_1")
    assert [item.kind for item in items] == ["mark", "caller", "bot_audio"]
    assert json.loads(items[0].content) == {"acknowledgement": "嗯"}
    assert len(items[2].content) == 480


@pytest.mark.parametrize(
    ("finished", "amended", "kept"),
    [
        ("我听到了，你", "我听到", ["我听到", "嗯"]),
        ("我听到", "我听到了，你", ["我听到了，你", "嗯"]),
        ("我听到", "", ["嗯"]),
        ("", "我", ["嗯", "我"]),
    ],
)
def test_what_a_client_says_later_about_a_cut_reply_holds(
    store: RecordStore, finished: str, amended: str, kept: list[str]
):
    """In its place among the words, whether more or less of it was heard."""
    recorder = CallRecorder(store, "call_1", Consent(text=True))
    recorder.note(
        ReplyFinished("reply_1", "interrupted", "我听到了，你很累。", finished, True, 1.0)
    )
    recorder.note(TranscriptCompleted("turn_1", "嗯", "zh"))
    recorder.note(ReplyAmended("reply_1", "我听到了，你很累。", amended, 1.0))
    recorder.note(CallEnded("hangup"))
    recorder.wait_closed()
    assert [item.text for item in store.items("call_1")] == kept


def test_an_amendment_leaves_other_replies_alone(store: RecordStore):
    """One about a reply of which nothing was kept does not change the reply before it."""
    recorder = CallRecorder(store, "call_1", Consent(text=True))
    recorder.note(ReplyFinished("reply_1", "completed", "你好。", "你好。", False, 1.0))
    recorder.note(ReplyFinished("reply_2", "interrupted", "我听到了。", "", True, 1.0))
    recorder.note(ReplyAmended("reply_2", "我听到了。", "我", 1.0))
    recorder.note(CallEnded("hangup"))
    recorder.wait_closed()
    assert [item.text for item in store.items("call_1")] == ["你好。", "我"]


def test_nothing_is_kept_without_consent(store: RecordStore):
    """Only that a call took place."""
    play(store, Consent(text=False))
    assert store.items("call_1") == []


@pytest.fixture
def another(store: RecordStore) -> Iterator[sqlite3.Connection]:
    """Another process at the same file; the store does not wait for it within one try."""
    store._file._db.execute("PRAGMA busy_timeout=0")
    connection = sqlite3.connect(store._file.path, isolation_level=None)
    yield connection
    connection.close()


def test_a_write_that_fails_is_tried_again(
    store: RecordStore, another: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
):
    """While another process rebuilds the file everything waits, in its order, the end too."""
    tries = []
    monkeypatch.setattr(recorder_module.time, "sleep", tries.append)
    recorder = CallRecorder(store, "call_1", Consent())
    recorder.note(TranscriptCompleted("turn_1", "one", "en"))
    wait_until(lambda: len(store.calls()) == 1 and len(store.items("call_1")) == 1)
    another.execute("BEGIN IMMEDIATE")
    recorder.note(TranscriptCompleted("turn_2", "two", "en"))
    recorder.keep_intake(b"{}")
    recorder.note(TranscriptCompleted("turn_3", "three", "en"))
    recorder.note(CallEnded("hangup"))
    wait_until(lambda: len(tries) >= 8)
    another.execute("COMMIT")
    recorder.wait_closed()
    assert [item.text for item in store.items("call_1")] == ["one", "two", "{}", "three"]
    assert store.call("call_1").ended_at is not None
    assert tries[:8] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_deleted_call_is_given_up(store: RecordStore):
    """No waiting brings its row back; nothing of it is written any more."""
    recorder = CallRecorder(store, "call_1", Consent())
    wait_until(lambda: len(store.calls()) == 1)
    store.delete(["call_1"])
    recorder.note(TranscriptCompleted("turn_1", "one", "en"))
    recorder.note(TranscriptCompleted("turn_2", "two", "en"))
    recorder.note(CallEnded("hangup"))
    recorder.wait_closed()
    assert not recorder._thread.is_alive()
    assert [entry.action for entry in store.audit()] == ["began", "deleted"]


def test_after_a_failure_for_good_the_end_is_written(store: RecordStore):
    """Else the call would count as running for ever."""
    recorder = CallRecorder(store, "call_1", Consent())
    wait_until(lambda: len(store.calls()) == 1)
    store._file._db.execute("UPDATE calls SET key_name = 'kgone'")
    recorder.note(TranscriptCompleted("turn_1", "one", "en"))
    recorder.note(CallEnded("hangup"))
    recorder.wait_closed()
    assert store.call("call_1").ended_at is not None


def test_audio_that_waits_is_bounded_and_words_are_not(
    store: RecordStore, another: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
):
    """A disk that is full for an hour does not fill the memory as well."""
    monkeypatch.setattr(recorder_module, "MAX_WAITING_ITEMS", 3)
    another.execute("BEGIN IMMEDIATE")
    recorder = CallRecorder(store, "call_1", Consent(audio=True))
    for number in range(8):
        recorder.hear(b"\1\0" * 160)
        recorder.note(TranscriptCompleted(f"turn_{number}", str(number), "en"))
    another.execute("COMMIT")
    recorder.note(CallEnded("hangup"))
    recorder.wait_closed()
    kinds = [item.kind for item in store.items("call_1")]
    assert kinds.count("caller") == 8
    assert 0 < kinds.count("caller_audio") <= 3


def wait_until(holds: Callable[[], bool]) -> None:
    """Give the recorder's thread its time."""
    while not holds():
        pass


def test_export_writes_plain_files(store: RecordStore, tmp_path: Path):
    """JSON and the voices at their rates."""
    play(store, Consent(text=True, audio=True))
    written = export(store, store.calls("Ann"), tmp_path / "out")
    assert [file.name for file in written] == ["record.json", "caller_audio.wav", "bot_audio.wav"]
    record = json.loads(written[0].read_text("utf-8"))
    assert [line["kind"] for line in record["lines"]] == ["caller", "mark", "bot"]
    with wave.open(str(written[1])) as voice:
        assert (voice.getframerate(), voice.getnframes()) == (16_000, 160)
    with wave.open(str(written[2])) as voice:
        assert (voice.getframerate(), voice.getnframes()) == (24_000, 240)
    assert store.audit()[-1].action == "exported"

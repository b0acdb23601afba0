"""A call's events and audio become its record, as far as the caller allows."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import pytest

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

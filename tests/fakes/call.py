"""A call without models, behind the same interface as the real one.

The server's tests are about the wire: framing, order, errors, ends. Real engines would make
them slow and their words uncertain, so this call hears "something" wherever the microphone
is loud, answers with a fixed text in a tone (without turn detection only when asked, like the
real one), and counts stream time only. It also records everything it was asked to do. Tests
may push events of their own with `emit`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import numpy as np

from pipeline.audio import INPUT_RATE_HZ, OUTPUT_RATE_HZ, SAMPLE_BYTES, level_dbfs, pcm_to_int16
from pipeline.errors import OverloadedError
from pipeline.events import (
    CallEnded,
    CallEvent,
    CallOptions,
    PlayoutFlushed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyStatus,
    ReplyText,
    SpeechStarted,
    SpeechStopped,
    StateChanged,
    TranscriptCompleted,
    TranscriptUpdated,
    TurnMeasured,
)

LOUD_DBFS = -40.0
SILENCE_SECS = 0.3  # of stream time, after which a turn is over
HEARD = "我最近睡不好"
ANSWER = "听起来你很累。"
CHUNK_SECS = 0.1
MARKS_MS = {"speech_end": 0.0, "soft_end": 100.0, "first_playout": 300.0}


def tone(secs: float, rate_hz: int = OUTPUT_RATE_HZ, hz: float = 440.0) -> bytes:
    """A sine at -12 dBFS as PCM16."""
    phase = 2 * np.pi * hz * np.arange(int(secs * rate_hz)) / rate_hz
    return (8192 * np.sin(phase)).astype("<i2").tobytes()


@dataclass
class FakeCall:
    """One call; `asked` lists what its client did, `audio` is what came in."""

    call_id: str
    options: CallOptions
    answer_secs: float = 0.5
    asked: list[tuple[object, ...]] = field(default_factory=list)
    audio: bytearray = field(default_factory=bytearray)
    closed_with: str | None = None

    def __post_init__(self) -> None:
        self.closed = asyncio.Event()
        self._events: asyncio.Queue[CallEvent] = asyncio.Queue()
        self._turns = self._replies = 0
        self._in_speech = False
        self._quiet_secs = 0.0
        self._reply_id: str | None = None
        self._answer_samples = 0
        self._played = 0

    def emit(self, *events: CallEvent) -> None:
        for event in events:
            self._events.put_nowait(event)

    def drain(self) -> list[CallEvent]:
        """Everything emitted and not read yet, for tests without an event loop."""
        return [self._events.get_nowait() for _ in range(self._events.qsize())]

    # ---- CallPort ----

    def configure(self, options: CallOptions) -> None:
        self.options = options

    def push_audio(self, pcm: bytes) -> None:
        self.audio += pcm
        loud = level_dbfs(pcm_to_int16(pcm)) > LOUD_DBFS
        now_secs = len(self.audio) / SAMPLE_BYTES / INPUT_RATE_HZ
        if loud:
            self._quiet_secs = 0.0
            if not self._in_speech:
                self._begin_turn(now_secs)
        elif self._in_speech:
            self._quiet_secs += len(pcm) / SAMPLE_BYTES / INPUT_RATE_HZ
            if self._quiet_secs >= SILENCE_SECS and self.options.turn_detection:
                self._end_turn(now_secs)

    def commit_audio(self) -> None:
        self.asked.append(("commit",))
        if self._in_speech:
            self._end_turn(len(self.audio) / SAMPLE_BYTES / INPUT_RATE_HZ)

    def clear_audio(self) -> None:
        self.asked.append(("clear",))
        self._in_speech = False

    def send_text(self, text: str) -> None:
        self.asked.append(("text", text))

    def respond(self) -> None:
        self.asked.append(("respond",))
        if self._reply_id is None:
            self._answer(None)

    def cancel_reply(self) -> None:
        self.asked.append(("cancel",))
        self._finish("cancelled")

    def report_played(self, reply_id: str, samples: int) -> None:
        self.asked.append(("played", reply_id, samples))
        self._played = samples
        if reply_id == self._reply_id and samples >= self._answer_samples:
            self._finish("completed")

    def truncate_reply(self, reply_id: str, audio_end_ms: int) -> None:
        self.asked.append(("truncate", reply_id, audio_end_ms))

    async def events(self) -> AsyncIterator[CallEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, CallEnded):
                return

    async def close(self, reason: str = "hangup") -> None:
        if self.closed_with is None:
            self.closed_with = reason
            self.closed.set()
            self.emit(CallEnded(reason))

    # ---- what the models would do ----

    def _begin_turn(self, now_secs: float) -> None:
        self._in_speech = True
        self._turns += 1
        turn_id = f"turn_{self._turns}"
        self.emit(SpeechStarted(turn_id, now_secs))
        if self._reply_id and self.options.interrupt_reply:
            self.emit(PlayoutFlushed(self._reply_id))
            self._finish("interrupted")
        self.emit(TranscriptUpdated(turn_id, HEARD[:2], HEARD[2:4]))

    def _end_turn(self, now_secs: float) -> None:
        self._in_speech = False
        turn_id = f"turn_{self._turns}"
        self.emit(
            SpeechStopped(turn_id, now_secs - self._quiet_secs),
            TranscriptCompleted(turn_id, HEARD, "zh"),
        )
        if self.options.turn_detection:
            self._answer(turn_id)

    def _answer(self, turn_id: str | None) -> None:
        self._replies += 1
        self._reply_id = reply_id = f"reply_{self._replies}"
        self._played = 0
        self.emit(ReplyStarted(reply_id, turn_id), StateChanged("speaking"))
        self.emit(ReplyText(reply_id, ANSWER, 0))
        pcm = tone(self.answer_secs)
        self._answer_samples = len(pcm) // SAMPLE_BYTES
        step = int(CHUNK_SECS * OUTPUT_RATE_HZ) * SAMPLE_BYTES
        for sequence, offset in enumerate(range(0, len(pcm), step)):
            chunk, start = pcm[offset : offset + step], offset // SAMPLE_BYTES
            self.emit(ReplyAudio(reply_id, sequence, chunk, start, 0, len(ANSWER)))
        if turn_id:
            self.emit(TurnMeasured(turn_id, reply_id, MARKS_MS, 300.0, {"hits": 1.0}))
        if not self.options.reports_playout:
            self._played = self._answer_samples
            self._finish("completed")

    def _finish(self, status: ReplyStatus) -> None:
        if self._reply_id is None:
            return
        share = min(1.0, self._played / max(1, self._answer_samples))
        heard = ANSWER[: round(share * len(ANSWER))]
        secs = self._answer_samples / OUTPUT_RATE_HZ
        estimated = not self.options.reports_playout
        self.emit(ReplyFinished(self._reply_id, status, ANSWER, heard, estimated, secs))
        self.emit(StateChanged("listening"))
        self._reply_id = None


class FakeFactory:
    """Opens fake calls, up to `max_calls` at a time; `calls` keeps them for the test."""

    def __init__(self, *, max_calls: int = 100, answer_secs: float = 0.5) -> None:
        self.calls: list[FakeCall] = []
        self._max_calls = max_calls
        self._answer_secs = answer_secs

    @property
    def open(self) -> int:
        return sum(1 for one in self.calls if one.closed_with is None)

    async def open_call(self, options: CallOptions) -> FakeCall:
        if self.open >= self._max_calls:
            raise OverloadedError("all lines are taken; try again in a few minutes")
        one = FakeCall(f"call_{len(self.calls) + 1}", options, self._answer_secs)
        self.calls.append(one)
        return one

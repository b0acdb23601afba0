"""Playout: holds a draft until it is committed, paces it, and knows what was heard.

    speech ──▶ held ──commit──▶ sending ──all played──▶ finished (completed)
                 │                 │ ▲
                 │             pause ▼ │ resume
                 │               holding
                 └──drop──▶ gone     └──drop──▶ flushed ──last report──▶ finished
                                                            (interrupted: heard text kept)

It sends at most `LEAD_SECS` ahead of the loudspeaker, so that a cut leaves little to
throw away and a stall of the event loop stays inaudible.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np
from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection

from pipeline.audio import OUTPUT_RATE_HZ, Int16Array, level_dbfs
from pipeline.echo import SLOT_SECS
from pipeline.events import (
    PlayoutFlushed,
    PlayoutPaused,
    PlayoutResumed,
    ReplyAmended,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyStatus,
    ReplyText,
)
from pipeline.frames import (
    ClauseFrame,
    CommitFrame,
    ConfigureFrame,
    DropFrame,
    DropReason,
    MeasureFrame,
    PauseFrame,
    PlayedFrame,
    PlayoutFinishedFrame,
    PlayoutProgressFrame,
    PlayoutStartedFrame,
    ReplyCostFrame,
    ResumeFrame,
    SpeechEndFrame,
    SpeechFrame,
)
from pipeline.playout.clock import PlayoutClock
from pipeline.playout.ledger import ReplyLedger
from pipeline.stage import Stage

LEAD_SECS = 0.4  # a cut throws away no more, and no shorter stall is heard
LEAD_SAMPLES = int(LEAD_SECS * OUTPUT_RATE_HZ)
CHUNK_SAMPLES = OUTPUT_RATE_HZ // 10  # an audio event carries at most 100 ms
TICK_SECS = 0.02  # between two looks at the clock; a twentieth of the lead
PROGRESS_SECS = 0.1  # between two reports upstream: about half a syllable of Mandarin
# A client that reports says where it stopped when it is told to; longer than a round trip
# within a country, shorter than any next reply takes.
LAST_REPORT_SECS = 0.12
# A reporting client that has gone quiet is believed to have played everything this long
# after the estimate says so.
REPORT_GRACE_SECS = 1.0
# Enough for the twelve units that the echo guard looks ahead, in either language.
UPCOMING_CHARS = 80
# Two slots more than the time to the next progress: it may come late.
PROGRESS_SLOTS = round(PROGRESS_SECS / SLOT_SECS) + 2
SLOT_SAMPLES = round(SLOT_SECS * OUTPUT_RATE_HZ)

_STATUS: dict[DropReason, ReplyStatus] = {
    "resumed": "interrupted",
    "interrupted": "interrupted",
    "cancelled": "cancelled",
    "replaced": "interrupted",
    "failed": "failed",
}


@dataclass
class _Chunk:
    """One audio event to be sent.

    Attributes:
        pcm: int16, shape (n_samples,), at most `CHUNK_SAMPLES`, 24 kHz.
        start_sample: Place in the reply's audio.
        start_char, end_char: Place in the reply's text.
    """

    pcm: Int16Array
    start_sample: int
    start_char: int
    end_char: int


@dataclass
class _Reply:
    """One generation on its way to the loudspeaker.

    Attributes:
        reply_id: The client's name for it, given with the commit.
        next_chunk: Index of the first chunk that was not sent.
        texts_sent: Characters of its text that the client has.
        sequence: Number of its next audio event.
        voiced: No more audio will come.
        stopped_by_client: The client truncated it, and knows.
        cut_as: It was cut, and waits for the client's last report since `cut_at`.
        cut_at: Monotonic seconds.
        idle_since: Monotonic seconds since when all that was sent has been played, or None.
    """

    generation: int
    clock: PlayoutClock
    turn_id: str = ""
    reply_id: str = ""
    ledger: ReplyLedger = field(default_factory=ReplyLedger)
    chunks: list[_Chunk] = field(default_factory=list)
    next_chunk: int = 0
    texts_sent: int = 0
    sequence: int = 0
    sent_samples: int = 0
    voiced: bool = False
    failed: bool = False
    committed: bool = False
    started: bool = False
    paused: bool = False
    stopped_by_client: bool = False
    cut_as: ReplyStatus | None = None
    cut_at: float = 0.0
    idle_since: float | None = None

    def everything_sent(self) -> bool:
        return self.voiced and self.next_chunk >= len(self.chunks)

    def levels_dbfs(self, from_sample: int) -> tuple[float, ...]:
        """Level of the voice from a sample on, one for each of `PROGRESS_SLOTS` slots.

        What was not sent yet counts as silence.
        """
        end = from_sample + PROGRESS_SLOTS * SLOT_SAMPLES
        line = np.zeros(PROGRESS_SLOTS * SLOT_SAMPLES, dtype=np.int16)
        for chunk in self.chunks[: self.next_chunk]:
            first = max(from_sample, chunk.start_sample)
            last = min(end, chunk.start_sample + len(chunk.pcm))
            if first < last:
                piece = chunk.pcm[first - chunk.start_sample : last - chunk.start_sample]
                line[first - from_sample : last - from_sample] = piece
        return tuple(level_dbfs(slot) for slot in line.reshape(-1, SLOT_SAMPLES))


class PlayoutStage(Stage):
    """Holds, paces, pauses and ends replies; tells upstream what was heard.

    Args:
        holds_on_pause: The client keeps what it has buffered when told to pause; one
            that does not plays up to `LEAD_SECS` on.
        patience_secs: Silence in the middle of a reply after which it counts as failed.
    """

    def __init__(self, *, holds_on_pause: bool, patience_secs: float) -> None:
        super().__init__(name="playout")
        self._holds_on_pause = holds_on_pause
        self._patience_secs = patience_secs
        self._replies: dict[int, _Reply] = {}
        self._dropped_up_to = 0
        self._active: _Reply | None = None
        self._last_finished: _Reply | None = None
        self._reply_count = 0
        self._wake = asyncio.Event()
        self._pump_task: asyncio.Task[None] | None = None
        self._progress_at = 0.0

    async def started(self) -> None:
        self._pump_task = self.spawn(self._pump(), "playout-pump")

    async def stopped(self) -> None:
        if self._active is not None:
            await self._finish(self._active, "cancelled")
        if self._pump_task is not None:
            await self.cancel_task(self._pump_task)
            self._pump_task = None

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        match frame:
            case ConfigureFrame():
                self._holds_on_pause = frame.holds_on_pause
                await self.push_frame(frame, direction)
            case ClauseFrame():
                if reply := self._reply(frame.generation):
                    reply.ledger.append_text(frame.clause.text)
                    await self._send_text(reply)
            case SpeechFrame():
                if reply := self._reply(frame.generation):
                    self._book(reply, frame)
                    if not reply.committed:
                        samples = reply.ledger.samples
                        await self.push_upstream(
                            ReplyCostFrame(reply.generation, audio_samples=samples)
                        )
            case SpeechEndFrame():
                if reply := self._reply(frame.generation):
                    reply.voiced = True
                    reply.failed = reply.failed or frame.failed
            case CommitFrame():
                await self._commit(frame)
            case DropFrame():
                await self._drop(frame)
            case PauseFrame():
                await self._pause(frame.generation)
            case ResumeFrame():
                await self._resume(frame.generation)
            case PlayedFrame():
                await self._played(frame)
            case _:
                await self.push_frame(frame, direction)
        self._wake.set()

    def _reply(self, generation: int) -> _Reply | None:
        """The account of `generation`, opened on first sight; None once it is dropped."""
        if generation not in self._replies:
            if generation <= self._dropped_up_to:
                return None
            clock = PlayoutClock(holds_on_pause=self._holds_on_pause)
            self._replies[generation] = _Reply(generation, clock)
        return self._replies[generation]

    def _book(self, reply: _Reply, frame: SpeechFrame) -> None:
        reply.failed = reply.failed or frame.failed
        start_sample = reply.ledger.samples
        reply.ledger.append_audio(frame.clause_index, len(frame.pcm), frame.marks)
        for offset in range(0, len(frame.pcm), CHUNK_SAMPLES):
            piece = frame.pcm[offset : offset + CHUNK_SAMPLES]
            at = start_sample + offset
            reply.chunks.append(_Chunk(piece, at, *reply.ledger.span(at, at + len(piece))))

    async def _commit(self, frame: CommitFrame) -> None:
        reply = self._reply(frame.generation)
        if reply is None or reply.committed:
            return
        if self._active is not None:
            await self._finish(self._active, "interrupted")
        self._reply_count += 1
        reply.committed = True
        reply.turn_id = frame.turn_id
        reply.reply_id = f"reply_{self._reply_count}"
        self._active = reply
        await self.emit(ReplyStarted(reply.reply_id, reply.turn_id or None))
        await self._send_text(reply)
        await self.push_frame(frame)

    async def _send_text(self, reply: _Reply) -> None:
        if reply.committed and reply.texts_sent < len(reply.ledger.text):
            text = reply.ledger.text[reply.texts_sent :]
            await self.emit(ReplyText(reply.reply_id, text, reply.texts_sent))
            reply.texts_sent += len(text)

    async def _drop(self, frame: DropFrame) -> None:
        reply = self._replies.pop(frame.generation, None)
        self._dropped_up_to = max(self._dropped_up_to, frame.generation)
        if reply is not None and reply.committed:
            await self._cut(reply, _STATUS[frame.reason])
        else:
            await self.push_upstream(PlayoutFinishedFrame(frame.generation, None, "", ""))

    async def _cut(self, reply: _Reply, status: ReplyStatus) -> None:
        """Stop a committed reply; a client that plays on until it hears of it reports once more."""
        if self._active is not reply or reply.cut_as is not None:
            return
        await self.emit(PlayoutFlushed(reply.reply_id))
        plays_on = not reply.paused and reply.started
        reply.cut_as, reply.cut_at = status, self.now()
        reply.clock.pause(reply.cut_at)
        if not (plays_on and self._holds_on_pause and reply.clock.confirmed is not None):
            await self._finish(reply, status)

    async def _pause(self, generation: int) -> None:
        reply = self._active
        if reply is None or reply.generation != generation or reply.paused:
            return
        reply.paused = True
        reply.clock.pause(self.now())
        if reply.started:
            await self.emit(PlayoutPaused(reply.reply_id))

    async def _resume(self, generation: int) -> None:
        reply = self._active
        if reply is None or reply.generation != generation or not reply.paused:
            return
        reply.paused = False
        now = self.now()
        from_sample = reply.clock.position(now)
        if self._holds_on_pause:
            from_sample = reply.ledger.resume_sample(from_sample)
        reply.clock.resume(from_sample, now)
        reply.idle_since = None
        if reply.started:
            await self.emit(PlayoutResumed(reply.reply_id, from_sample))

    async def _played(self, frame: PlayedFrame) -> None:
        reply, late = self._active, self._last_finished
        if reply is not None and reply.reply_id == frame.reply_id:
            if not frame.final:
                reply.clock.report(frame.samples, self.now())
            else:
                reply.clock.stop(frame.samples, self.now())
                reply.stopped_by_client = True
                await self._finish(reply, "interrupted")
        elif frame.final and late is not None and late.reply_id == frame.reply_id:
            # Realtime clients truncate after our cut: their count is better than ours.
            await self._amend(late, frame.samples)

    async def _amend(self, reply: _Reply, samples: int) -> None:
        """A reply that is over was heard up to `samples`."""
        text, heard = reply.ledger.text, reply.ledger.heard_text(samples)
        audio_secs = reply.sent_samples / OUTPUT_RATE_HZ
        await self.emit(ReplyAmended(reply.reply_id, text, heard, audio_secs))
        await self.push_upstream(PlayoutFinishedFrame(reply.generation, "interrupted", text, heard))

    async def _pump(self) -> None:
        """Send what is due, note progress, end what was played.

        Cancelling stops between two events; what was sent stays booked.
        """
        while True:
            reply = self._active
            if reply is None:
                await self._wake.wait()
                self._wake.clear()
                continue
            if reply.cut_as is not None:
                if self.now() - reply.cut_at >= LAST_REPORT_SECS:
                    await self._finish(reply, reply.cut_as)
                    continue
            elif not reply.paused:
                await self._send_due(reply)
                await self._finish_if_played(reply)
            await self._note_progress(reply)
            # A new chunk must not wait for the tick: it may be the first audio.
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), TICK_SECS)
            except TimeoutError:
                continue

    async def _send_due(self, reply: _Reply) -> None:
        while reply.next_chunk < len(reply.chunks) and not (reply.paused or reply.cut_as):
            now = self.now()
            if reply.sent_samples - reply.clock.position(now) >= LEAD_SAMPLES:
                return
            chunk = reply.chunks[reply.next_chunk]
            reply.next_chunk += 1
            if not reply.started and np.any(chunk.pcm):
                reply.started = True
                await self.mark(reply.generation, "first_playout")
                await self.push_frame(MeasureFrame(reply.generation, reply.turn_id, reply.reply_id))
                await self.push_upstream(PlayoutStartedFrame(reply.generation))
            reply.sent_samples += len(chunk.pcm)
            reply.clock.sent(reply.sent_samples, now)
            await self.emit(
                ReplyAudio(
                    reply.reply_id,
                    reply.sequence,
                    chunk.pcm.astype("<i2").tobytes(),
                    chunk.start_sample,
                    chunk.start_char,
                    chunk.end_char,
                )
            )
            reply.sequence += 1

    async def _finish_if_played(self, reply: _Reply) -> None:
        """End a reply that was played, or whose rest does not come."""
        now = self.now()
        if reply.clock.position(now) < reply.sent_samples:
            reply.idle_since = None
            return
        if reply.idle_since is None:
            reply.idle_since = now
        if not reply.everything_sent():
            # Before the first sound the turn machine watches; after it, only we can.
            if reply.started and now - reply.idle_since >= self._patience_secs:
                await self._finish(reply, "failed")
            return
        waiting_for_report = (
            self._holds_on_pause
            and reply.clock.confirmed is not None
            and now - reply.idle_since < REPORT_GRACE_SECS
            and reply.clock.confirmed < reply.sent_samples
        )
        if not waiting_for_report:
            # A reply without a sound is dead air, whatever its text.
            failed = reply.failed or not reply.started
            await self._finish(reply, "failed" if failed else "completed")

    async def _note_progress(self, reply: _Reply) -> None:
        now = self.now()
        if not reply.started or now - self._progress_at < PROGRESS_SECS:
            return
        self._progress_at = now
        position, text = reply.clock.position(now), reply.ledger.text
        heard = reply.ledger.heard_text(position)
        silent = reply.paused or reply.cut_as is not None
        await self.push_upstream(
            PlayoutProgressFrame(
                reply.generation,
                heard,
                text[len(heard) : len(heard) + UPCOMING_CHARS],
                all_said=reply.voiced and reply.ledger.all_said(position),
                at=now,
                levels_dbfs=() if silent else reply.levels_dbfs(position),
            )
        )

    async def _finish(self, reply: _Reply, status: ReplyStatus) -> None:
        """End a committed reply; harmless the second time."""
        if self._active is not reply:
            return
        self._active = None
        self._last_finished = reply
        self._replies.pop(reply.generation, None)
        self._dropped_up_to = max(self._dropped_up_to, reply.generation)
        if reply.cut_as is None:
            reply.clock.position(self.now())
        ledger = reply.ledger
        heard = ledger.text if status == "completed" else ledger.heard_text(reply.clock.furthest)
        all_said = reply.voiced and ledger.all_said(reply.clock.furthest)
        if status == "interrupted" and all_said:
            status = "completed"  # only its last silence was cut
        elif status != "completed" and not reply.stopped_by_client and reply.cut_as is None:
            await self.emit(PlayoutFlushed(reply.reply_id))
        await self.emit(
            ReplyFinished(
                reply.reply_id,
                status,
                ledger.text,
                heard,
                estimated=reply.clock.confirmed is None,
                audio_secs=reply.sent_samples / OUTPUT_RATE_HZ,
            )
        )
        await self.push_upstream(PlayoutFinishedFrame(reply.generation, status, ledger.text, heard))

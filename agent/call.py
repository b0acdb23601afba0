"""A running call: the pipeline seen from its client's side."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence

from pipecat.frames.frames import ErrorFrame, Frame, InputAudioRawFrame
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.workers.runner import WorkerRunner

from agent.intake.taker import IntakeTaker
from agent.store.recorder import CallRecorder
from pipeline.assembly import CallProfile, Engines, assemble
from pipeline.audio import INPUT_RATE_HZ, OUTPUT_RATE_HZ, SAMPLE_BYTES
from pipeline.errors import AudioFormatError, OverloadedError
from pipeline.events import CallEnded, CallEvent, CallFailed, CallOptions
from pipeline.frames import (
    AdaptFrame,
    CancelReplyFrame,
    ClearAudioFrame,
    CommitAudioFrame,
    ConfigureFrame,
    PlayedFrame,
    RespondFrame,
    UserTextFrame,
)

logger = logging.getLogger(__name__)

MAX_WAITING_AUDIO_SECS = 30.0
# About a minute of speech with its captions; a reader this far behind is gone.
MAX_WAITING_EVENTS = 2_000
START_TIMEOUT_SECS = 20.0


class Call:
    """One caller and one bot; see `pipeline.events.CallPort` for what each method promises."""

    def __init__(
        self,
        call_id: str,
        engines: Engines,
        profile_for: Callable[[CallOptions], CallProfile],
        options: CallOptions,
        on_closed: Callable[[Call], None] = lambda call: None,
        recorder: CallRecorder | None = None,
        listeners: Sequence[Callable[[CallEvent], None]] = (),
        intake: IntakeTaker | None = None,
    ) -> None:
        self.call_id = call_id
        self._recorder = recorder
        self._intake = intake
        self._listeners = tuple(listeners)
        self._profile_for = profile_for
        self._options = options
        self._on_closed = on_closed
        self._events: asyncio.Queue[CallEvent] = asyncio.Queue()
        self._inbox: asyncio.Queue[Frame] = asyncio.Queue()
        self._waiting_audio_secs = 0.0
        self._ended = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None
        self._worker = PipelineWorker(
            assemble(engines, profile_for(options), self._deliver),
            params=PipelineParams(
                audio_in_sample_rate=INPUT_RATE_HZ, audio_out_sample_rate=OUTPUT_RATE_HZ
            ),
            # Idle calls are ended by the server's own limit, with a reason the client sees;
            # turns and captions are ours, so pipecat's trackers and RTVI would do it twice.
            idle_timeout_secs=None,
            enable_rtvi=False,
            enable_turn_tracking=False,
        )
        self._runner = WorkerRunner(name=call_id, handle_sigint=False)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start the pipeline; returns once it takes audio.

        Raises:
            TimeoutError: It did not start; the call is closed.
        """
        started = asyncio.Event()

        async def on_started(worker: PipelineWorker, frame: Frame) -> None:
            started.set()

        async def on_error(worker: PipelineWorker, frame: ErrorFrame) -> None:
            logger.error("call %s: a stage failed", self.call_id)
            self._deliver(CallFailed("internal_error", "The call broke down.", fatal=True))
            self._close_soon("error")

        self._worker.add_event_handler("on_pipeline_started", on_started)
        self._worker.add_event_handler("on_pipeline_error", on_error)
        await self._runner.add_workers(self._worker)
        self._tasks = [
            asyncio.create_task(self._runner.run(), name=f"{self.call_id}-pipeline"),
            asyncio.create_task(self._feed(), name=f"{self.call_id}-feed"),
        ]
        try:
            async with asyncio.timeout(START_TIMEOUT_SECS):
                await started.wait()
        except BaseException:
            await self.close("error")
            raise

    # -- from the client --------------------------------------------------------------

    def configure(self, options: CallOptions) -> None:
        self._options = options
        profile = self._profile_for(options)
        self._send(
            ConfigureFrame(
                profile.manners,
                profile.sampling,
                profile.language,
                profile.take_turns,
                profile.interruption.mode,
                profile.holds_on_pause,
                profile.acknowledgements,
                profile.note_sources,
            )
        )

    def adapt(self) -> None:
        """The load has changed: take from the machine what the profile says now."""
        profile = self._profile_for(self._options)
        self._send(AdaptFrame(profile.turn.speculation, profile.hearing))

    def push_audio(self, pcm: bytes) -> None:
        if len(pcm) % SAMPLE_BYTES:
            raise AudioFormatError(f"PCM16 audio must have an even number of bytes, got {len(pcm)}")
        length_secs = len(pcm) / SAMPLE_BYTES / INPUT_RATE_HZ
        if self._waiting_audio_secs + length_secs > MAX_WAITING_AUDIO_SECS:
            raise OverloadedError(
                f"More than {MAX_WAITING_AUDIO_SECS:.0f} s of audio are waiting; send in real time."
            )
        if pcm and not self._ended.is_set():
            if self._recorder is not None:
                self._recorder.hear(pcm)
            self._waiting_audio_secs += length_secs
            self._inbox.put_nowait(InputAudioRawFrame(pcm, INPUT_RATE_HZ, 1))

    def commit_audio(self) -> None:
        self._send(CommitAudioFrame())

    def clear_audio(self) -> None:
        self._send(ClearAudioFrame())

    def send_text(self, text: str) -> None:
        if self._recorder is not None and not self._ended.is_set():
            self._recorder.caller_text(text)
        if self._intake is not None and not self._ended.is_set():
            self._intake.caller_text(text)
        self._send(UserTextFrame(text))

    def respond(self) -> None:
        self._send(RespondFrame())

    def cancel_reply(self) -> None:
        self._send(CancelReplyFrame())

    def report_played(self, reply_id: str, samples: int) -> None:
        self._send(PlayedFrame(reply_id, samples))

    def truncate_reply(self, reply_id: str, audio_end_ms: int) -> None:
        self._send(PlayedFrame(reply_id, audio_end_ms * OUTPUT_RATE_HZ // 1000, final=True))

    def _send(self, frame: Frame) -> None:
        if not self._ended.is_set():
            self._inbox.put_nowait(frame)

    async def _feed(self) -> None:
        """Bring the client's frames into the pipeline in their order."""
        while True:
            frame = await self._inbox.get()
            if isinstance(frame, InputAudioRawFrame):
                self._waiting_audio_secs -= len(frame.audio) / SAMPLE_BYTES / INPUT_RATE_HZ
            await self._worker.queue_frame(frame)

    # -- to the client ----------------------------------------------------------------

    async def events(self) -> AsyncIterator[CallEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, CallEnded):
                return

    def _deliver(self, event: CallEvent) -> None:
        if self._ended.is_set():
            return
        if self._recorder is not None:
            self._recorder.note(event)
        if self._intake is not None:
            self._intake.note(event)
        for listen in self._listeners:
            listen(event)
        if self._events.qsize() >= MAX_WAITING_EVENTS:
            self._close_soon("slow_reader")
            return
        self._events.put_nowait(event)

    # -- the end ----------------------------------------------------------------------

    def _close_soon(self, reason: str) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(reason), name=f"{self.call_id}-close")

    async def close(self, reason: str = "hangup") -> None:
        self._close_soon(reason)
        assert self._closing is not None
        await asyncio.shield(self._closing)

    async def _close(self, reason: str) -> None:
        try:
            if self._tasks:
                _, feed_task = self._tasks
                feed_task.cancel()
                await self._worker.cancel(reason=reason)
                await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            if self._intake is not None:
                await self._intake.close()
            self._deliver_last(CallEnded(reason))
            self._on_closed(self)

    def _deliver_last(self, event: CallEnded) -> None:
        self._ended.set()
        if self._recorder is not None:
            self._recorder.note(event)
        self._events.put_nowait(event)

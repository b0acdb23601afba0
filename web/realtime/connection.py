"""One client on one WebSocket: reads, answers, and is gone without a trace.

Three tasks, all owned by `RealtimeConnection.run`; the first to end ends the connection:

    reader   socket ─▶ client events ─▶ CallPort, or an error event
    pump     CallPort.events() ─▶ Translator ─▶ outbox
    writer   outbox ─▶ socket
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from pipeline import events as call
from pipeline.errors import AudioFormatError, OverloadedError, VoiceError
from web.metrics import Metrics
from web.realtime import client_events, ids
from web.realtime import server_events as wire
from web.realtime.audio import MicrophoneAudio
from web.realtime.errors import ClientEventError
from web.realtime.outbox import CLOSE_SLOW_READER, Outbox, SlowReaderError
from web.realtime.push_to_talk import PushToTalk
from web.realtime.session import Session, SessionPatch
from web.realtime.translate import Translator

logger = logging.getLogger(__name__)

CLOSE_NORMAL = 1000
CLOSE_GOING_AWAY = 1001
CLOSE_NOT_TEXT = 1003
CLOSE_FAILED = 1011
CLOSE_TRY_LATER = 1013
CLOSE_TIMEOUT = 4000
_CLOSE_OF_REASON = {
    "hangup": CLOSE_NORMAL,
    "drain": CLOSE_GOING_AWAY,
    "error": CLOSE_FAILED,
    "timeout": CLOSE_TIMEOUT,
    "slow_reader": CLOSE_SLOW_READER,
}


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Bounds of one connection.

    Attributes:
        max_message_bytes: Largest message taken; the server closes with 1009 above it.
        outbox_bytes: Sent but unread by the client; 8 MiB is two minutes of audio.
        send_timeout_secs: One message may wait this long for the client to read.
        close_timeout_secs: What was queued before the end may take this long to go out.
    """

    max_message_bytes: int = 1 << 20
    outbox_bytes: int = 8 << 20
    send_timeout_secs: float = 15.0
    close_timeout_secs: float = 3.0


@dataclass(frozen=True, slots=True)
class _Ending:
    """Why the connection ends; `close_code` None means that the client has already gone."""

    reason: str
    close_code: int | None


_HANGUP = _Ending("hangup", None)
_SLOW_READER = _Ending("slow_reader", CLOSE_SLOW_READER)


class RealtimeConnection:
    """A client's connection and the call behind it.

    Attributes:
        call_id: The call's id, "" before the call is open.
    """

    def __init__(
        self,
        socket: WebSocket,
        factory: call.CallFactory,
        *,
        metrics: Metrics,
        limits: ConnectionLimits,
        model: str,
    ) -> None:
        self.call_id = ""
        self._socket = socket
        self._factory = factory
        self._metrics = metrics
        self._limits = limits
        self._model = model
        self._session = Session()
        self._outbox = Outbox(limits.outbox_bytes)
        self._microphone = MicrophoneAudio()
        self._events_sent = 0
        self._typed_items = 0
        self._uncommitted = False  # audio was appended since the last commit or clear
        self._push_to_talk = PushToTalk()
        self._extended = False  # the client said qingting.hello
        self._no_reply = asyncio.Event()
        self._no_reply.set()

    async def run(self) -> None:
        """Serve an accepted socket until either side ends the call.

        Never raises for what a client does. Cancelling closes the call and the socket.
        """
        try:
            self._port = await self._factory.open_call(self._session.options)
        except VoiceError as error:
            await self._refuse(error)
            return
        self.call_id = self._port.call_id
        self._translator = Translator(f"conv_{self.call_id}")
        self._send(wire.SessionCreated(session=self._session_object()))
        with self._metrics.one_call():
            await self._serve()

    async def drain(self, within_secs: float) -> None:
        """Let a running reply finish, but no longer than that; then end the call."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_secs):
                await self._no_reply.wait()
        if self.call_id:
            await self._port.close("drain")

    # ---- life and end ----

    async def _serve(self) -> None:
        reader = self._spawn(self._read(), "reader")
        pump = self._spawn(self._pump(), "pump")
        writer = self._spawn(self._write(), "writer")
        tasks = {reader, pump, writer}
        ending = _Ending("error", CLOSE_FAILED)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            ending = next((task.result() for task in done if not task.exception()), ending)
            for task in done:
                if error := task.exception():
                    logger.error(
                        "call %s: the %s died", self.call_id, task.get_name(), exc_info=error
                    )
        finally:
            await _cancel(reader, pump)
            await self._port.close(ending.reason)
            await self._say_goodbye(writer, ending)

    async def _say_goodbye(self, writer: asyncio.Task[_Ending], ending: _Ending) -> None:
        """Send what is queued, then the close frame, to a client that may not be reading."""
        self._outbox.close()
        if ending.close_code is not None and ending is not _SLOW_READER:
            await asyncio.wait({writer}, timeout=self._limits.close_timeout_secs)
        await _cancel(writer)
        if ending.close_code is not None:
            await self._close(ending.close_code, ending.reason)

    async def _close(self, code: int, reason: str) -> None:
        """Send a close frame if the client still takes one."""
        with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(self._limits.close_timeout_secs):
                await self._socket.close(code, reason)

    async def _refuse(self, error: VoiceError) -> None:
        """Tell a client why it gets no call."""
        self._metrics.calls_refused.labels(error.code).inc()
        logger.warning("a call was refused: %s", error.code)
        body = wire.ErrorBody(type="server_error", code=error.code, message=error.message)
        with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(self._limits.close_timeout_secs):
                await self._socket.send_text(self._serialise(wire.Error(error=body)))
        overloaded = isinstance(error, OverloadedError)
        await self._close(CLOSE_TRY_LATER if overloaded else CLOSE_FAILED, error.code)

    def _spawn(self, work: Coroutine[Any, Any, _Ending], role: str) -> asyncio.Task[_Ending]:
        return asyncio.create_task(work, name=f"realtime-{role}-{self.call_id}")

    # ---- the three tasks ----

    async def _read(self) -> _Ending:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return _HANGUP
            text = message.get("text")
            try:
                if text is None:
                    self._send_error("binary_message", "messages must be text frames holding JSON")
                    return _Ending("binary_message", CLOSE_NOT_TEXT)
                self._take(text)
            except SlowReaderError:
                return _SLOW_READER
            # A burst of small messages never makes `receive` wait; let other calls run.
            await asyncio.sleep(0)

    async def _pump(self) -> _Ending:
        async for event in self._port.events():
            self._metrics.observe(event)
            self._follow(event)
            try:
                for outgoing in self._translator.translate(event):
                    self._send(outgoing)
            except SlowReaderError:
                return _SLOW_READER
            if isinstance(event, call.CallEnded):
                return _Ending(event.reason, _CLOSE_OF_REASON.get(event.reason, CLOSE_NORMAL))
        return _Ending("error", CLOSE_FAILED)

    async def _write(self) -> _Ending:
        try:
            while (message := await self._outbox.get()) is not None:
                async with asyncio.timeout(self._limits.send_timeout_secs):
                    await self._socket.send_text(message)
        except TimeoutError:
            return _SLOW_READER
        except WebSocketDisconnect:
            return _HANGUP
        return _HANGUP

    def _follow(self, event: call.CallEvent) -> None:
        """Keep what the client's next requests depend on."""
        match event:
            case call.ReplyStarted():
                self._no_reply.clear()
            case call.ReplyFinished():
                self._no_reply.set()
            case call.TranscriptCompleted(text=text):
                if self._push_to_talk.transcript(text):
                    self._port.respond()

    # ---- what the client asks for ----

    def _take(self, text: str) -> None:
        """Act on one message, or answer it with an error event.

        Raises:
            SlowReaderError: There is no room left for an answer.
        """
        event_id = None
        try:
            event = client_events.parse(text)
            event_id = event.event_id
            self._act(event)
        except ClientEventError as error:
            self._send_error(
                error.wire_code,
                error.message,
                param=error.param,
                event_id=error.event_id or event_id,
            )
        except (AudioFormatError, OverloadedError) as error:
            self._send_error(error.code, error.message, param="audio", event_id=event_id)

    def _act(self, event: client_events.ClientEvent) -> None:
        match event:
            case client_events.AudioAppend(audio=audio):
                for pcm in self._microphone.append(audio):
                    self._port.push_audio(pcm)
                    self._uncommitted = True
            case client_events.AudioCommit():
                self._commit()
            case client_events.AudioClear():
                self._microphone = MicrophoneAudio(self._session.input_rate_hz)
                self._uncommitted = False
                self._push_to_talk.clear()
                self._port.clear_audio()
                self._translator.forget_turns()
                self._send(wire.AudioCleared())
            case client_events.SessionUpdate(session=patch):
                self._update_session(patch)
            case client_events.ItemCreate(item=item):
                self._create_item(item)
            case client_events.ItemTruncate():
                self._truncate(event)
            case client_events.ResponseCreate():
                self._create_response()
            case client_events.ResponseCancel():
                self._cancel_response(event)
            case client_events.Hello():
                self._greet(event)
            case client_events.PlayoutReport():
                reply_id = self._known_reply(
                    ids.reply_of_response(event.response_id), "response_id"
                )
                samples = self._translator.to_call_samples(event.samples)
                self._port.report_played(reply_id, samples)
            case client_events.Ping(token=token):
                self._send(wire.Pong(token=token))

    def _commit(self) -> None:
        if not self._uncommitted:
            raise ClientEventError(
                "input_audio_buffer_commit_empty", "no audio was appended since the last commit"
            )
        self._uncommitted = False
        self._push_to_talk.commit()
        self._port.commit_audio()

    def _update_session(self, patch: SessionPatch) -> None:
        before = self._session
        self._session = before.patched(patch)
        if self._session.input_rate_hz != before.input_rate_hz:
            self._microphone = MicrophoneAudio(self._session.input_rate_hz)
        self._translator.output_rate_hz = self._session.output_rate_hz
        self._port.configure(self._session.options)
        self._send(wire.SessionUpdated(session=self._session_object()))

    def _create_item(self, item: client_events.UserMessage) -> None:
        if not item.text:
            raise ClientEventError("invalid_value", "the text is empty", param="item.content")
        self._typed_items += 1
        self._port.send_text(item.text)
        item_id = item.id or ids.item_id(f"text_{self._typed_items}")
        for outgoing in self._translator.user_text(item_id, item.text):
            self._send(outgoing)

    def _truncate(self, event: client_events.ItemTruncate) -> None:
        reply_id = self._known_reply(ids.reply_of_item(event.item_id), "item_id")
        self._port.truncate_reply(reply_id, event.audio_end_ms)
        self._send(
            wire.ItemTruncated(
                item_id=event.item_id, content_index=0, audio_end_ms=event.audio_end_ms
            )
        )

    def _create_response(self) -> None:
        if self._push_to_talk.claim():
            return
        if self._translator.active_reply_id:
            raise ClientEventError(
                "conversation_already_has_active_response", "a response is already under way"
            )
        self._port.respond()

    def _cancel_response(self, event: client_events.ResponseCancel) -> None:
        active = self._translator.active_reply_id
        if active is None or event.response_id not in (None, ids.response_id(active)):
            raise ClientEventError(
                "response_cancel_not_active", "no such response is under way", param="response_id"
            )
        self._port.cancel_reply()

    def _greet(self, event: client_events.Hello) -> None:
        self._extended = True
        options = replace(self._session.options, reports_playout=event.reports_playout)
        self._session = replace(self._session, options=options)
        self._port.configure(options)
        self._send(
            wire.Hello(
                version=client_events.PROTOCOL_VERSION,
                call_id=self.call_id,
                state=self._translator.state,
                max_message_bytes=self._limits.max_message_bytes,
            )
        )

    def _known_reply(self, reply_id: str | None, param: str) -> str:
        if reply_id is None or not self._translator.knows_reply(reply_id):
            raise ClientEventError("item_not_found", "no such item in this call", param=param)
        return reply_id

    # ---- what goes out ----

    def _session_object(self) -> dict[str, Any]:
        return self._session.wire(f"sess_{self.call_id}", self._model)

    def _send(self, event: wire.StandardEvent | wire.QingtingEvent) -> None:
        if self._extended or not event.type.startswith("qingting."):
            self._outbox.put(self._serialise(event))

    def _send_error(
        self, code: str, message: str, *, param: str | None = None, event_id: str | None = None
    ) -> None:
        self._metrics.client_errors.labels(code).inc()
        body = wire.ErrorBody(
            type="invalid_request_error",
            code=code,
            message=message,
            param=param,
            event_id=event_id,
        )
        self._send(wire.Error(error=body))

    def _serialise(self, event: wire.StandardEvent | wire.QingtingEvent) -> str:
        self._events_sent += 1
        return event.model_copy(update={"event_id": f"event_{self._events_sent}"}).model_dump_json()


async def _cancel(*tasks: asyncio.Task[_Ending]) -> None:
    """Cancel and wait; a task's own end does not matter any more."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

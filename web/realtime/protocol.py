"""One client's side of a call, without its socket: events in, events out, no asyncio.

take(text)     a message of the client ─▶ CallPort, or an error event
follow(event)  an event of the call ─▶ protocol events
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pipeline import events as call
from pipeline.errors import AudioFormatError, OverloadedError
from web.metrics import Metrics
from web.realtime import client_events, ids
from web.realtime import server_events as wire
from web.realtime.audio import MicrophoneAudio
from web.realtime.errors import ClientEventError
from web.realtime.event_log import Outgoing
from web.realtime.session import Session, SessionPatch
from web.realtime.translate import Translator


class RealtimeProtocol:
    """What one client is told and what it may do.

    Args:
        port: The call.
        session: What holds at the start; the call was opened with its options.
        deliver: Takes each event for the client.
        metrics: Where mistakes are counted.
        model: Name shown in the session object.
        max_message_bytes: Shown to clients of ours; enforced by the server below.
        resume_token: By which a lost client finds its call again; None where calls do not
            wait.
        resume_secs: How long they wait.
    """

    def __init__(
        self,
        port: call.CallPort,
        session: Session,
        deliver: Callable[[Outgoing], None],
        *,
        metrics: Metrics,
        model: str,
        max_message_bytes: int,
        resume_token: str | None = None,
        resume_secs: float = 0.0,
    ) -> None:
        self._port = port
        self._session = session
        self._deliver = deliver
        self._metrics = metrics
        self._model = model
        self._max_message_bytes = max_message_bytes
        self._resume_token = resume_token
        self._resume_secs = resume_secs
        self._translator = Translator(f"conv_{port.call_id}", session.options.locale)
        self._microphone = MicrophoneAudio(session.input_rate_hz)
        self._uncommitted = False  # audio was appended since the last commit or clear
        self._typed_items = 0
        self._unanswered = False  # a turn was sent that the reply under way may not answer
        self._events_sent = 0
        self._extended = False  # the client said qingting.hello
        self._played: tuple[str, int] | None = None  # reply and call samples, last reported
        self.resumable = False

    @property
    def reply_under_way(self) -> bool:
        """Whether the client was told of a reply that is not over."""
        return self._translator.active_reply_id is not None

    @property
    def state(self) -> call.CallState:
        """Who has the floor."""
        return self._translator.state

    @property
    def playing(self) -> tuple[str | None, int]:
        """The response last reported on and its samples played, at the client's rate."""
        if self._played is None:
            return None, 0
        reply_id, samples = self._played
        return ids.response_id(reply_id), self._translator.to_wire_samples(samples)

    def hold_playout(self) -> None:
        """Say for an absent client that the reply under way stands where it stood."""
        if (reply_id := self._translator.active_reply_id) is not None:
            held = self._played
            samples = held[1] if held is not None and held[0] == reply_id else 0
            self._port.report_played(reply_id, samples)

    def begin(self) -> None:
        """Send the first event."""
        self._send(wire.SessionCreated(session=self._session_object()))

    def follow(self, event: call.CallEvent) -> None:
        """Tell the client about one event of the call."""
        for outgoing in self._translator.translate(event):
            self._send(outgoing)

    def take(self, text: str) -> None:
        """Act on one message, or answer it with an error event."""
        event_id = None
        try:
            event = client_events.parse(text)
            event_id = event.event_id
            self._act(event)
        except ClientEventError as error:
            self.refuse(
                error.wire_code,
                error.message,
                param=error.param,
                event_id=error.event_id or event_id,
            )
        except (AudioFormatError, OverloadedError) as error:
            self.refuse(error.code, error.message, param="audio", event_id=event_id)

    def refuse(
        self, code: str, message: str, *, param: str | None = None, event_id: str | None = None
    ) -> None:
        """Answer a message with an error event."""
        self._metrics.client_errors.labels(code).inc()
        body = wire.ErrorBody(
            type="invalid_request_error",
            code=code,
            message=message,
            param=param,
            event_id=event_id,
        )
        self._send(wire.Error(error=body))

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
                self._played = (reply_id, samples)
                self._port.report_played(reply_id, samples)
            case client_events.Ping(token=token):
                self._send(wire.Pong(token=token))

    def _commit(self) -> None:
        if not self._uncommitted:
            raise ClientEventError(
                "input_audio_buffer_commit_empty", "no audio was appended since the last commit"
            )
        self._uncommitted = False
        self._unanswered = True
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
        self._unanswered = True
        self._port.send_text(item.text)
        item_id = item.id or ids.item_id(f"text_{self._typed_items}")
        for outgoing in self._translator.user_text(item_id, item.text):
            self._send(outgoing)

    def _truncate(self, event: client_events.ItemTruncate) -> None:
        reply_id = self._known_reply(ids.reply_of_item(event.item_id), "item_id")
        if not self._translator.is_latest(reply_id):
            raise ClientEventError(
                "invalid_value", "only the latest reply can be truncated", param="item_id"
            )
        if event.audio_end_ms > (sent_ms := self._translator.sent_ms(reply_id)):
            raise ClientEventError(
                "invalid_value", f"only {sent_ms} ms of it were sent", param="audio_end_ms"
            )
        self._port.truncate_reply(reply_id, event.audio_end_ms)
        self._send(
            wire.ItemTruncated(
                item_id=event.item_id, content_index=0, audio_end_ms=event.audio_end_ms
            )
        )

    def _create_response(self) -> None:
        if self._translator.active_reply_id and not self._unanswered:
            raise ClientEventError(
                "conversation_already_has_active_response", "a response is already under way"
            )
        self._unanswered = False
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
        self.resumable = event.resumable and self._resume_token is not None
        options = replace(
            self._session.options,
            reports_playout=event.reports_playout,
            plays_acknowledgements=event.acknowledgements,
        )
        self._session = replace(self._session, options=options)
        self._port.configure(options)
        self._send(
            wire.Hello(
                version=client_events.PROTOCOL_VERSION,
                call_id=self._port.call_id,
                state=self._translator.state,
                max_message_bytes=self._max_message_bytes,
                resume_token=self._resume_token if self.resumable else None,
                resume_secs=self._resume_secs if self.resumable else None,
            )
        )

    def _known_reply(self, reply_id: str | None, param: str) -> str:
        if reply_id is None or not self._translator.knows_reply(reply_id):
            raise ClientEventError("item_not_found", "no such item in this call", param=param)
        return reply_id

    def _session_object(self) -> dict[str, Any]:
        return self._session.wire(f"sess_{self._port.call_id}", self._model)

    def _send(self, event: wire.StandardEvent | wire.QingtingEvent) -> None:
        if self._extended or not event.type.startswith("qingting."):
            self._events_sent += 1
            number = self._events_sent
            self._deliver(Outgoing(number, event, wire.to_json(event, f"event_{number}")))

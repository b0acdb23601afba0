"""A call's events as protocol events. Pure: no socket, no clock.

    SpeechStarted ─▶ speech_started            ReplyStarted ─▶ response.created, …added
    SpeechStopped ─▶ speech_stopped            ReplyText ────▶ transcript.delta
    TranscriptUpdated ─▶ transcription.delta   ReplyAudio ───▶ audio_span, audio.delta
    TranscriptCompleted ─▶ committed, item,    ReplyFinished ▶ …done, response.done,
                           completed                           reply.heard
                                           ReplyAmended ─▶ reply.heard again

Only what a standard client needs is kept between events: the item before, the reply under
way, how much of each transcript was sent, and how long each turn was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline import events as call
from pipeline.audio import OUTPUT_RATE_HZ, SAMPLE_BYTES
from web.realtime import ids
from web.realtime import server_events as wire
from web.realtime.audio import SpeakerAudio, WireRate
from web.realtime.script import script_of


@dataclass(slots=True)
class _Turn:
    """A turn under way: what the client was told of it."""

    sent: str = ""
    started_at_secs: float | None = None
    stopped_at_secs: float | None = None

    @property
    def duration_secs(self) -> float:
        if self.started_at_secs is None or self.stopped_at_secs is None:
            return 0.0
        return max(0.0, self.stopped_at_secs - self.started_at_secs)


class Translator:
    """One call's events, in order, to the events of one connection.

    Args:
        conversation_id: Shown in responses.
        locale: Of the client's page: the caller's words come in its script. The bot's are
            in it already, and their characters are counted.

    Attributes:
        state: Who has the floor, as last told by the call.
        output_rate_hz: Taken by the next reply; one reply keeps one rate.
        active_reply_id: The reply under way, or None.
    """

    def __init__(self, conversation_id: str, locale: str | None = None) -> None:
        self._script = script_of(locale)
        self.state: call.CallState = "listening"
        self.output_rate_hz: WireRate = 24_000
        self.active_reply_id: str | None = None
        self._conversation_id = conversation_id
        self._last_item_id: str | None = None
        self._turns: dict[str, _Turn] = {}
        self._item_before_reply: str | None = None
        self._replies: dict[str, int] = {}  # samples sent of each, at the call's rate
        self._speaker = SpeakerAudio()

    def knows_reply(self, reply_id: str | None) -> bool:
        """Whether the client was told of this reply, under way or over."""
        return reply_id in self._replies

    def is_latest(self, reply_id: str) -> bool:
        """Whether no other reply has begun since."""
        return next(reversed(self._replies), None) == reply_id

    def sent_ms(self, reply_id: str) -> int:
        """Length of the audio that the client has of a reply, the last part of 1 ms counted."""
        return -(-self._replies[reply_id] * 1000 // OUTPUT_RATE_HZ)

    def forget_turns(self) -> None:
        """The client cleared its audio buffer: no transcript of it will follow."""
        self._turns.clear()

    def user_text(self, item_id: str, text: str) -> Iterator[wire.ServerEvent]:
        """The item of a typed turn."""
        part = wire.Part(type="input_text", text=text)
        item = wire.Item(id=item_id, status="completed", role="user", content=(part,))
        previous = self._append_item(item_id)
        yield wire.ItemAdded(item=item, previous_item_id=previous)
        yield wire.ItemDone(item=item, previous_item_id=previous)

    def to_wire_samples(self, samples: int) -> int:
        """An offset in the call's 24 kHz audio, in samples of the client's rate."""
        return self._speaker.to_wire_samples(samples)

    def to_call_samples(self, samples: int) -> int:
        """A client's sample count, in samples of the call's 24 kHz audio."""
        return self._speaker.to_call_samples(samples)

    def translate(self, event: call.CallEvent) -> Iterator[wire.ServerEvent]:
        """The protocol's events for one event of the call; often none, sometimes several."""
        match event:
            case call.StateChanged(state):
                self.state = state
                yield wire.State(state=state)
            case call.SpeechStarted(turn_id, at_secs):
                turn = self._turn(turn_id)
                if turn.started_at_secs is None:
                    turn.started_at_secs = at_secs
                yield wire.SpeechStarted(
                    item_id=ids.item_id(turn_id), audio_start_ms=round(at_secs * 1000)
                )
            case call.SpeechStopped(turn_id, at_secs):
                self._turn(turn_id).stopped_at_secs = at_secs
                yield wire.SpeechStopped(
                    item_id=ids.item_id(turn_id), audio_end_ms=round(at_secs * 1000)
                )
            case call.TranscriptUpdated():
                yield from self._transcript_updated(event)
            case call.TranscriptCompleted():
                yield from self._transcript_completed(event)
            case call.BackchannelNoted(text):
                yield wire.Backchannel(text=self._script(text))
            case call.Acknowledged(text, pcm):
                audio = SpeakerAudio(self.output_rate_hz).encode(pcm)
                yield wire.Acknowledgement(text=text, audio=audio)
            case call.ReplyStarted(reply_id):
                yield from self._reply_started(reply_id)
            case call.ReplyText(reply_id, text):
                yield wire.TranscriptDelta(
                    response_id=ids.response_id(reply_id), item_id=ids.item_id(reply_id), delta=text
                )
            case call.ReplyAudio():
                yield from self._reply_audio(event)
            case call.ReplyFinished():
                yield from self._reply_finished(event)
            case call.ReplyAmended(reply_id):
                yield wire.ReplyHeard(
                    response_id=ids.response_id(reply_id),
                    item_id=ids.item_id(reply_id),
                    status="interrupted",
                    text=event.text,
                    heard_text=event.heard_text,
                    estimated=False,
                    audio_secs=event.audio_secs,
                )
            case call.PlayoutPaused(reply_id):
                yield wire.PlayoutPause(response_id=ids.response_id(reply_id))
            case call.PlayoutResumed(reply_id, from_sample):
                yield wire.PlayoutResume(
                    response_id=ids.response_id(reply_id),
                    from_sample=self._speaker.to_wire_samples(from_sample),
                )
            case call.PlayoutFlushed(reply_id):
                yield wire.PlayoutFlush(response_id=ids.response_id(reply_id))
            case call.TurnMeasured():
                yield wire.TurnMeasured(
                    item_id=ids.item_id(event.turn_id),
                    response_id=ids.response_id(event.reply_id),
                    marks_ms=dict(event.marks_ms),
                    response_latency_ms=event.response_latency_ms,
                    ledger=dict(event.ledger),
                )
            case call.CallFailed(code, message):
                yield wire.Error(
                    error=wire.ErrorBody(type="server_error", code=code, message=message)
                )
            case call.CrisisNoted(tier, category, lines):
                yield wire.Crisis(
                    tier=tier,
                    category=category,
                    lines=tuple(
                        wire.CrisisLine(name=line.name, number=line.number, hours=line.hours)
                        for line in lines
                    ),
                )
            case call.CallEnded(reason):
                yield wire.CallEnded(reason=reason)

    def _turn(self, turn_id: str) -> _Turn:
        return self._turns.setdefault(turn_id, _Turn())

    def _append_item(self, item_id: str) -> str | None:
        previous, self._last_item_id = self._last_item_id, item_id
        return previous

    def _transcript_updated(self, event: call.TranscriptUpdated) -> Iterator[wire.ServerEvent]:
        item_id, turn = ids.item_id(event.turn_id), self._turn(event.turn_id)
        if len(event.committed) > len(turn.sent):
            delta = self._script(event.committed[len(turn.sent) :])
            yield wire.TranscriptionDelta(item_id=item_id, delta=delta)
            turn.sent = event.committed
        yield wire.Transcript(
            item_id=item_id,
            committed=self._script(event.committed),
            unstable=self._script(event.unstable),
        )

    def _transcript_completed(self, event: call.TranscriptCompleted) -> Iterator[wire.ServerEvent]:
        item_id = ids.item_id(event.turn_id)
        turn = self._turns.pop(event.turn_id, _Turn())
        previous = self._append_item(item_id)
        words = self._script(event.text)
        part = wire.Part(type="input_audio", transcript=words)
        item = wire.Item(id=item_id, status="completed", role="user", content=(part,))
        yield wire.AudioCommitted(item_id=item_id, previous_item_id=previous)
        yield wire.ItemAdded(item=item, previous_item_id=previous)
        yield wire.ItemDone(item=item, previous_item_id=previous)
        if event.text.startswith(turn.sent) and len(event.text) > len(turn.sent):
            delta = self._script(event.text[len(turn.sent) :])
            yield wire.TranscriptionDelta(item_id=item_id, delta=delta)
        yield wire.TranscriptionCompleted(
            item_id=item_id,
            transcript=words,
            usage=wire.DurationUsage(seconds=round(turn.duration_secs, 3)),
        )

    def _reply_started(self, reply_id: str) -> Iterator[wire.ServerEvent]:
        item_id, response_id = ids.item_id(reply_id), ids.response_id(reply_id)
        self._item_before_reply = previous = self._append_item(item_id)
        self._speaker = SpeakerAudio(self.output_rate_hz)
        self._replies[reply_id] = 0
        self.active_reply_id = reply_id
        item = wire.Item(id=item_id, status="in_progress", role="assistant")
        yield wire.ResponseCreated(response=self._response(response_id, "in_progress"))
        yield wire.OutputItemAdded(response_id=response_id, item=item)
        yield wire.ItemAdded(item=item, previous_item_id=previous)
        yield wire.ContentPartAdded(
            response_id=response_id, item_id=item_id, part=wire.SpokenPart(transcript="")
        )

    def _reply_audio(self, event: call.ReplyAudio) -> Iterator[wire.ServerEvent]:
        item_id, response_id = ids.item_id(event.reply_id), ids.response_id(event.reply_id)
        self._replies[event.reply_id] = event.start_sample + len(event.pcm) // SAMPLE_BYTES
        yield wire.AudioSpan(
            response_id=response_id,
            item_id=item_id,
            sequence=event.sequence,
            start_sample=self._speaker.to_wire_samples(event.start_sample),
            start_char=event.start_char,
            end_char=event.end_char,
        )
        yield wire.AudioDelta(
            response_id=response_id, item_id=item_id, delta=self._speaker.encode(event.pcm)
        )

    def _reply_finished(self, event: call.ReplyFinished) -> Iterator[wire.ServerEvent]:
        item_id, response_id = ids.item_id(event.reply_id), ids.response_id(event.reply_id)
        previous = self._item_before_reply
        self.active_reply_id = None
        status, details = _outcome(event.status)
        part = wire.Part(type="output_audio", transcript=event.text)
        item = wire.Item(
            id=item_id,
            status="completed" if status == "completed" else "incomplete",
            role="assistant",
            content=(part,),
        )
        yield wire.AudioDone(response_id=response_id, item_id=item_id)
        yield wire.TranscriptDone(response_id=response_id, item_id=item_id, transcript=event.text)
        yield wire.ContentPartDone(
            response_id=response_id, item_id=item_id, part=wire.SpokenPart(transcript=event.text)
        )
        yield wire.OutputItemDone(response_id=response_id, item=item)
        yield wire.ItemDone(item=item, previous_item_id=previous)
        yield wire.ReplyHeard(
            response_id=response_id,
            item_id=item_id,
            status=event.status,
            text=event.text,
            heard_text=event.heard_text,
            estimated=event.estimated,
            audio_secs=event.audio_secs,
        )
        yield wire.ResponseDone(response=self._response(response_id, status, details, (item,)))

    def _response(
        self,
        response_id: str,
        status: wire.ResponseStatus,
        details: wire.StatusDetails | None = None,
        output: tuple[wire.Item, ...] = (),
    ) -> wire.Response:
        return wire.Response(
            id=response_id,
            status=status,
            status_details=details,
            output=output,
            conversation_id=self._conversation_id,
        )


def _outcome(status: call.ReplyStatus) -> tuple[wire.ResponseStatus, wire.StatusDetails]:
    """A reply's end in the protocol's words."""
    match status:
        case "completed":
            return "completed", wire.StatusDetails(type="completed")
        case "interrupted":
            return "cancelled", wire.StatusDetails(type="cancelled", reason="turn_detected")
        case "cancelled":
            return "cancelled", wire.StatusDetails(type="cancelled", reason="client_cancelled")
        case "failed":
            reason = wire.FailureReason(type="server_error", code="engine_error")
            return "failed", wire.StatusDetails(type="failed", error=reason)

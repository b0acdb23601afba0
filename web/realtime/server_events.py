"""What the server says: one model for each event, OpenAI's first, ours (`qingting.*`) last.

Field names and order of events follow the current Realtime protocol as the `openai`
package types it (`openai.types.realtime`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from pipeline.events import CallState, ReplyStatus


class _Event(BaseModel):
    """Every event carries an id; the connection gives it when the event is sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_id: str = ""


# ---- items and responses, as they appear inside events ----


class Part(BaseModel):
    """A piece of an item's content; audio itself never travels inside an item."""

    model_config = ConfigDict(frozen=True)

    type: Literal["input_text", "input_audio", "output_audio"]
    text: str | None = None
    transcript: str | None = None


class Item(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str
    object: Literal["realtime.item"] = "realtime.item"
    type: Literal["message"] = "message"
    status: Literal["completed", "incomplete", "in_progress"]
    role: Literal["user", "assistant"]
    content: tuple[Part, ...] = ()


ResponseStatus: TypeAlias = Literal["completed", "cancelled", "failed", "in_progress"]


class FailureReason(BaseModel):
    type: str
    code: str


class StatusDetails(BaseModel):
    """Why a response ended; `reason` is set for a cancelled one, `error` for a failed one."""

    type: Literal["completed", "cancelled", "failed"]
    reason: Literal["turn_detected", "client_cancelled"] | None = None
    error: FailureReason | None = None


class Response(BaseModel):
    """`usage` stays null: tokens are not counted per response."""

    id: str
    object: Literal["realtime.response"] = "realtime.response"
    status: ResponseStatus
    status_details: StatusDetails | None = None
    output: tuple[Item, ...] = ()
    output_modalities: tuple[Literal["audio"], ...] = ("audio",)
    conversation_id: str
    metadata: dict[str, str] | None = None
    usage: None = None


class ErrorBody(BaseModel):
    type: Literal["invalid_request_error", "server_error"]
    code: str
    message: str
    param: str | None = None
    event_id: str | None = None


# ---- session and errors ----


class SessionCreated(_Event):
    type: Literal["session.created"] = "session.created"
    session: dict[str, Any]


class SessionUpdated(_Event):
    type: Literal["session.updated"] = "session.updated"
    session: dict[str, Any]


class Error(_Event):
    type: Literal["error"] = "error"
    error: ErrorBody


# ---- the caller's side ----


class AudioCleared(_Event):
    type: Literal["input_audio_buffer.cleared"] = "input_audio_buffer.cleared"


class AudioCommitted(_Event):
    type: Literal["input_audio_buffer.committed"] = "input_audio_buffer.committed"
    item_id: str
    previous_item_id: str | None


class SpeechStarted(_Event):
    type: Literal["input_audio_buffer.speech_started"] = "input_audio_buffer.speech_started"
    item_id: str
    audio_start_ms: int


class SpeechStopped(_Event):
    type: Literal["input_audio_buffer.speech_stopped"] = "input_audio_buffer.speech_stopped"
    item_id: str
    audio_end_ms: int


class ItemAdded(_Event):
    type: Literal["conversation.item.added"] = "conversation.item.added"
    item: Item
    previous_item_id: str | None


class ItemDone(_Event):
    type: Literal["conversation.item.done"] = "conversation.item.done"
    item: Item
    previous_item_id: str | None


class ItemTruncated(_Event):
    type: Literal["conversation.item.truncated"] = "conversation.item.truncated"
    item_id: str
    content_index: int
    audio_end_ms: int


class TranscriptionDelta(_Event):
    type: Literal["conversation.item.input_audio_transcription.delta"] = (
        "conversation.item.input_audio_transcription.delta"
    )
    item_id: str
    content_index: int = 0
    delta: str


class DurationUsage(BaseModel):
    type: Literal["duration"] = "duration"
    seconds: float


class TranscriptionCompleted(_Event):
    type: Literal["conversation.item.input_audio_transcription.completed"] = (
        "conversation.item.input_audio_transcription.completed"
    )
    item_id: str
    content_index: int = 0
    transcript: str
    usage: DurationUsage


# ---- the bot's side ----


class ResponseCreated(_Event):
    type: Literal["response.created"] = "response.created"
    response: Response


class ResponseDone(_Event):
    type: Literal["response.done"] = "response.done"
    response: Response


class _OutputEvent(_Event):
    response_id: str
    item_id: str
    output_index: int = 0
    content_index: int = 0


class OutputItemAdded(_Event):
    type: Literal["response.output_item.added"] = "response.output_item.added"
    response_id: str
    output_index: int = 0
    item: Item


class OutputItemDone(_Event):
    type: Literal["response.output_item.done"] = "response.output_item.done"
    response_id: str
    output_index: int = 0
    item: Item


class SpokenPart(BaseModel):
    """A content part as the part events show it; its type is "audio" there."""

    type: Literal["audio"] = "audio"
    transcript: str


class ContentPartAdded(_OutputEvent):
    type: Literal["response.content_part.added"] = "response.content_part.added"
    part: SpokenPart


class ContentPartDone(_OutputEvent):
    type: Literal["response.content_part.done"] = "response.content_part.done"
    part: SpokenPart


class AudioDelta(_OutputEvent):
    type: Literal["response.output_audio.delta"] = "response.output_audio.delta"
    delta: str


class AudioDone(_OutputEvent):
    type: Literal["response.output_audio.done"] = "response.output_audio.done"


class TranscriptDelta(_OutputEvent):
    type: Literal["response.output_audio_transcript.delta"] = (
        "response.output_audio_transcript.delta"
    )
    delta: str


class TranscriptDone(_OutputEvent):
    type: Literal["response.output_audio_transcript.done"] = "response.output_audio_transcript.done"
    transcript: str


# ---- ours, version 1; only for clients that said qingting.hello ----


class Hello(_Event):
    type: Literal["qingting.hello"] = "qingting.hello"
    version: int
    call_id: str
    state: CallState
    max_message_bytes: int
    resume_token: str | None = None
    resume_secs: float | None = None


class Resumed(_Event):
    """First event of a socket that goes on with a call; what it missed follows.

    Attributes:
        complete: Whether everything after the number it named follows.
        response_id, samples: The reply last played and how far, as last reported.
    """

    type: Literal["qingting.resumed"] = "qingting.resumed"
    call_id: str
    state: CallState
    complete: bool
    response_id: str | None
    samples: int


class State(_Event):
    type: Literal["qingting.state"] = "qingting.state"
    state: CallState


class Transcript(_Event):
    type: Literal["qingting.transcript"] = "qingting.transcript"
    item_id: str
    committed: str
    unstable: str


class Backchannel(_Event):
    type: Literal["qingting.backchannel"] = "qingting.backchannel"
    text: str


class Acknowledgement(_Event):
    """The bot says 嗯 or the like into the caller's silence: all of its audio."""

    type: Literal["qingting.acknowledgement"] = "qingting.acknowledgement"
    text: str
    audio: str


class AudioSpan(_Event):
    """What the next `response.output_audio.delta` carries."""

    type: Literal["qingting.audio_span"] = "qingting.audio_span"
    response_id: str
    item_id: str
    sequence: int
    start_sample: int
    start_char: int
    end_char: int


class PlayoutPause(_Event):
    type: Literal["qingting.playout.pause"] = "qingting.playout.pause"
    response_id: str


class PlayoutResume(_Event):
    type: Literal["qingting.playout.resume"] = "qingting.playout.resume"
    response_id: str
    from_sample: int


class PlayoutFlush(_Event):
    type: Literal["qingting.playout.flush"] = "qingting.playout.flush"
    response_id: str


class ReplyHeard(_Event):
    """How a reply ended, and how much of it was heard."""

    type: Literal["qingting.reply.heard"] = "qingting.reply.heard"
    response_id: str
    item_id: str
    status: ReplyStatus
    text: str
    heard_text: str
    estimated: bool
    audio_secs: float


class TurnMeasured(_Event):
    type: Literal["qingting.turn.measured"] = "qingting.turn.measured"
    item_id: str
    response_id: str
    marks_ms: Mapping[str, float]
    response_latency_ms: float | None
    ledger: Mapping[str, float]


class CrisisLine(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    number: str
    hours: str


class Crisis(_Event):
    """The crisis protocol rose; the numbers are to stay in view until the call ends."""

    type: Literal["qingting.crisis"] = "qingting.crisis"
    tier: str
    category: str
    lines: tuple[CrisisLine, ...]


class Pong(_Event):
    type: Literal["qingting.pong"] = "qingting.pong"
    token: str


class CallEnded(_Event):
    type: Literal["qingting.call.ended"] = "qingting.call.ended"
    reason: str


StandardEvent: TypeAlias = (
    SessionCreated
    | SessionUpdated
    | Error
    | AudioCleared
    | AudioCommitted
    | SpeechStarted
    | SpeechStopped
    | ItemAdded
    | ItemDone
    | ItemTruncated
    | TranscriptionDelta
    | TranscriptionCompleted
    | ResponseCreated
    | ResponseDone
    | OutputItemAdded
    | OutputItemDone
    | ContentPartAdded
    | ContentPartDone
    | AudioDelta
    | AudioDone
    | TranscriptDelta
    | TranscriptDone
)
QingtingEvent: TypeAlias = (
    Hello
    | Resumed
    | State
    | Transcript
    | Backchannel
    | Acknowledgement
    | AudioSpan
    | PlayoutPause
    | PlayoutResume
    | PlayoutFlush
    | ReplyHeard
    | TurnMeasured
    | Crisis
    | Pong
    | CallEnded
)
ServerEvent: TypeAlias = Annotated[StandardEvent | QingtingEvent, Field(discriminator="type")]


def to_json(event: StandardEvent | QingtingEvent, event_id: str) -> str:
    """An event as one text message, with its id."""
    return event.model_copy(update={"event_id": event_id}).model_dump_json()

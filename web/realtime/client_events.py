"""What a client may say: one model for each event, and a parser for text from anywhere.

Events of the OpenAI protocol tolerate fields we do not know; ours (`qingting.*`) reject
them, so that a misspelt field is found at once.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, from_json

from web.realtime.errors import ClientEventError
from web.realtime.session import SessionPatch, WireModel

PROTOCOL_VERSION = 1  # of the qingting.* events
MAX_TEXT_CHARS = 4_000  # one typed turn; of a longer one the model would see a small part
MAX_ID_CHARS = 64
_MAX_SAMPLES = 1 << 40  # a year of audio and more; keeps arithmetic on hostile numbers small

EventId: TypeAlias = Annotated[str, Field(max_length=512)]
Identifier: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARS)]


class SessionUpdate(WireModel):
    type: Literal["session.update"]
    event_id: EventId | None = None
    session: SessionPatch


class AudioAppend(WireModel):
    type: Literal["input_audio_buffer.append"]
    event_id: EventId | None = None
    audio: str


class AudioCommit(WireModel):
    type: Literal["input_audio_buffer.commit"]
    event_id: EventId | None = None


class AudioClear(WireModel):
    type: Literal["input_audio_buffer.clear"]
    event_id: EventId | None = None


class TextPart(WireModel):
    type: Literal["input_text"]
    text: str


class UserMessage(WireModel):
    """A typed turn; speech comes through the audio buffer, a prompt through the session."""

    type: Literal["message"]
    role: Literal["user"]
    id: Identifier | None = None
    content: Annotated[list[TextPart], Field(min_length=1, max_length=16)]

    @field_validator("content")
    @classmethod
    def _is_one_turn(cls, content: list[TextPart]) -> list[TextPart]:
        if sum(len(part.text) for part in content) > MAX_TEXT_CHARS:
            raise ValueError(f"at most {MAX_TEXT_CHARS} characters in all")
        return content

    @property
    def text(self) -> str:
        return "\n".join(part.text for part in self.content).strip()


class ItemCreate(WireModel):
    type: Literal["conversation.item.create"]
    event_id: EventId | None = None
    item: UserMessage


class ItemTruncate(WireModel):
    type: Literal["conversation.item.truncate"]
    event_id: EventId | None = None
    item_id: Identifier
    content_index: Literal[0]
    audio_end_ms: Annotated[int, Field(ge=0, le=_MAX_SAMPLES)]


class ResponseParams(WireModel):
    """Only what can be honoured for a single reply; the rest belongs in the session."""

    conversation: Literal["auto"] | None = None
    input: None = None
    instructions: Literal[""] | None = None


class ResponseCreate(WireModel):
    type: Literal["response.create"]
    event_id: EventId | None = None
    response: ResponseParams | None = None


class ResponseCancel(WireModel):
    type: Literal["response.cancel"]
    event_id: EventId | None = None
    response_id: Identifier | None = None


class _OurEvent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hello(_OurEvent):
    """Asks for the `qingting.*` server events.

    Attributes:
        version: Of these events; another one is refused.
        reports_playout: Whether `qingting.playout.report` will follow.
        resumable: Whether the call should wait if the connection is lost; needs reports,
            because only they tell what was heard by then.
        acknowledgements: Whether the client plays `qingting.acknowledgement`.
    """

    type: Literal["qingting.hello"]
    event_id: EventId | None = None
    version: Literal[1]
    reports_playout: bool = False
    resumable: bool = False
    acknowledgements: bool = False

    @model_validator(mode="after")
    def _resumable_with_reports(self) -> Self:
        if self.resumable and not self.reports_playout:
            raise ValueError("resumable needs reports_playout")
        return self


class PlayoutReport(_OurEvent):
    """`samples` of a response's audio were played, at the session's output rate."""

    type: Literal["qingting.playout.report"]
    event_id: EventId | None = None
    response_id: Identifier
    samples: Annotated[int, Field(ge=0, le=_MAX_SAMPLES)]


class Ping(_OurEvent):
    """Answered by `qingting.pong` with the same token."""

    type: Literal["qingting.ping"]
    event_id: EventId | None = None
    token: Annotated[str, Field(max_length=MAX_ID_CHARS)] = ""


ClientEvent: TypeAlias = (
    SessionUpdate
    | AudioAppend
    | AudioCommit
    | AudioClear
    | ItemCreate
    | ItemTruncate
    | ResponseCreate
    | ResponseCancel
    | Hello
    | PlayoutReport
    | Ping
)

_EVENT: TypeAdapter[ClientEvent] = TypeAdapter(Annotated[ClientEvent, Field(discriminator="type")])


def parse(text: str) -> ClientEvent:
    """One text message as an event.

    Raises:
        ClientEventError: Malformed JSON, an unknown type, or a field out of its range. The
            message never repeats what the client sent, but for the name of a type.
    """
    try:
        return _EVENT.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return _raise(text, first)


def _raise(text: str, detail: ErrorDetails) -> ClientEvent:
    kind = detail["type"]
    if kind == "json_invalid":
        raise ClientEventError("invalid_json", "the message is not valid JSON")
    try:
        message = from_json(text)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise ClientEventError("invalid_event", "the message must be a JSON object")
    event_id = message.get("event_id")
    event_id = event_id[:512] if isinstance(event_id, str) else None
    if kind == "union_tag_not_found":
        raise ClientEventError("missing_type", "type is missing", param="type", event_id=event_id)
    if kind == "union_tag_invalid":
        raise ClientEventError(
            "unknown_event",
            "this type of event is not supported; the protocol document lists those that are",
            param="type",
            event_id=event_id,
        )
    param = ".".join(str(step) for step in detail["loc"][1:]) or None  # [0] is the event's type
    raise ClientEventError("invalid_value", detail["msg"], param=param, event_id=event_id)

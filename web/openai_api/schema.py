"""What clients send: the fields that are honoured; all others are tolerated."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from web.openai_api.errors import ApiError

MAX_MESSAGES = 512
MAX_CONTENT_CHARS = 32_000  # of one message; the model's context is far smaller
MAX_SPEECH_CHARS = 4_096  # as in the original
MAX_STOPS = 4

SpeechFormat: TypeAlias = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
TranscriptFormat: TypeAlias = Literal["json", "text", "srt", "vtt", "verbose_json"]
_Model = TypeVar("_Model", bound=BaseModel)


class _Request(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class ContentPart(_Request):
    type: str
    text: Annotated[str, Field(max_length=MAX_CONTENT_CHARS)] | None = None


class ChatMessage(_Request):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[str, Field(max_length=MAX_CONTENT_CHARS)] | list[ContentPart] | None = None

    @property
    def text(self) -> str:
        """Text parts joined.

        Raises:
            ApiError: A part that is no text: this model neither sees nor hears.
        """
        if isinstance(self.content, list):
            if any(part.type not in ("text", "input_text") for part in self.content):
                raise ApiError(
                    "this model reads text only", param="messages", code="unsupported_value"
                )
            return "\n".join(part.text or "" for part in self.content)
        return self.content or ""


class StreamOptions(_Request):
    include_usage: bool = False


class ChatRequest(_Request):
    model: Annotated[str, Field(max_length=256)] = ""
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MAX_MESSAGES)]
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)] | None = None
    stop: str | Annotated[list[str], Field(max_length=MAX_STOPS)] | None = None
    n: Literal[1] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    @property
    def stops(self) -> tuple[str, ...]:
        given = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return tuple(text for text in given if text)


class SpeechRequest(_Request):
    model: Annotated[str, Field(max_length=256)] = ""
    input: Annotated[str, Field(min_length=1, max_length=MAX_SPEECH_CHARS)]
    response_format: SpeechFormat = "mp3"
    speed: Annotated[float, Field(ge=0.25, le=4)] = 1.0
    stream_format: Literal["audio"] | None = None


class TranscriptionRequest(_Request):
    """The form beside the file."""

    language: Annotated[str, Field(max_length=32)] | None = None
    prompt: Annotated[str, Field(max_length=2_000)] = ""
    response_format: TranscriptFormat = "json"


def parse(model: type[_Model], data: Any) -> _Model:
    """A request, checked.

    Raises:
        ApiError: It does not fit; the message names the field and repeats nothing of it.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    param = ".".join(str(step) for step in first["loc"]) or None
    raise ApiError(f"{param or 'body'}: {first['msg']}", param=param)

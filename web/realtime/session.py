"""The session object: what a client may set, and what then holds.

A `session.update` is a patch: only the fields it names change. What this server cannot do
(tools, voices, text-only output) is tolerated where ignoring it is harmless and refused
where the client would wait for something that never comes; `session.updated` always shows
what holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from pipeline.events import CallOptions
from pipeline.text import Language
from web.realtime.audio import WireRate
from web.realtime.errors import ClientEventError

MAX_INSTRUCTIONS_CHARS = 8_000  # about the whole default context; more would push the call out


class WireModel(BaseModel):
    """A part of the OpenAI protocol: fields we do not know are tolerated."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class AudioFormat(WireModel):
    type: Literal["audio/pcm"] = "audio/pcm"
    rate: WireRate = 24_000


class VoiceActivity(WireModel):
    """Either kind of turn detection; thresholds and eagerness are the server's own."""

    type: Literal["server_vad", "semantic_vad"] = "server_vad"
    create_response: Literal[True] | None = None
    interrupt_response: bool | None = None


class Transcription(WireModel):
    language: str | None = None


class AudioInput(WireModel):
    format: AudioFormat | None = None
    turn_detection: VoiceActivity | None = None
    transcription: Transcription | None = None


class AudioOutput(WireModel):
    format: AudioFormat | None = None


class SessionAudio(WireModel):
    input: AudioInput | None = None
    output: AudioOutput | None = None


Modalities: TypeAlias = list[Literal["audio", "text"]]
TokenLimit: TypeAlias = Annotated[int, Field(ge=1, le=4096)] | Literal["inf"]


class SessionPatch(WireModel):
    """`session` of a `session.update`: the current shape, and the beta's beside it."""

    type: Literal["realtime"] = "realtime"
    instructions: Annotated[str, Field(max_length=MAX_INSTRUCTIONS_CHARS)] | None = None
    output_modalities: Modalities | None = None
    audio: SessionAudio | None = None
    max_output_tokens: TokenLimit | None = None
    temperature: Annotated[float, Field(ge=0.0, le=2.0)] | None = None

    modalities: Modalities | None = None
    input_audio_format: Literal["pcm16"] | None = None
    output_audio_format: Literal["pcm16"] | None = None
    turn_detection: VoiceActivity | None = None
    input_audio_transcription: Transcription | None = None
    max_response_output_tokens: TokenLimit | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """What holds for one connection."""

    options: CallOptions = field(default_factory=CallOptions)
    input_rate_hz: WireRate = 24_000
    output_rate_hz: WireRate = 24_000
    detection: Literal["server_vad", "semantic_vad"] = "server_vad"

    def patched(self, patch: SessionPatch) -> Session:
        """This session with the fields that `patch` names, and no others, changed.

        Raises:
            ClientEventError: A field asks for what this server cannot do.
        """
        options, session = self.options, self
        said = patch.model_fields_set
        for name in ("output_modalities", "modalities"):
            if name in said and "audio" not in (getattr(patch, name) or ["audio"]):
                raise ClientEventError(
                    "unsupported_value",
                    "replies are always spoken: include audio",
                    param=f"session.{name}",
                )
        if "instructions" in said:
            options = replace(options, instructions=patch.instructions or None)
        if "temperature" in said:
            options = replace(options, temperature=patch.temperature)
        for name in ("max_output_tokens", "max_response_output_tokens"):
            if name in said:
                limit = getattr(patch, name)
                limit = None if limit == "inf" else limit
                options = replace(options, max_reply_tokens=limit)

        hearing = (patch.audio.input if patch.audio else None) or AudioInput()
        speaking = (patch.audio.output if patch.audio else None) or AudioOutput()
        if hearing.format:
            session = replace(session, input_rate_hz=hearing.format.rate)
        if speaking.format:
            session = replace(session, output_rate_hz=speaking.format.rate)
        for part in (patch, hearing):
            if "turn_detection" in part.model_fields_set:
                session, options = _detect(session, options, part.turn_detection)
        if patch.input_audio_transcription is not None:
            options = _transcribe(options, patch.input_audio_transcription)
        if hearing.transcription is not None:
            options = _transcribe(options, hearing.transcription)
        return replace(session, options=options)

    def wire(self, session_id: str, model: str) -> dict[str, Any]:
        """The session object of `session.created` and `session.updated`."""
        options = self.options
        detection = {
            "type": self.detection,
            "create_response": True,
            "interrupt_response": options.interrupt_reply,
        }
        return {
            "type": "realtime",
            "object": "realtime.session",
            "id": session_id,
            "model": model,
            "output_modalities": ["audio"],
            "instructions": options.instructions or "",
            "tools": [],
            "tool_choice": "none",
            "max_output_tokens": options.max_reply_tokens or "inf",
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": self.input_rate_hz},
                    "transcription": {"model": model, "language": options.language},
                    "noise_reduction": None,
                    "turn_detection": detection if options.turn_detection else None,
                },
                "output": {
                    "format": {"type": "audio/pcm", "rate": self.output_rate_hz},
                    "voice": "default",
                    "speed": 1.0,
                },
            },
        }


def _detect(
    session: Session, options: CallOptions, detection: VoiceActivity | None
) -> tuple[Session, CallOptions]:
    if detection is None:
        return session, replace(options, turn_detection=False)
    options = replace(options, turn_detection=True)
    if detection.interrupt_response is not None:
        options = replace(options, interrupt_reply=detection.interrupt_response)
    return replace(session, detection=detection.type), options


def _transcribe(options: CallOptions, transcription: Transcription) -> CallOptions:
    """Set the caller's language; one that this server does not know means "find out"."""
    if "language" not in transcription.model_fields_set:
        return options
    tag = (transcription.language or "").lower().replace("_", "-").split("-")[0]
    languages: dict[str, Language] = {"zh": "zh", "cmn": "zh", "en": "en"}
    return replace(options, language=languages.get(tag))

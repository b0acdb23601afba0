"""A voice behind any server with OpenAI's `/v1/audio/speech`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pipeline.text import Language
from pipeline.tts.base import SpeechStyle
from pipeline.tts.http.server import Request, ServerOptions, SpeechServer
from pipeline.tts.http.voice import HttpVoice

SoundFormat: TypeAlias = Literal["wav", "pcm"]
_SLOWEST, _FASTEST = 0.25, 4.0  # what the protocol allows


@dataclass(frozen=True, slots=True)
class RemoteVoiceOptions:
    """What to ask for.

    Attributes:
        model: Name by which the server knows the model.
        voice: One of its voices.
        sound_format: wav says its own rate; servers that make whole WAV files begin a
            little sooner with pcm.
        pcm_rate_hz: Rate of `pcm`, unless the answer names it; 24 kHz is OpenAI's.
        gain_db: To the loudness of the other voices.
    """

    model: str
    voice: str
    sound_format: SoundFormat = "wav"
    pcm_rate_hz: int = 24_000
    gain_db: float = 0.0


class RemoteVoice(HttpVoice):
    """Speaks through the server; nothing is sent before the first clause.

    Args:
        server: Where it is, up to and including /v1.
        options: What to ask for.
        languages: What the voice speaks.
    """

    def __init__(
        self,
        server: ServerOptions,
        options: RemoteVoiceOptions,
        languages: Collection[Language] = ("zh", "en"),
    ) -> None:
        self._options = options
        super().__init__(
            "openai",
            languages,
            SpeechServer(server),
            options.gain_db,
            options.pcm_rate_hz if options.sound_format == "pcm" else None,
        )

    def _requests(self, spoken: str, language: Language, style: SpeechStyle) -> Sequence[Request]:
        """See `HttpVoice`; the protocol has no language."""
        body = {
            "model": self._options.model,
            "voice": self._options.voice,
            "input": spoken,
            "response_format": self._options.sound_format,
            "speed": min(_FASTEST, max(_SLOWEST, style.rate)),
        }
        return (Request("POST", "audio/speech", json=body),)

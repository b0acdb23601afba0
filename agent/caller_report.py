"""What a scripted call observed, turn by turn, in a form that JSON takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from pipeline.audio import Int16Array


@dataclass(frozen=True, slots=True)
class AnswerReport:
    """One reply of a turn.

    Attributes:
        begun_ms: When the server said that it begins.
        audible_ms: First audible sample at the client; None if none came.
        gaps_ms: Each silence that it fell into because its audio came too late.
        status: How it ended.
    """

    begun_ms: float
    audible_ms: float | None
    gaps_ms: tuple[float, ...]
    status: str


@dataclass(frozen=True, slots=True)
class TurnReport:
    """One turn, and the reply that answered it.

    Milliseconds count from `speech_end`: at the client the last audible sample of the clip
    as played, at the server its own estimate of it. A mark that was not seen is absent.

    Attributes:
        clip: Name of the clip.
        transcript: All that the server understood of it.
        reply_text: Written by the server; `heard_text` is the part that was played.
        status: How the reply ended ("completed", "interrupted", …), or "none".
        client_marks_ms: Marks of design section 4 that a client can see.
        server_marks_ms: The server's own.
        response_latency_ms: Last audible sample of the clip to first audible of the reply.
        acknowledged_ms: Likewise to the first audible of an acknowledgement (嗯) that was said
            before the reply; None if none was.
        reply_audio_secs: Length of the audio received.
        replies: Replies that began in this turn; more than one means that the server took
            a pause inside the clip for its end.
        answers: Those replies, in order of time.
        commits_ms: When each non-empty transcript was declared complete.
        underruns: Times the reply's audio came too late to follow on.
        interruption_latency_ms: For a turn that cut in: from its first audible sample to
            the last sample of the bot that was played; None otherwise.
        pause_latency_ms: Likewise, to the server's first order to pause or flush.
    """

    clip: str
    transcript: str
    reply_text: str
    heard_text: str
    heard_is_estimated: bool
    status: str
    client_marks_ms: Mapping[str, float]
    server_marks_ms: Mapping[str, float]
    response_latency_ms: float | None
    acknowledged_ms: float | None
    server_response_latency_ms: float | None
    reply_audio_secs: float
    replies: int
    underruns: int
    underrun_secs: float
    interruption_latency_ms: float | None = None
    pause_latency_ms: float | None = None
    ledger: Mapping[str, float] = field(default_factory=dict)
    answers: tuple[AnswerReport, ...] = ()
    commits_ms: tuple[float, ...] = ()

    @property
    def first_sound_ms(self) -> float | None:
        """To the first audible sample of the bot, be it an acknowledgement or the reply."""
        if self.response_latency_ms is None or self.acknowledged_ms is None:
            return self.response_latency_ms
        return min(self.acknowledged_ms, self.response_latency_ms)


@dataclass(frozen=True, slots=True)
class CallReport:
    """A whole call.

    Attributes:
        call_id: The server's name for it, "" from a server that is not ours.
        turns: In order of the script.
        errors: Code of each `error` event.
        recording: int16, shape (n_samples, 2), 24 kHz; caller left, bot right, one time line.
        acknowledgements: What the bot said into the caller's pauses, in order.
    """

    call_id: str
    turns: tuple[TurnReport, ...]
    errors: tuple[str, ...]
    recording: Int16Array
    acknowledgements: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Everything but the recording, and the percentiles of the latency and the first sound."""
        return {
            "call_id": self.call_id,
            "turns": [
                {**asdict(turn), "first_sound_ms": turn.first_sound_ms} for turn in self.turns
            ],
            "errors": list(self.errors),
            "acknowledgements": list(self.acknowledgements),
            "response_latency_ms": _percentiles(turn.response_latency_ms for turn in self.turns),
            "first_sound_ms": _percentiles(turn.first_sound_ms for turn in self.turns),
        }


def _percentiles(values_ms: Iterable[float | None]) -> dict[str, float] | None:
    """Median and 95th percentile of those that are known; None if none are."""
    known_ms = [value for value in values_ms if value is not None]
    if not known_ms:
        return None
    p50, p95 = np.percentile(known_ms, (50, 95))
    return {"p50": round(float(p50), 1), "p95": round(float(p95), 1)}

"""What a call tells its client, and what a client can tell a call.

The server turns these into the Realtime protocol, the local session into sound and
captions, the bench into figures. One turn is one `turn_id` ("turn_1", "turn_2", …); its
reply is one `reply_id` ("reply_1", …). Both count up within a call and are never reused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from pipeline.text import Language

CallState: TypeAlias = Literal["listening", "thinking", "speaking", "paused"]
ReplyStatus: TypeAlias = Literal["completed", "cancelled", "interrupted", "failed"]

MARKS = (
    "speech_end",
    "soft_end",
    "transcript_final",
    "first_token",
    "first_clause",
    "first_audio",
    "turn_commit",
    "first_playout",
)


@dataclass(frozen=True, slots=True)
class StateChanged:
    """Who has the floor."""

    state: CallState


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller began to speak, `at_secs` into the audio received."""

    turn_id: str
    at_secs: float


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The caller fell silent, `at_secs` into the audio received; the turn may go on."""

    turn_id: str
    at_secs: float


@dataclass(frozen=True, slots=True)
class TranscriptUpdated:
    """What was recognised so far of a turn under way.

    `committed` only ever grows within a turn; `unstable` follows it and may change.
    """

    turn_id: str
    committed: str
    unstable: str


@dataclass(frozen=True, slots=True)
class TranscriptCompleted:
    """The turn is over; `text` is what enters the context, empty if nothing was said."""

    turn_id: str
    text: str
    language: Language


@dataclass(frozen=True, slots=True)
class BackchannelNoted:
    """The caller said 嗯 or the like over the bot; it did not become a turn."""

    text: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The bot says 嗯 or the like into the caller's silence; it is no reply and no turn.

    Whoever plays it stops it when a reply begins to sound, and reports nothing.

    Attributes:
        text: As it is shown.
        pcm: All of it: PCM16 little-endian, mono, 24 kHz, well under a second.
    """

    text: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """A committed reply begins; its text and audio follow."""

    reply_id: str
    turn_id: str | None


@dataclass(frozen=True, slots=True)
class ReplyText:
    """The reply's text grows; `start` is the character offset of `text` in the reply."""

    reply_id: str
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class ReplyAudio:
    """A chunk of the reply's voice.

    Attributes:
        sequence: 0, 1, 2, … without holes within the reply.
        pcm: PCM16 little-endian, mono, 24 kHz.
        start_sample: Offset of the first sample in the reply's audio.
        start_char, end_char: Characters of the reply's text this chunk carries, half open.
    """

    reply_id: str
    sequence: int
    pcm: bytes
    start_sample: int
    start_char: int
    end_char: int


@dataclass(frozen=True, slots=True)
class ReplyFinished:
    """The reply is over, one way or the other.

    Attributes:
        text: All that was written.
        heard_text: The part whose audio was played; equals `text` when completed.
        estimated: Whether `heard_text` rests on the server's pacing clock, because the
            client reported nothing.
        audio_secs: Length of all audio sent.
    """

    reply_id: str
    status: ReplyStatus
    text: str
    heard_text: str
    estimated: bool
    audio_secs: float


@dataclass(frozen=True, slots=True)
class ReplyAmended:
    """The client said where it stopped after the latest reply was over: that holds now.

    Attributes:
        heard_text: The part whose audio was played.
    """

    reply_id: str
    text: str
    heard_text: str
    audio_secs: float


@dataclass(frozen=True, slots=True)
class PlayoutPaused:
    """Fade out and hold what is buffered: the caller may be interrupting."""

    reply_id: str


@dataclass(frozen=True, slots=True)
class PlayoutResumed:
    """It was nothing: fade in, from `from_sample` of the reply's audio."""

    reply_id: str
    from_sample: int


@dataclass(frozen=True, slots=True)
class PlayoutFlushed:
    """Throw away what is buffered of this reply; nothing more of it follows."""

    reply_id: str


@dataclass(frozen=True, slots=True)
class TurnMeasured:
    """Every mark of a turn, in milliseconds after `speech_end`, as the server saw them.

    A mark that did not happen is absent. `ledger` holds the speculation account since the
    last measurement: `pipeline.speculation.SpeculationAccount.entries`.
    """

    turn_id: str
    reply_id: str
    marks_ms: Mapping[str, float]
    response_latency_ms: float | None
    ledger: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallFailed:
    """An engine failed; the call goes on unless `fatal`."""

    code: str
    message: str
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class HelpLine:
    """A number that helps, as it is shown.

    Attributes:
        name: What it is called, in the call's locale.
        number: As it is written.
        hours: When somebody answers.
    """

    name: str
    number: str
    hours: str


@dataclass(frozen=True, slots=True)
class CrisisNoted:
    """The crisis protocol rose to `tier`; the numbers stay in view for the rest of the call.

    Attributes:
        tier: "concern", "elevated" or "imminent"; never falls within a call.
        category: Of what: "suicide", "self_harm", "harm_to_others", "abuse", "medical",
            "minor".
        lines: Numbers for the caller's region, the most urgent first.
        words: What was said when it rose; of several turns in a row the last one stands last.
    """

    tier: str
    category: str
    lines: tuple[HelpLine, ...]
    words: str = ""


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The last event of a call. `reason`: "hangup", "error", "timeout", "drain"."""

    reason: str


CallEvent: TypeAlias = (
    StateChanged
    | SpeechStarted
    | SpeechStopped
    | TranscriptUpdated
    | TranscriptCompleted
    | BackchannelNoted
    | Acknowledged
    | ReplyStarted
    | ReplyText
    | ReplyAudio
    | ReplyFinished
    | ReplyAmended
    | PlayoutPaused
    | PlayoutResumed
    | PlayoutFlushed
    | TurnMeasured
    | CallFailed
    | CrisisNoted
    | CallEnded
)


class CallPort(Protocol):
    """A running call, seen from its client's side.

    Methods that take input never block and never raise for a call that has ended; they
    do nothing then.
    """

    call_id: str

    def configure(self, options: CallOptions) -> None:
        """Take new options; they hold from the next turn and the next reply on."""
        ...

    def push_audio(self, pcm: bytes) -> None:
        """Microphone audio: PCM16 little-endian, mono, 16 kHz, any even length up to 10 s.

        At most 30 s may wait to be processed; more raises OverloadedError.

        Raises:
            AudioFormatError: An odd number of bytes.
        """
        ...

    def commit_audio(self) -> None:
        """End the turn under way now, whatever the silence says (push-to-talk).

        With `turn_detection` it is answered by itself, without it by `respond`, which may
        follow at once. Without a turn under way nothing happens and no event follows.
        """
        ...

    def clear_audio(self) -> None:
        """Forget the turn under way."""
        ...

    def send_text(self, text: str) -> None:
        """A turn typed instead of spoken; interrupts a running reply. Answered by `respond`.

        No TranscriptCompleted follows: the client knows its text.
        """
        ...

    def respond(self) -> None:
        """Answer the context as it stands (after `send_text` or `commit_audio`).

        While a committed turn's words are being recognised, it waits for them; no-op while a
        reply runs.
        """
        ...

    def cancel_reply(self) -> None:
        """Stop the running reply now; what was heard stays in the context."""
        ...

    def report_played(self, reply_id: str, samples: int) -> None:
        """The client has played `samples` samples (24 kHz) of a reply so far."""
        ...

    def truncate_reply(self, reply_id: str, audio_end_ms: int) -> None:
        """The client stopped a reply after `audio_end_ms`; the context keeps what was heard."""
        ...

    def events(self) -> AsyncIterator[CallEvent]:
        """Everything the client should know, in order; ends after `CallEnded`.

        Only one consumer. The queue behind it is bounded: a client that does not read
        for long ends the call with `CallEnded("slow_reader")`.
        """
        ...

    async def close(self, reason: str = "hangup") -> None:
        """End the call; returns when its tasks are gone. Safe to call twice."""
        ...


class CallFactory(Protocol):
    """Opens calls on the engines of this process."""

    async def open_call(self, options: CallOptions) -> CallPort:
        """Start a call.

        Raises:
            OverloadedError: As many calls run as this machine can carry.
        """
        ...


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What a client may choose for its call; None takes the server's setting.

    Attributes:
        instructions: Added to the persona's own prompt, never in its place.
        language: Language the caller speaks.
        temperature: Of the reply's sampling.
        max_reply_tokens: Upper bound of a reply.
        turn_detection: False waits for `commit_audio` instead of listening for the end.
        interrupt_reply: Whether speech over the bot may stop it.
        reports_playout: Whether the client will call `report_played`.
        plays_acknowledgements: Whether the client plays `Acknowledged`; else there is none.
        locale: Language and script of the client's page, such as "zh-Hant"; holds from the
            call's beginning.
        caller: Tag under which the caller allowed to be remembered; None remembers nothing.
            Holds from the call's beginning.
    """

    instructions: str | None = None
    language: Language | None = None
    temperature: float | None = None
    max_reply_tokens: int | None = None
    turn_detection: bool = True
    interrupt_reply: bool = True
    reports_playout: bool = False
    plays_acknowledgements: bool = False
    locale: str | None = None
    caller: str | None = None

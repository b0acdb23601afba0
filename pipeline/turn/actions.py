"""What the turn machine asks its stage to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pipeline.frames import DropReason
from pipeline.text import Language
from pipeline.turn.acknowledge import Acknowledgement

Fallback: TypeAlias = Literal["unheard", "apology"]


@dataclass(frozen=True, slots=True)
class BeginUtterance:
    """Recognise from `start_sample` on; `overlap` is not yet a turn."""

    turn_id: str
    start_sample: int
    overlap: bool


@dataclass(frozen=True, slots=True)
class BeginTurn:
    """The utterance is a turn now (told to the client)."""

    turn_id: str
    at_secs: float


@dataclass(frozen=True, slots=True)
class SoftEnd:
    """Finish the transcript up to `end_sample`; nothing later belongs to a turn that it closes."""

    generation: int
    turn_id: str
    end_sample: int
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """Answer `text`; speculative unless a commit follows in the same step."""

    generation: int
    turn_id: str
    text: str
    language: Language
    speculative: bool


@dataclass(frozen=True, slots=True)
class Commit:
    """The turn is taken; the draft of `generation` may be heard."""

    generation: int
    turn_id: str
    text: str
    language: Language


@dataclass(frozen=True, slots=True)
class TakeText:
    """The turn is over and enters the context, but nobody asked for an answer."""

    turn_id: str
    text: str
    language: Language


@dataclass(frozen=True, slots=True)
class Drop:
    """Stop all work of `generation`."""

    generation: int
    reason: DropReason


@dataclass(frozen=True, slots=True)
class Discard:
    """The utterance was no turn; `text` is a backchannel worth noting, or empty."""

    turn_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Pause:
    generation: int


@dataclass(frozen=True, slots=True)
class Resume:
    generation: int


@dataclass(frozen=True, slots=True)
class Say:
    """Speak a scripted line instead of an answer that cannot be had."""

    generation: int
    turn_id: str
    line: Fallback


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Say a word into the caller's silence; the turn is theirs until it has been said."""

    said: Acknowledgement


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Not even the apology could be spoken."""

    generation: int


Action: TypeAlias = (
    BeginUtterance
    | BeginTurn
    | SoftEnd
    | Draft
    | Commit
    | TakeText
    | Drop
    | Discard
    | Pause
    | Resume
    | Say
    | Acknowledge
    | GiveUp
)

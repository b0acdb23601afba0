"""What a call with a simulated caller came to, in writing or in speech."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from agent.config import Locale
from agent.conversations.caller import Line
from agent.conversations.lint import Bounds
from agent.conversations.script import CallerScript, Topic
from agent.persona import Persona
from agent.safety.tiers import Tier

# Who wrote a reply: the language model, a script (crisis, check-in), the apology for something
# that failed or was not heard, or nobody, when none came.
Author: TypeAlias = Literal["model", "script", "apology", "nobody"]


@dataclass(frozen=True, slots=True)
class Told:
    """One entry of the intake record: its field, and the caller's turn, counted from 0."""

    field: str
    turn: int


@dataclass(frozen=True, slots=True)
class HeldTurn:
    """One turn of the caller and the reply to it.

    Attributes:
        line: What the caller said.
        understood: What reached the listener; in writing the same, None for a silence.
        reply: As the caller got it.
        author: Who wrote it.
        tier: Of the crisis protocol after the turn.
        latency_ms: In speech, from the caller's last audible sample to the reply's first.
        interruption_ms: In speech, for a turn that cut in, how long the reply went on.
    """

    line: Line
    understood: str | None
    reply: str
    author: Author
    tier: Tier = "none"
    latency_ms: float | None = None
    interruption_ms: float | None = None


@dataclass(frozen=True, slots=True)
class HeldCall:
    """One call, from the greeting to the goodbye.

    Attributes:
        script: Who called.
        locale: Language and script of the call.
        bounds: Of the persona's style.
        display_name: What the listener calls itself.
        greeting: Its first words.
        turns: In order.
        told: The intake record at the end.
        hotline_spoken: Whether a number of the caller's region was in a reply.
        error: Why the call broke down; None for one that ended by itself.
    """

    script: CallerScript
    locale: Locale
    bounds: Bounds
    display_name: str
    greeting: str
    turns: tuple[HeldTurn, ...]
    told: tuple[Told, ...] = ()
    hotline_spoken: bool = False
    error: str | None = None

    @property
    def facts_told(self) -> tuple[tuple[int, Topic], ...]:
        """Facts that the caller told because they were asked: the turn, counted from 0."""
        spoken = [turn for turn in self.turns if turn.understood is not None]
        return tuple(
            (number, turn.line.topic)
            for number, turn in enumerate(spoken)
            if turn.line.kind == "fact" and turn.line.topic is not None
        )


def bounds_of(persona: Persona) -> Bounds:
    """The persona's style as the lint takes it."""
    style = persona.style
    return Bounds(style.max_units, style.max_sentences, style.max_questions)

"""Calls made by hand, for tests that judge them."""

from __future__ import annotations

from agent.config import Locale
from agent.conversations.call import Author, HeldCall, HeldTurn, Told
from agent.conversations.caller import Line, LineKind
from agent.conversations.lint import Bounds
from agent.conversations.script import CallerScript, Probe, Topic
from agent.safety.tiers import Tier


def script(**changes: object) -> CallerScript:
    """A caller with two facts."""
    plain = {
        "id": "someone",
        "goal": "Talk.",
        "voice": "sister",
        "opening": "good evening",
        "facts": {"since": "a month", "health": "badly"},
        "story": ("first", "second"),
        "goodbye": "bye",
    }
    return CallerScript.model_validate(plain | changes)


def turn(
    text: str,
    reply: str,
    *,
    kind: LineKind = "story",
    topic: Topic | None = None,
    probe: Probe | None = None,
    author: Author = "model",
    tier: Tier = "none",
    latency_ms: float | None = None,
) -> HeldTurn:
    """One turn, understood as it was said."""
    line = Line(text, kind, topic, probe)
    return HeldTurn(line, text or None, reply, author, tier, latency_ms)


def call(
    *turns: HeldTurn,
    script: CallerScript = script(),  # noqa: B008  # immutable
    locale: Locale = "en",
    told: tuple[Told, ...] = (),
    hotline_spoken: bool = False,
    error: str | None = None,
) -> HeldCall:
    """A call with the listener Ting."""
    return HeldCall(
        script, locale, Bounds(30), "Ting", "Hello.", turns, told, hotline_spoken, error
    )

"""One model with or without a tuning: what it is, and what its calls came to."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.adapter import adapter_of
from agent.bench.voices import Studio
from agent.config import Locale, Settings
from agent.conversations import spoken
from agent.conversations.lint import Fault
from agent.conversations.measure import JudgedCall, fault_shares, figures_of, judge
from agent.conversations.prompts import Prompt, answers
from agent.conversations.script import LOCALES, Cast
from agent.conversations.written import hold_all, written_settings
from pipeline.llm.base import LanguageModel


@dataclass(frozen=True, slots=True)
class Side:
    """A model, its tuning, and everything else of a call."""

    name: str
    settings: Settings


@dataclass(frozen=True, slots=True)
class SideResult:
    """What one side came to.

    Attributes:
        name: Of the side.
        calls: Judged, in the order of the casts.
        figures: Of all calls; see `agent.conversations.measure.FIGURES`.
        by_locale: The same of each locale that was called in.
        faults: Share of the model's replies with each fault.
        replies: To the prompts of the blind comparison; empty without one.
    """

    name: str
    calls: tuple[JudgedCall, ...]
    figures: Mapping[str, float | None]
    by_locale: Mapping[Locale, Mapping[str, float | None]]
    faults: Mapping[Fault, float]
    replies: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Everything, in a form that JSON takes."""
        return {
            "name": self.name,
            "figures": dict(self.figures),
            "by_locale": {locale: dict(figures) for locale, figures in self.by_locale.items()},
            "faults": dict(self.faults),
            "calls": [_call_json(call) for call in self.calls],
            "replies": list(self.replies),
        }


def side_of(settings: Settings) -> Side:
    """The side that settings are; named after model and adapter."""
    adapter = adapter_of(settings)
    model = settings.models.llm
    name = Path(model).stem if model.endswith(".gguf") else model
    if adapter is not None:
        # A run calls its adapter always the same; its folder says which run it is.
        own = adapter.parent.name if adapter.stem == "adapter" else adapter.stem
        name = f"{name}, tuned" if own == name else f"{name} + {own}"
    return Side(name, settings)


def result_of(name: str, calls: Sequence[JudgedCall], replies: Sequence[str] = ()) -> SideResult:
    """Sum up calls."""
    pairs = [(one.call, one.turns) for one in calls]
    by_locale = {
        locale: figures_of(own)
        for locale in LOCALES
        if (own := [pair for pair in pairs if pair[0].locale == locale])
    }
    turns = [turn for one in calls for turn in one.turns]
    return SideResult(
        name, tuple(calls), figures_of(pairs), by_locale, fault_shares(turns), tuple(replies)
    )


async def write_all(
    side: Side,
    load: Callable[[Settings], LanguageModel],
    casts: Sequence[Cast],
    prompts: Sequence[Prompt],
    *,
    at_once: int,
    seed: int,
    say: Callable[[str], None],
) -> SideResult:
    """Hold every call and answer every prompt with one side, in writing.

    Args:
        side: Who answers.
        load: Loads its language model.
        casts: Who calls.
        prompts: For the blind comparison; may be empty.
        at_once: Calls at the same time.
        seed: Of every reply.
        say: Told what happens.

    Raises:
        ModelError: The model is missing or damaged.
        GenerationError: A prompt could not be answered.

    Cancelling stops within one token and frees the model.
    """
    settings = written_settings(side.settings, at_once=at_once, seed=seed)
    model = load(settings)
    try:
        calls = await hold_all(casts, settings, model, at_once=at_once, say=say)
        replies = await answers(prompts, settings, model, at_once=at_once)
    finally:
        await model.close()
    return result_of(side.name, [judge(call) for call in calls], replies)


async def speak_all(
    side: Side, casts: Sequence[Cast], *, seed: int, say: Callable[[str], None]
) -> SideResult:
    """Hold every call with one side by voice, one after the other, in real time.

    Args:
        side: Who answers.
        casts: Who calls.
        seed: Of every reply.
        say: Told what happens.

    Raises:
        ConfigError: The server does not start, or a caller has an unknown voice.

    Cancelling hangs up and ends the server.
    """
    studio = Studio(side.settings)
    calls = await spoken.speak_all(casts, side.settings, studio, seed=seed, say=say)
    return result_of(side.name, [judge(call) for call in calls])


def _call_json(judged: JudgedCall) -> dict[str, Any]:
    call = judged.call
    return {
        "caller": call.script.id,
        "locale": call.locale,
        "goal": call.script.goal,
        "error": call.error,
        "figures": dict(judged.figures),
        "intake": [dataclasses.asdict(entry) for entry in call.told],
        "turns": [
            {
                "caller": turn.turn.line.text,
                "understood": turn.turn.understood,
                "kind": turn.turn.line.kind,
                "topic": turn.turn.line.topic,
                "probe": turn.turn.line.probe.kind if turn.turn.line.probe else None,
                "reply": turn.turn.reply,
                "author": turn.turn.author,
                "tier": turn.turn.tier,
                "faults": list(turn.faults),
                "passed": turn.passed,
                "latency_ms": turn.turn.latency_ms,
                "interruption_ms": turn.turn.interruption_ms,
            }
            for turn in judged.turns
        ],
    }

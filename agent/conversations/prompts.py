"""Sixty moments of calls, answered by each side, to be compared blindly."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.config import Locale, Settings
from agent.conversations.written import Listener
from pipeline.llm.base import LanguageModel


class Prompt(BaseModel):
    """One moment of a call.

    Attributes:
        locale: Language and script.
        turns: What was said, the caller first and last, after the greeting.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    locale: Locale
    turns: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ends_with_the_caller(self) -> Prompt:
        if len(self.turns) % 2 == 0:
            raise ValueError("turns alternate, and the last one is the caller's")
        return self

    def shown(self) -> str:
        """The moment for a person to read, a line for each turn."""
        return "\n".join(f"{'–' if number % 2 else '·'} {t}" for number, t in enumerate(self.turns))


@cache
def prompts() -> tuple[Prompt, ...]:
    """All prompts of the package."""
    text = (resources.files("agent.conversations") / "prompts.toml").read_text("utf-8")
    return tuple(Prompt.model_validate(one) for one in tomllib.loads(text)["prompts"])


async def answers(
    chosen: Sequence[Prompt], settings: Settings, model: LanguageModel, *, at_once: int
) -> list[str]:
    """The reply to each prompt, as a call would give it.

    Args:
        chosen: What to answer.
        settings: See `agent.conversations.written.written_settings`.
        model: Loaded with these settings.
        at_once: Replies at the same time.

    Raises:
        GenerationError: The model failed.

    Cancelling stops within one token.
    """
    free = asyncio.Semaphore(at_once)

    async def one(prompt: Prompt) -> str:
        async with free:
            listener = Listener(settings, prompt.locale, model, prompt.turns[:-1])
            try:
                reply, _ = await listener.answer(prompt.turns[-1])
            finally:
                await listener.close()
            return reply

    return list(await asyncio.gather(*map(one, chosen)))


def spread(chosen: Sequence[Prompt], count: int | None) -> tuple[Prompt, ...]:
    """At most `count` prompts, evenly over all of them; None takes all."""
    if count is None or count >= len(chosen):
        return tuple(chosen)
    return tuple(chosen[int(number * len(chosen) / count)] for number in range(count))

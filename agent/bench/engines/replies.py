"""How many tokens a second each of several replies gets when they are written at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from pipeline.llm.base import Conversation, LanguageModel, Message, Sampling

SIZES = (1, 2, 4)
REPEATS = 5
# Long enough to settle, and nearly every reply is: counting hardly ever ends early.
TOKENS = 60
_PROMPT = (
    Message("system", "You write down everything you are asked for, completely."),
    Message("user", "Count from one to one hundred in words, one number after the other."),
)


@dataclass(frozen=True, slots=True)
class Throughput:
    """Medians over `REPEATS` rounds.

    Attributes:
        at_once: Replies written at the same time.
        tokens_per_sec_each: Of one of them, from its first token to its last.
        share_of_one: Of what a reply alone gets.
    """

    at_once: int
    tokens_per_sec_each: float
    share_of_one: float


async def measure(model: LanguageModel, sizes: Sequence[int] = SIZES) -> list[Throughput]:
    """Write replies alone and together, in turns, so that drift hits all alike.

    Raises:
        GenerationError: The model failed.
    """
    rates: dict[int, list[float]] = {size: [] for size in sizes}
    await _round(model, 1)  # the prompt is evaluated once, for all
    for _ in range(REPEATS):
        for size in sizes:
            rates[size] += await _round(model, size)
    each = {size: float(np.median(found)) for size, found in rates.items()}
    return [Throughput(size, rate, rate / each[sizes[0]]) for size, rate in each.items()]


async def _round(model: LanguageModel, size: int) -> list[float]:
    conversations = [model.open() for _ in range(size)]
    try:
        await asyncio.gather(*(one.prefill(_PROMPT, "") for one in conversations))
        return await asyncio.gather(
            *(_tokens_per_sec(one, seed) for seed, one in enumerate(conversations))
        )
    finally:
        for one in conversations:
            await one.close()


async def _tokens_per_sec(conversation: Conversation, seed: int) -> float:
    sampling = Sampling(seed=seed, max_tokens=TOKENS)
    clock = asyncio.get_running_loop().time
    began = now = 0.0
    tokens = first = 0
    async with aclosing(conversation.reply(_PROMPT, sampling)) as deltas:
        async for delta in deltas:
            now = clock()
            if not began:
                began, first = now, delta.tokens
            tokens = delta.tokens
    return (tokens - first) / (now - began) if now > began else 0.0

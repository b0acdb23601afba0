"""Calls that speculate at random in a cache too small for all of them never see an error."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import GenerationError
from pipeline.llm.base import Message, Sampling
from pipeline.llm.engine import Engine
from pipeline.llm.native import Runtime, RuntimeOptions
from pipeline.llm.prompt import ChatTemplate
from pipeline.llm.prompts import PromptBuilder
from pipeline.llm.requests import Delivery, Prefill, Reply, Request

pytestmark = [pytest.mark.models, pytest.mark.slow]

CONTEXT_TOKENS = 512  # four calls of 150 tokens and more do not fit
CONVERSATION_TOKENS = 320
ROWS = 8
CALLS = 4
MOVES = 150  # 50 s of one core
MOST_UNDER_WAY = 8  # requests; callers ask for no more before some have ended
WAIT_SECS = 300  # only an engine that hangs waits so long

SYSTEM = "你是一位温暖的倾听者，用口语回答，每次不超过两句话。"
STORY = (
    "我最近工作压力很大，晚上总是睡不好，脑子里一直在想白天的事情，想着想着天就亮了，"
    "第二天上班又没有精神，领导就说我不用心，其实我已经很努力了，可是没有人看得到，"
    "回到家里也不想说话，家里人问我怎么了，我说没什么，他们也就不问了。"
)
_COUNTER = -1  # owner of the reply that counts
COUNTING = [Message("system", SYSTEM), Message("user", "请从一数到十，用中文数字，用顿号分开。")]


@dataclass
class Call:
    """One caller's side: what they have said, and what they asked of the engine.

    Attributes:
        owner: Number by which the engine knows the call.
        heard: Characters of `STORY` said so far.
        history: Turns before.
        under_way: Requests that have not ended.
    """

    owner: int
    heard: int = 0
    history: list[Message] = field(init=False)
    under_way: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        # No two calls share a cell: that is what fills the cache.
        self.history = [
            Message("system", f"{self.owner}号。{SYSTEM}"),
            Message("user", STORY),
            Message("assistant", "嗯，我在听。"),
        ]


class Callers:
    """Callers who speak, go on, cut in, hang up: one random move at a time."""

    def __init__(self, engine: Engine, prompts: PromptBuilder, seed: int) -> None:
        self._engine = engine
        self._prompts = prompts
        self._random = random.Random(seed)
        self._owners = iter(range(10_000))
        self._calls = [Call(next(self._owners)) for _ in range(CALLS)]
        self._ended = threading.Condition()
        self.errors: list[GenerationError] = []

    def move(self) -> None:
        """What one caller does next; waits while too much is under way."""
        with self._ended:
            assert self._ended.wait_for(
                lambda: sum(len(call.under_way) for call in self._calls) < MOST_UNDER_WAY,
                WAIT_SECS,
            )
        call = self._random.choice(self._calls)
        moves = (self._say_more, self._draft, self._drop, self._take, self._begin_again)
        self._random.choices(moves, weights=(8, 6, 3, 2, 1))[0](call)

    def finish(self) -> None:
        """Wait for all that is under way, and for the engine to drop what was cancelled."""
        with self._ended:
            assert self._ended.wait_for(
                lambda: not any(call.under_way for call in self._calls), WAIT_SECS
            )
        self._engine.forget(next(self._owners)).result(WAIT_SECS)

    def hang_up(self) -> None:
        """All calls end."""
        for call in self._calls:
            self._engine.forget(call.owner).result(WAIT_SECS)

    def _say_more(self, call: Call) -> None:
        """Words so far; now and then the recogniser takes some back."""
        call.heard = max(1, min(call.heard + self._random.randint(-3, 12), len(STORY)))
        prompt = self._prompts.open_turn_prompt(call.history, STORY[: call.heard])

        def answer(answer: float | GenerationError) -> None:
            self._note(answer)
            self._end(call, request)

        request = Prefill(call.owner, prompt, answer)
        self._submit(call, request)

    def _draft(self, call: Call) -> None:
        """Answer the words so far, seldom in the background."""
        messages = [*call.history, Message("user", STORY[: max(call.heard, 1)])]
        sampling = Sampling(
            seed=self._random.randrange(1 << 30), max_tokens=self._random.randint(1, 20)
        )

        def deliver(delivery: Delivery) -> None:
            self._note(delivery)
            if isinstance(delivery, GenerationError) or delivery.finish_reason:
                self._end(call, request)

        request = Reply(
            call.owner,
            self._prompts.reply_prompt(messages),
            sampling,
            self._prompts.just_said(messages),
            deliver,
            in_background=self._random.random() < 0.1,
        )
        self._submit(call, request)

    def _drop(self, call: Call) -> None:
        """One thing that was asked for is not wanted any more, wherever it is by now."""
        with self._ended:
            requests = list(call.under_way)
        if requests:
            request = self._random.choice(requests)
            self._engine.cancel(request)
            self._end(call, request)

    def _take(self, call: Call) -> None:
        """The turn is over: words and an answer become history."""
        call.history += [
            Message("user", STORY[: max(call.heard, 1)]),
            Message("assistant", STORY[-self._random.randint(5, 40) :]),
        ]
        call.heard = 0

    def _begin_again(self, call: Call) -> None:
        """Hang up, and call as somebody new before the engine has forgotten."""
        self._engine.forget(call.owner)
        self._calls[self._calls.index(call)] = Call(next(self._owners))

    def _submit(self, call: Call, request: Request) -> None:
        with self._ended:
            call.under_way.append(request)
        self._engine.submit(request)

    def _end(self, call: Call, request: Request) -> None:
        with self._ended:
            if request in call.under_way:
                call.under_way.remove(request)
            self._ended.notify()

    def _note(self, delivery: Delivery | float) -> None:
        if isinstance(delivery, GenerationError):
            self.errors.append(delivery)


@pytest.fixture
def runtime(llm_file: Path) -> Iterator[Runtime]:
    options = RuntimeOptions(context_tokens=CONTEXT_TOKENS, rows=ROWS, batch_tokens=32 + ROWS)
    runtime = Runtime(llm_file, None, 1.0, options)
    yield runtime
    runtime.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_random_speculation_never_fails(runtime: Runtime, seed: int) -> None:
    """Whatever is forked, dropped, aborted and displaced, the rows hold what the table says."""
    template = ChatTemplate(
        runtime.chat_template(), bos=runtime.vocabulary.bos, eos=runtime.vocabulary.eos
    )
    prompts = PromptBuilder(template, runtime.vocabulary, CONVERSATION_TOKENS)
    engine = Engine(
        runtime,
        lambda logits: float(np.isfinite(logits).all()),
        rows=ROWS,
        prefill_batch_tokens=32,
        conversation_tokens=CONVERSATION_TOKENS,
    )
    try:
        callers = Callers(engine, prompts, seed)
        for _ in range(MOVES):
            callers.move()
        callers.finish()
        stats = engine.stats()
        assert not callers.errors
        assert (stats.failures, stats.waiting, stats.running) == (0, 0, 0)
        assert stats.evictions + stats.displacements > 0
        for row in engine._table._sequences:
            assert runtime.length(row.row) == len(row.tokens)
        assert _counted(engine, prompts).startswith(("一、二、三、四、五", "1、2、3、4、5"))
        callers.hang_up()
        assert engine.stats().free_rows == ROWS
    finally:
        engine.close()


def _counted(engine: Engine, prompts: PromptBuilder) -> str:
    """What the model says when it is sure of its words."""
    text = ""
    ended = threading.Event()

    def deliver(delivery: Delivery) -> None:
        nonlocal text
        if isinstance(delivery, GenerationError):
            ended.set()
            return
        text += delivery.text
        if delivery.finish_reason:
            ended.set()

    sampling = Sampling(temperature=0.0, max_tokens=16)
    engine.submit(Reply(_COUNTER, prompts.reply_prompt(COUNTING), sampling, (), deliver))
    assert ended.wait(WAIT_SECS)
    engine.forget(_COUNTER).result(WAIT_SECS)
    return text

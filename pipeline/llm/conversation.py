"""One call's side of the engine, for the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress

from pipeline.errors import GenerationError
from pipeline.llm.base import Message, Sampling, TextDelta
from pipeline.llm.engine import Engine
from pipeline.llm.prompts import PromptBuilder
from pipeline.llm.requests import Delivery, Prefill, Reply


class LlamaConversation:
    """Implements `pipeline.llm.base.Conversation` on the shared engine.

    All methods belong to one event loop.
    """

    def __init__(
        self,
        engine: Engine,
        prompts: PromptBuilder,
        owner: int,
        on_close: Callable[[int], None],
    ) -> None:
        """Args:
        engine: Runs the requests.
        prompts: Makes prompts of messages.
        owner: Number by which the engine knows this conversation.
        on_close: Called once with `owner` when the rows are given back.
        """
        self._engine = engine
        self._prompts = prompts
        self._owner = owner
        self._on_close = on_close
        self._prefill: Prefill | None = None
        self._closed = False

    async def prefill(
        self, messages: Sequence[Message], user_so_far: str, *, background: bool = False
    ) -> float:
        """Evaluate the words so far; see `Conversation.prefill`.

        A newer prefill replaces one that is still waited for, which then raises
        GenerationError (retryable). Only what differs from what was evaluated before is
        evaluated, from the first differing token on.
        """
        self._require_open()
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[float] = loop.create_future()

        def settle(answer: float | GenerationError) -> None:
            if answered.done():
                return
            if isinstance(answer, GenerationError):
                answered.set_exception(answer)
            else:
                answered.set_result(answer)

        def answer_from_worker(answer: float | GenerationError) -> None:
            _call_soon(loop, lambda: settle(answer))

        prompt = self._prompts.open_turn_prompt(messages, user_so_far)
        request = Prefill(self._owner, prompt, answer_from_worker, background)
        if self._prefill is not None:
            self._engine.cancel(self._prefill)
            self._prefill.answer(GenerationError("Newer words replaced these"))
        self._prefill = request
        self._engine.submit(request)
        try:
            return await answered
        finally:
            self._engine.cancel(request)
            if self._prefill is request:
                self._prefill = None

    async def reply(
        self, messages: Sequence[Message], sampling: Sampling, *, background: bool = False
    ) -> AsyncGenerator[TextDelta, None]:
        """Stream the answer; see `Conversation.reply`. Work begins with the first `anext`.

        The same seed gives the same text as long as nothing else runs in the model;
        beside other calls, sums are taken in another order, and a near tie may fall
        otherwise.
        """
        self._require_open()
        loop = asyncio.get_running_loop()
        # Holds at most a reply's deltas: `max_tokens` bounds it.
        deliveries: asyncio.Queue[Delivery] = asyncio.Queue()

        def deliver_from_worker(delivery: Delivery) -> None:
            _call_soon(loop, lambda: deliveries.put_nowait(delivery))

        prompt = self._prompts.reply_prompt(messages)
        just_said = self._prompts.just_said(messages)
        request = Reply(self._owner, prompt, sampling, just_said, deliver_from_worker, background)
        self._engine.submit(request)
        try:
            while True:
                delivery = await deliveries.get()
                if isinstance(delivery, GenerationError):
                    raise delivery
                yield delivery
                if delivery.finish_reason is not None:
                    return
        finally:
            self._engine.cancel(request)

    async def close(self) -> None:
        """Give the rows back; returns when they are free. Safe to call twice.

        Cancelling leaves the rows to be freed within one step all the same.
        """
        if self._closed:
            return
        self._closed = True
        try:
            await asyncio.wrap_future(self._engine.forget(self._owner))
        finally:
            self._on_close(self._owner)

    def _require_open(self) -> None:
        if self._closed:
            raise GenerationError("The conversation has been closed", retryable=False)


def _call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    """Hand over to a loop that may have ended while the worker was busy."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)

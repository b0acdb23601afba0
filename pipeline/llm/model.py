"""A GGUF chat model, loaded once per process and shared by all calls."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from pipeline.computing import Computing
from pipeline.errors import GenerationError, OverloadedError
from pipeline.llm.conversation import LlamaConversation
from pipeline.llm.engine import Engine
from pipeline.llm.native import Runtime, RuntimeOptions
from pipeline.llm.prompt import ChatTemplate
from pipeline.llm.prompts import PromptBuilder
from pipeline.llm.sequences import KEPT_PER_OWNER
from pipeline.llm.stats import EngineStats
from pipeline.llm.turn_end import TurnEnd


class LlamaModel:
    """Implements `pipeline.llm.base.LanguageModel` on llama.cpp, in process.

    Attributes:
        name: What the file calls its model, or the file's name.
    """

    def __init__(
        self,
        name: str,
        runtime: Runtime,
        engine: Engine,
        new_prompts: Callable[[], PromptBuilder],
        capacity: int,
    ) -> None:
        """Use `load`.

        Args:
            name: What the model is called.
            runtime: The loaded model.
            engine: Runs the requests of all conversations.
            new_prompts: Makes the prompts of one conversation.
            capacity: Conversations that may be open.
        """
        self.name = name
        self._runtime = runtime
        self._engine = engine
        self._new_prompts = new_prompts
        self._owners = itertools.count()
        self._open: set[int] = set()
        self._capacity = capacity
        self._closed = False

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        adapter: Path | None = None,
        adapter_scale: float = 1.0,
        context_tokens: int = 4096,
        conversation_tokens: int | None = None,
        threads: int = 1,
        threads_batch: int = 2,
        cores: int = 1,
        computing: Computing | None = None,
        sequences: int = 16,
        prefill_batch_tokens: int = 32,
        pause_between_steps_secs: float = 0.0,
    ) -> LlamaModel:
        """Load a model and start its worker. Blocks: call it in a thread.

        Args:
            path: GGUF with a chat template.
            adapter: LoRA adapter as GGUF, made for this model.
            adapter_scale: Strength of the adapter; 1.0 as trained.
            context_tokens: Size of the key-value cache that all calls share.
            conversation_tokens: Most tokens of one prompt with its reply; None for as many
                as the cache and the model's training allow.
            threads: Most compute threads while only one reply is written, from its second
                clause on or in the background.
            threads_batch: Most compute threads for prompts, first clauses and several replies.
                Of either one is used for a while after the machine proved busy; see `tuning`.
            cores: On which the engines compute.
            computing: Tells how many other engines are at work; each takes a core.
            sequences: Rows of the cache; every conversation needs two, a trunk and a draft.
            prefill_batch_tokens: Most prompt tokens of one decode step, which is how long
                a prompt can delay other calls and how late a cancel can take effect.
            pause_between_steps_secs: Sleep after every decode step, to leave a core to
                other stages.

        Raises:
            ModelMissingError: A file is not there.
            ModelCorruptError: A file is not what it should be; the message says which.
            ModelError: The context does not fit in memory.
        """
        runtime = Runtime(
            path,
            adapter,
            adapter_scale,
            RuntimeOptions(
                context_tokens=context_tokens,
                rows=sequences,
                batch_tokens=prefill_batch_tokens + sequences,
            ),
        )
        try:
            vocabulary = runtime.vocabulary
            template = ChatTemplate(runtime.chat_template(), bos=vocabulary.bos, eos=vocabulary.eos)
            turn_end = TurnEnd(vocabulary, template.turn_end)
        except BaseException:
            runtime.close()
            raise
        longest = min(context_tokens, runtime.trained_tokens or context_tokens)
        conversation_tokens = min(conversation_tokens or longest, longest)
        engine = Engine(
            runtime,
            turn_end.probability,
            rows=sequences,
            prefill_batch_tokens=prefill_batch_tokens,
            conversation_tokens=conversation_tokens,
            threads=threads,
            threads_batch=threads_batch,
            cores=cores,
            computing=computing,
            pause_between_steps_secs=pause_between_steps_secs,
            whole_rows_only=runtime.recurrent,
        )
        new_prompts = partial(PromptBuilder, template, vocabulary, conversation_tokens)
        name = runtime.name() or path.stem
        return cls(name, runtime, engine, new_prompts, capacity=sequences // KEPT_PER_OWNER)

    def open(self) -> LlamaConversation:
        """A new conversation.

        Raises:
            OverloadedError: As many conversations are open as there are rows for.
        """
        self._require_open()
        if len(self._open) >= self._capacity:
            raise OverloadedError("The language model carries as many conversations as it can")
        owner = next(self._owners)
        self._open.add(owner)
        return LlamaConversation(self._engine, self._new_prompts(), owner, self._open.discard)

    def count_tokens(self, text: str) -> int:
        """Tokens of `text`, without special ones."""
        self._require_open()
        return len(self._runtime.vocabulary.text_tokens(text))

    def stand_aside(self) -> AbstractContextManager[None]:
        """While the context lasts, decode steps wait for more urgent work; see `Engine`."""
        return self._engine.stand_aside()

    def stats(self) -> EngineStats:
        """What the engine has done so far."""
        return self._engine.stats()

    async def close(self) -> None:
        """Stop the worker and free the model; running replies fail. Safe to call twice."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._engine.close)

    def _require_open(self) -> None:
        if self._closed:
            raise GenerationError("The language model has been closed", retryable=False)

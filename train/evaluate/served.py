"""The model as a call loads it: llama.cpp, with the adapter on or off."""

from __future__ import annotations

import ctypes
import math
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from train.export.gates import silence

# The call's own sampler, see `agent.config.LlmSettings`; the seed makes runs comparable.
_SAMPLER: dict[str, Any] = {
    "temp": 0.6,
    "top_p": 0.9,
    "top_k": 40,
    "min_p": 0.05,
    "repeat_penalty": 1.1,
}
_BATCH_TOKENS = 256
CONTEXT_TOKENS = 2048
REPLY_TOKENS = 120  # longest reply
PROMPT_TOKENS = CONTEXT_TOKENS - REPLY_TOKENS  # longest prompt


@dataclass(frozen=True, slots=True)
class Reply:
    """One generated reply.

    Attributes:
        text: Its words.
        ended: Whether the model ended it itself, before the limit.
        tokens: Tokens generated.
        secs: Time from the first token to the last.
    """

    text: str
    ended: bool
    tokens: int
    secs: float


class ServedModel:
    """A GGUF with an optional adapter that can be switched; use as a context manager.

    Args:
        model: GGUF of the base, or of a merged model.
        adapter: GGUF LoRA, or None.
        threads: Compute threads.

    Raises:
        ModelError: One of them cannot be loaded.
    """

    def __init__(self, model: Path, adapter: Path | None, *, threads: int = 2) -> None:
        silence()
        try:
            self._llama = llama_cpp.Llama(
                str(model),
                n_ctx=CONTEXT_TOKENS,
                n_batch=_BATCH_TOKENS,
                n_threads=threads,
                n_threads_batch=threads,
                verbose=False,
            )
        except ValueError as error:
            raise ModelError(f"llama.cpp cannot load {model}") from error
        self._evaluated: list[int] = []  # tokens whose state `_logits` may go on from
        self._adapter = None
        if adapter is not None:
            self._adapter = llama_cpp.llama_adapter_lora_init(
                self._llama._model.model, str(adapter).encode()
            )
            if not self._adapter:
                raise ModelError(f"{adapter} is no adapter of {model.name}")
        self.tuned(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._llama.close()

    def tuned(self, on: bool) -> None:
        """Switch the adapter; without one nothing changes."""
        self._llama.n_tokens = 0  # what was evaluated belongs to the other model
        self._evaluated = []
        memory = llama_cpp.llama_get_memory(self._llama._ctx.ctx)
        llama_cpp.llama_memory_clear(memory, True)
        if self._adapter is None:
            return
        adapters = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(self._adapter)
        scales = (ctypes.c_float * 1)(1.0)
        count = 1 if on else 0
        llama_cpp.llama_set_adapters_lora(self._llama._ctx.ctx, adapters, count, scales)

    def log_probabilities(self, ids: Sequence[int], first: int = 1) -> NDArray[np.float64]:
        """Log probability of each token from `first` on, given those before it.

        What comes before `first` is evaluated once for calls in a row that share it.

        Args:
            ids: Tokens.
            first: Index of the first token that is asked about, at least 1.

        Returns:
            float64, shape (len(ids) - first,), at most 0.
        """
        wanted = len(ids) - first + 1
        scores = [
            _log_probability(logits, token)
            for logits, token in zip(self._logits(ids, wanted), ids[first:], strict=False)
        ]
        return np.array(scores, np.float64)

    def next_probability(self, ids: Sequence[int], token: int) -> float:
        """Probability that `token` comes next."""
        (logits,) = self._logits(ids, 1)
        return math.exp(_log_probability(logits, token))

    def reply(self, ids: Sequence[int], *, max_tokens: int = REPLY_TOKENS, seed: int = 0) -> Reply:
        """Generate a reply to a prompt of at most `PROMPT_TOKENS`."""
        tokens: list[int] = []
        ended = False
        self._evaluated = []
        self._llama.set_seed(seed)
        self._llama.n_tokens = 0
        first_at = last_at = time.perf_counter()
        for token in self._llama.generate(list(ids), **_SAMPLER):
            last_at = time.perf_counter()
            if not tokens:
                first_at = last_at
            if llama_cpp.llama_vocab_is_eog(self._llama._model.vocab, token):
                ended = True
                break
            tokens.append(token)
            if len(tokens) >= max_tokens:
                break
        text = self._llama.detokenize(tokens).decode("utf-8", "ignore")
        return Reply(text, ended, len(tokens), last_at - first_at)

    def _logits(self, ids: Sequence[int], last: int) -> Iterator[NDArray[np.float32]]:
        """Logits after each of the last tokens; a view that the next step overwrites.

        llama_cpp.Llama would keep those of a whole context, over a gigabyte.
        """
        self._llama.n_tokens = 0
        context = self._llama._ctx.ctx
        border = len(ids) - last
        kept = self._keep(ids[:border])
        # A batch never crosses the border: sums depend a little on how tokens are batched, and
        # what is compared must not depend on how much was kept.
        parts = [*_parts(kept, border), *_parts(border, len(ids))]
        batch = llama_cpp.llama_batch_init(_BATCH_TOKENS, 0, 1)
        try:
            for start, stop in parts:
                part = ids[start:stop]
                batch.n_tokens = len(part)
                wanted = []
                for index, token in enumerate(part):
                    batch.token[index] = token
                    batch.pos[index] = start + index
                    batch.n_seq_id[index] = 1
                    batch.seq_id[index][0] = 0
                    batch.logits[index] = start >= border
                    wanted += [index] if batch.logits[index] else []
                if llama_cpp.llama_decode(context, batch):
                    self._evaluated = []
                    raise ModelError("llama.cpp could not evaluate a held-out conversation")
                self._evaluated += part
                for index in wanted:
                    found = llama_cpp.llama_get_logits_ith(context, index)
                    yield np.ctypeslib.as_array(found, (self._llama.n_vocab(),))
        finally:
            llama_cpp.llama_batch_free(batch)

    def _keep(self, ids: Sequence[int]) -> int:
        """Forget the state but for what it shares with the beginning of `ids`; how much that is."""
        shared = 0
        for token, other in zip(ids, self._evaluated, strict=False):
            if token != other:
                break
            shared += 1
        memory = llama_cpp.llama_get_memory(self._llama._ctx.ctx)
        if not shared or not llama_cpp.llama_memory_seq_rm(memory, 0, shared, -1):
            llama_cpp.llama_memory_clear(memory, True)
            shared = 0
        self._evaluated = self._evaluated[:shared]
        return shared


def _parts(start: int, stop: int) -> list[tuple[int, int]]:
    """Borders of the batches from one token to another."""
    return [(at, min(at + _BATCH_TOKENS, stop)) for at in range(start, stop, _BATCH_TOKENS)]


def _log_probability(logits: NDArray[np.float32], token: int) -> float:
    highest = float(logits.max())
    return float(logits[token]) - highest - math.log(float(np.exp(logits - highest).sum()))


def peak_memory_bytes() -> int:
    """Most memory this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

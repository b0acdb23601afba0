"""The thin layer over llama.cpp: one model, one context, one batch.

Everything here belongs to the engine's worker thread, except `Runtime.abort`.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np

from pipeline.audio import FloatArray
from pipeline.errors import ModelCorruptError, ModelError, ModelMissingError
from pipeline.llm.base import Sampling
from pipeline.llm.sampler import PhrasePenalties, SamplerChain, against_tokens
from pipeline.llm.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

_GGUF_MAGIC = b"GGUF"


class DecodeResult(Enum):
    """What became of a step."""

    DONE = "done"
    NO_ROOM = "no_room"  # the cache is full; nothing has changed
    ABORTED = "aborted"  # some tokens may have been evaluated: see Runtime.length
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One token of a step: its id, position, row, and whether its logits are wanted."""

    token: int
    position: int
    row: int
    wants_logits: bool


@dataclass(frozen=True, slots=True)
class RuntimeOptions:
    """How the context is set up; see `LlamaModel.load`."""

    context_tokens: int
    rows: int
    batch_tokens: int


class Runtime:
    """A loaded model with its context. Implements `sequences.Memory`."""

    def __init__(
        self, path: Path, adapter: Path | None, adapter_scale: float, options: RuntimeOptions
    ) -> None:
        """Load; blocks for as long as the disk takes.

        Raises:
            ModelMissingError: No such file.
            ModelCorruptError: Not a GGUF, cut short, of an unknown kind, or an adapter
                made for another model.
            ModelError: The context does not fit in memory.
        """
        start_backend()
        _require_gguf(path, "model")
        self._adapter: Any = None
        self._context: Any = None
        self._batch: Any = None
        self._model = llama_cpp.llama_model_load_from_file(
            str(path).encode(), llama_cpp.llama_model_default_params()
        )
        if not self._model:
            raise ModelCorruptError(
                f"{path.name} cannot be loaded: it is cut short or of a kind unknown to llama.cpp"
            )
        self._phrases: PhrasePenalties | None = None
        self._against_chinese: Any = None
        try:
            self._open_context(options)
            if adapter is not None:
                self._apply_adapter(adapter, adapter_scale)
        except ModelError:
            self.close()
            raise
        self.vocabulary = Vocabulary(self._model)
        # Tens of thousands of tokens: made once, and copied for a reply.
        self._against_chinese = against_tokens(self._context, self.vocabulary.chinese)
        self.trained_tokens: int = llama_cpp.llama_model_n_ctx_train(self._model)
        self.recurrent = bool(
            llama_cpp.llama_model_is_recurrent(self._model)
            or llama_cpp.llama_model_is_hybrid(self._model)
        )

    def name(self) -> str:
        """What the file calls its model; empty if it does not say."""
        buffer = ctypes.create_string_buffer(256)
        length = llama_cpp.llama_model_meta_val_str(
            self._model, b"general.name", buffer, len(buffer)
        )
        return buffer.value.decode(errors="replace") if length > 0 else ""

    def chat_template(self) -> str:
        """The Jinja2 chat template inside the file.

        Raises:
            ModelCorruptError: There is none: the model was not made for conversation.
        """
        template = llama_cpp.llama_model_chat_template(self._model, None)
        if not template:
            raise ModelCorruptError("The model has no chat template: it is not a chat model")
        return bytes(template).decode()

    def decode(self, entries: Sequence[Entry], threads: int) -> DecodeResult:
        """Evaluate one step of at most `RuntimeOptions.batch_tokens` entries."""
        llama_cpp.llama_set_n_threads(self._context, threads, threads)
        batch = self._batch
        batch.n_tokens = len(entries)
        for index, entry in enumerate(entries):
            batch.token[index] = entry.token
            batch.pos[index] = entry.position
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = entry.row
            batch.logits[index] = entry.wants_logits
        code = llama_cpp.llama_decode(self._context, batch)
        if code not in _DECODE_RESULTS:
            logger.error("llama_decode failed with code %d", code)
        return _DECODE_RESULTS.get(code, DecodeResult.FAILED)

    def logits(self, index: int) -> FloatArray:
        """Logits of entry `index` of the last step: float32, shape (vocabulary size,).

        The array is a view that the next step overwrites.
        """
        pointer = llama_cpp.llama_get_logits_ith(self._context, index)
        return np.ctypeslib.as_array(pointer, shape=(self.vocabulary.size,))

    def sampler(self, sampling: Sampling, just_said: Sequence[int]) -> SamplerChain:
        """A sampler chain that draws from the last step's logits; see `SamplerChain`."""
        forbidden = [self.vocabulary.text_tokens(text) for text in sampling.forbidden]
        tokens = [tokens[0] for tokens in forbidden if len(tokens) == 1]
        banned = [against_tokens(self._context, tokens)] if tokens else []
        if sampling.without_chinese:
            banned.append(llama_cpp.llama_sampler_clone(self._against_chinese))
        assert self._phrases is not None
        return SamplerChain(self._context, sampling, self._phrases, just_said, banned)

    def piece(self, token: int) -> bytes:
        """UTF-8 bytes of one token, possibly half a character."""
        return self.vocabulary.piece(token)

    def ends_generation(self, token: int) -> bool:
        """Whether the model says with this token that it has finished."""
        return self.vocabulary.ends_generation(token)

    def copy(self, source: int, target: int, length: int) -> None:
        """Let row `target` share the first `length` cells of row `source`."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def cut(self, row: int, length: int) -> bool:
        """Forget a row from position `length` on; a recurrent model can only forget all."""
        return bool(llama_cpp.llama_memory_seq_rm(self._memory, row, length, -1))

    def length(self, row: int) -> int:
        """Tokens evaluated in a row."""
        return int(llama_cpp.llama_memory_seq_pos_max(self._memory, row)) + 1

    def abort(self, wanted: bool) -> None:
        """Let a running decode stop at its next operation, or allow decodes again.

        Any thread may call this.
        """
        self._abort_flag[0] = b"1" if wanted else b"\0"

    def close(self) -> None:
        """Free everything. Safe to call twice."""
        if self._phrases is not None:
            self._phrases.close()
            self._phrases = None
        if self._against_chinese is not None:
            llama_cpp.llama_sampler_free(self._against_chinese)
            self._against_chinese = None
        if self._batch is not None:
            llama_cpp.llama_batch_free(self._batch)
            self._batch = None
        if self._context:
            llama_cpp.llama_free(self._context)
            self._context = None
        if self._model:
            llama_cpp.llama_model_free(self._model)  # frees its adapters as well
            self._model = self._adapter = None

    def _open_context(self, options: RuntimeOptions) -> None:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = options.context_tokens
        parameters.n_batch = parameters.n_ubatch = options.batch_tokens
        parameters.n_seq_max = options.rows
        parameters.kv_unified = True
        self._context = llama_cpp.llama_init_from_model(self._model, parameters)
        if not self._context:
            raise ModelError(f"A context of {options.context_tokens} tokens does not fit in memory")
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._phrases = PhrasePenalties(self._context)
        self._batch = llama_cpp.llama_batch_init(options.batch_tokens, 0, 1)
        self._abort_flag = ctypes.create_string_buffer(2)
        llama_cpp.llama_set_abort_callback(
            self._context, _is_flag_set(), ctypes.cast(self._abort_flag, ctypes.c_void_p)
        )

    def _apply_adapter(self, path: Path, scale: float) -> None:
        _require_gguf(path, "adapter")
        self._adapter = llama_cpp.llama_adapter_lora_init(self._model, str(path).encode())
        if not self._adapter:
            raise ModelCorruptError(f"{path.name} is no LoRA adapter for this model")
        adapters = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(self._adapter)
        scales = (ctypes.c_float * 1)(scale)
        if llama_cpp.llama_set_adapters_lora(self._context, adapters, 1, scales):
            raise ModelCorruptError(f"{path.name} cannot be applied to this model")


_DECODE_RESULTS = {0: DecodeResult.DONE, 1: DecodeResult.NO_ROOM, 2: DecodeResult.ABORTED}


def _require_gguf(path: Path, what: str) -> None:
    if not path.is_file():
        raise ModelMissingError(f"The {what} file {path.name} is not there")
    with path.open("rb") as file:
        if file.read(len(_GGUF_MAGIC)) != _GGUF_MAGIC:
            raise ModelCorruptError(f"The {what} file {path.name} is not a GGUF file")


def _is_flag_set() -> Any:
    """C's strlen as llama.cpp's abort callback: false for an empty string, true for "1".

    llama.cpp asks before every operation of the graph, from its compute threads. A Python
    callback would wait for the interpreter lock each time, held by the event loop.
    """
    address = ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p).value
    assert address is not None
    return llama_cpp.ggml_abort_callback(address)


def _forward_log(level: int, text: bytes, user_data: object) -> None:
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug("llama.cpp: %s", text.decode(errors="replace").rstrip())


_log_callback = llama_cpp.llama_log_callback(_forward_log)  # llama.cpp keeps a pointer to it
_backend_started = False


def start_backend() -> None:
    """Set llama.cpp up once per process; its messages go to our log at debug level."""
    global _backend_started
    if not _backend_started:
        llama_cpp.llama_log_set(_log_callback, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        _backend_started = True

"""What an export must pass: the same tokens, and nearly the same answers, in llama.cpp."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.llm.base import Message
from train.base import ChatFormat
from train.export.gguf_model import Quantisation
from train.render import Masking, Renderer

# Divergence in nats from the merged model in float32. Measured on a 135M model: 6e-4 (the
# safetensors in between are bfloat16), 0.006, 0.08 to 0.14; a larger model loses less.
DIVERGENCE_LIMITS: dict[Quantisation, float] = {"f16": 5e-3, "q8_0": 0.03, "q4_k_m": 0.3}

# Texts on which tokenizers are known to part: spaces, digits, line ends, scripts, signs.
PROBE_TEXTS = (
    "我今天有點難過，睡不好。",
    "我最近工作压力很大[委屈]",
    "Hello, who are you?",
    "don't  you   think",
    "1995 或 2024/01/05（五）",
    "好耶😀(≧▽≦)",
    "第①點\u3000和Ⅷ",
    "a\nb\n\nc\td",
)


def probe_prompts(form: ChatFormat, system: str | None) -> list[list[int]]:
    """Prompts as a call would send them, in training's tokens."""
    renderer = Renderer(form.template, form.tokens, Masking(), bos=form.bos)
    return [renderer.prompt_ids(_conversation(text, system)) for text in PROBE_TEXTS]


def require_same_tokens(form: ChatFormat, gguf: Path, system: str | None) -> int:
    """Check that llama.cpp renders and counts as training did.

    Returns:
        How many prompts were compared.

    Raises:
        ModelError: It does not; the message names the probe.
    """
    ours = probe_prompts(form, system)
    with _loaded(gguf, vocab_only=True) as model:
        add_bos = bool(llama_cpp.llama_vocab_get_add_bos(model._model.vocab))
        template = model.metadata.get("tokenizer.chat_template")
        if template is not None and template != form.source:
            raise ModelError(
                f"{gguf.name} carries another chat template than training used; "
                "the export is refused"
            )
        for number, (text, ids) in enumerate(zip(PROBE_TEXTS, ours, strict=True)):
            rendered = form.template.render(_conversation(text, system))
            theirs = model.tokenize(rendered.encode(), add_bos=False, special=True)
            if add_bos and theirs[:1] != [model.token_bos()]:
                theirs.insert(0, model.token_bos())
            if theirs != ids:
                raise ModelError(
                    f"llama.cpp counts probe {number} ({text!r}) otherwise than training did: "
                    f"{len(theirs)} tokens, not {len(ids)}; the export is refused"
                )
    return len(ours)


def require_same_answers(
    gguf: Path,
    kind: Quantisation,
    probes: Sequence[tuple[Sequence[int], NDArray[np.float32]]],
) -> float:
    """Check that a GGUF answers as the merged model did.

    Args:
        gguf: File to check.
        kind: Decides the limit.
        probes: Prompts, and the logits that followed them.

    Returns:
        Mean divergence in nats.

    Raises:
        ModelError: It is above the limit.
    """
    longest = max(len(ids) for ids, _ in probes)
    with _loaded(gguf, n_ctx=longest + 8, logits_all=True) as model:
        found = [divergence(logits, next_logits(model, ids)) for ids, logits in probes]
    mean = float(np.mean(found))
    if not mean <= DIVERGENCE_LIMITS[kind]:
        raise ModelError(
            f"{gguf.name} answers otherwise than the merged model: {mean:.3g} nats, more than "
            f"{DIVERGENCE_LIMITS[kind]:g}; the export is refused"
        )
    return mean


def next_logits(model: llama_cpp.Llama, ids: Sequence[int]) -> NDArray[np.float32]:
    """Logits of what follows a prompt: float32, shape (vocabulary,)."""
    model.n_tokens = 0  # begin anew
    model.eval(list(ids))
    return np.array(model.scores[len(ids) - 1], np.float32)


def divergence(reference: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Kullback-Leibler divergence in nats of one distribution of logits from another."""
    one, two = _log_softmax(reference), _log_softmax(other)
    return float(np.sum(np.exp(one) * (one - two)))


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = logits.astype(np.float64)
    wide = wide - wide.max()
    shifted: NDArray[np.float64] = wide - np.log(np.exp(wide).sum())
    return shifted


def _conversation(text: str, system: str | None) -> list[Message]:
    head = [Message("system", system)] if system else []
    return [*head, Message("user", "在嗎"), Message("assistant", "在。"), Message("user", text)]


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _say_nothing(level: int, text: bytes, data: Any) -> None:
    """llama.cpp tells of every weight it writes."""


def silence() -> None:
    """Keep llama.cpp from writing to stderr, in all of this process."""
    llama_cpp.llama_log_set(_say_nothing, ctypes.c_void_p(0))


@contextlib.contextmanager
def _loaded(gguf: Path, **options: Any) -> Iterator[llama_cpp.Llama]:
    silence()
    try:
        model = llama_cpp.Llama(str(gguf), verbose=False, n_threads=2, **options)
    except ValueError as error:
        raise ModelError(f"llama.cpp cannot load {gguf.name}") from error
    try:
        yield model
    finally:
        model.close()

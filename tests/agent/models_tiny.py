"""A model and an adapter of a few kilobytes, in the form of real ones."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

from pipeline.llm.native import DecodeResult, Entry, Runtime, RuntimeOptions

MANIFEST = """
[[models]]
name = "small"
role = "llm"
languages = ["en"]
licence = "MIT"
allows = "Any use."
about = "A test."
entry = "model.gguf"
files = [{{ path = "model.gguf", size_bytes = {size_bytes}, sha256 = "{sha256}" }}]
hub = {{ repository = "someone/small", revision = "{revision}" }}
requantise = "q4_0"
"""
ALPHA, RANK = 6.0, 4
ADAPTED = "blk.0.attn_q.weight"
UNPACKED = "blk.0.ffn_down.weight"  # adapted, and not quantised
EMBEDDING = "token_embd.weight"
SHAPES = {EMBEDDING: (48, 64), ADAPTED: (32, 64), UNPACKED: (64, 96)}


def weights(seed: int, *shape: int) -> npt.NDArray[np.float32]:
    """Numbers about as large as those of a network."""
    return np.random.default_rng(seed).normal(0, 0.05, shape).astype(np.float32)


def write_model(path: Path, architecture: str = "qwen2") -> Path:
    """A model: two tensors as Q8_0, one as F16, a norm as F32, and every kind of metadata."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("Tiny")
    writer.add_uint32(f"{architecture}.block_count", 1)
    writer.add_float32(f"{architecture}.rope.freq_base", 10000.0)
    writer.add_bool("tokenizer.ggml.add_bos_token", False)
    writer.add_array("tokenizer.ggml.tokens", ["<|im_end|>", "听", "a"])
    writer.add_array("tokenizer.ggml.scores", [0.0, 0.5, 1.0])
    q8 = gguf.GGMLQuantizationType.Q8_0
    for seed, name in enumerate((EMBEDDING, ADAPTED)):
        packed = gguf.quants.quantize(weights(seed, *SHAPES[name]), q8)
        writer.add_tensor(name, packed, raw_dtype=q8)
    writer.add_tensor(UNPACKED, weights(2, *SHAPES[UNPACKED]).astype(np.float16))
    writer.add_tensor("blk.0.attn_norm.weight", weights(3, 64))
    return _write(writer, path)


def write_adapter(
    path: Path,
    *,
    architecture: str = "qwen2",
    alpha: float | None = ALPHA,
    names: tuple[str, ...] = (ADAPTED, UNPACKED),
    halves: tuple[str, ...] = ("lora_a", "lora_b"),
    inputs: int | None = None,
    times: float = 1.0,
) -> Path:
    """An adapter of the model.

    Args:
        path: File to write.
        architecture: What it was made for.
        alpha: None leaves it out.
        names: Tensors it changes.
        halves: Which it has of each pair.
        inputs: Columns of A, if not the model's.
        times: What its weights are multiplied with.
    """
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    if alpha is not None:
        writer.add_float32("adapter.lora.alpha", alpha)
    for seed, name in enumerate(names):
        outputs, own = SHAPES.get(name, (32, 64))
        first = times * weights(10 + seed, RANK, inputs or own)
        second = weights(20 + seed, outputs, RANK)
        if name == EMBEDDING:  # as llama.cpp wants those of a tensor that is looked up
            first, second = weights(10, outputs, RANK), weights(20, own, RANK)
        for half, array in (("lora_a", first), ("lora_b", second)):
            if half in halves:
                writer.add_tensor(f"{name}.{half}", array.astype(np.float32))
    return _write(writer, path)


def furnish(home: Path) -> None:
    """Put the model `small` into a home, fetched, and into its manifest."""
    folder = home / "models" / "small"
    folder.mkdir(parents=True)
    content = write_model(folder / "model.gguf").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    entry = MANIFEST.format(size_bytes=len(content), sha256=digest, revision="0" * 40)
    (home / "manifest.toml").write_text(entry, "utf-8")


def _write(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def next_words(model: Path, adapter: Path | None) -> Any:
    """Probabilities of all tokens after a caller's turn."""
    options = RuntimeOptions(context_tokens=128, rows=1, batch_tokens=128)
    runtime = Runtime(model, adapter, 1.0, options)
    try:
        turn = "<|im_start|>user\n我跟我媽吵架了<|im_end|>\n<|im_start|>assistant\n"
        prompt = runtime.vocabulary.prompt_tokens(turn)
        last = len(prompt) - 1
        entries = [Entry(token, at, 0, at == last) for at, token in enumerate(prompt)]
        assert runtime.decode(entries, 1) is DecodeResult.DONE
        logits = runtime.logits(last).astype(np.float64)
        likely = np.exp(logits - logits.max())
        return likely / likely.sum()
    finally:
        runtime.close()

"""A PEFT adapter becomes the GGUF adapter that computes the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from safetensors.numpy import save_file

from pipeline.errors import ConfigError, ModelMissingError
from train.export.adapter import write_adapter

HEADS, KV_HEADS, HIDDEN, LAYERS, RANK = 4, 2, 32, 2, 3
PREFIX = "base_model.model.model.layers"


def peft(folder: Path, model_type: str, **config: Any) -> tuple[Path, dict[str, np.ndarray]]:
    drawn = np.random.default_rng(1)
    weights = {}
    for layer in range(LAYERS):
        for module, rows in (
            ("self_attn.q_proj", HIDDEN),
            ("self_attn.k_proj", HIDDEN // 2),
            ("mlp.up_proj", 48),
        ):
            key = f"{PREFIX}.{layer}.{module}"
            weights[f"{key}.lora_A.weight"] = drawn.normal(size=(RANK, HIDDEN)).astype(np.float32)
            weights[f"{key}.lora_B.weight"] = drawn.normal(size=(rows, RANK)).astype(np.float32)
    folder.mkdir()
    save_file(weights, folder / "adapter_model.safetensors")
    settings = {"r": RANK, "lora_alpha": 6, **config}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    base = folder / "config.json"
    base.write_text(
        json.dumps(
            {
                "model_type": model_type,
                "num_hidden_layers": LAYERS,
                "num_attention_heads": HEADS,
                "num_key_value_heads": KV_HEADS,
            }
        )
    )
    return base, weights


def read(path: Path) -> tuple[gguf.GGUFReader, dict[str, np.ndarray]]:
    reader = gguf.GGUFReader(path)
    return reader, {tensor.name: np.array(tensor.data) for tensor in reader.tensors}


def test_names_shapes_and_scale_are_llama_cpps(tmp_path):
    """Every tensor has its place; alpha over rank is PEFT's scale."""
    base, weights = peft(tmp_path / "a", "qwen2")
    assert write_adapter(tmp_path / "a", base, tmp_path / "a.gguf", name="a") == len(weights)
    reader, tensors = read(tmp_path / "a.gguf")
    assert reader.get_field("general.type").contents() == "adapter"
    assert reader.get_field("adapter.type").contents() == "lora"
    assert reader.get_field("adapter.lora.alpha").contents() == 6
    assert set(tensors) == {
        f"blk.{layer}.{name}.weight.lora_{side}"
        for layer in range(LAYERS)
        for name in ("attn_q", "attn_k", "ffn_up")
        for side in "ab"
    }
    given = weights[f"{PREFIX}.1.self_attn.q_proj.lora_B.weight"]
    np.testing.assert_allclose(tensors["blk.1.attn_q.weight.lora_b"], given, atol=2e-3)


def test_rslora_is_folded_into_alpha(tmp_path):
    """llama.cpp divides by the rank, rsLoRA by its root."""
    base, _ = peft(tmp_path / "a", "qwen2", use_rslora=True)
    write_adapter(tmp_path / "a", base, tmp_path / "a.gguf", name="a")
    alpha = read(tmp_path / "a.gguf")[0].get_field("adapter.lora.alpha").contents()
    assert alpha / RANK == pytest.approx(6 / RANK**0.5)


def test_llama_turns_queries_and_keys_as_its_rotation_wants(tmp_path):
    """Rotation of halves in PEFT's order equals rotation of pairs in llama.cpp's."""
    base, weights = peft(tmp_path / "a", "llama")
    write_adapter(tmp_path / "a", base, tmp_path / "a.gguf", name="a")
    _, tensors = read(tmp_path / "a.gguf")
    for name, theirs, heads in (("attn_q", "q_proj", HEADS), ("attn_k", "k_proj", KV_HEADS)):
        given = weights[f"{PREFIX}.0.self_attn.{theirs}.lora_B.weight"]
        written = tensors[f"blk.0.{name}.weight.lora_b"]
        size = given.shape[0] // heads
        for row in range(given.shape[0]):
            head, place = divmod(row, size)
            half, pair = divmod(place, size // 2)
            np.testing.assert_allclose(
                written[head * size + 2 * pair + half], given[row], atol=2e-3
            )
    up = weights[f"{PREFIX}.0.mlp.up_proj.lora_B.weight"]
    np.testing.assert_allclose(tensors["blk.0.ffn_up.weight.lora_b"], up, atol=2e-3)


@pytest.mark.parametrize(
    ("model_type", "config", "reason"),
    [("qwen2", {"use_dora": True}, "merged"), ("mamba", {}, "mamba")],
)
def test_what_llama_cpp_cannot_add_is_refused(tmp_path, model_type, config, reason):
    """The message says what to do instead."""
    base, _ = peft(tmp_path / "a", model_type, **config)
    with pytest.raises(ConfigError, match=reason):
        write_adapter(tmp_path / "a", base, tmp_path / "a.gguf", name="a")
    assert not (tmp_path / "a.gguf").exists()


def test_a_folder_without_an_adapter_is_said_to_be(tmp_path):
    """The missing file is named."""
    with pytest.raises(ModelMissingError, match="adapter_config"):
        write_adapter(tmp_path, tmp_path / "config.json", tmp_path / "a.gguf", name="a")

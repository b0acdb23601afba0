"""A GGUF adapter becomes the PEFT adapter it was, or is refused with its reason."""

from __future__ import annotations

import json

import gguf
import numpy as np
import pytest
from safetensors.numpy import load_file

from pipeline.errors import ConfigError, ModelCorruptError
from tests.train.export.test_adapter import HEADS, HIDDEN, LAYERS, RANK, peft
from train.export.adapter import write_adapter
from train.export.unpack import shape_of, unpack_adapter


@pytest.mark.parametrize("model_type", ["qwen2", "llama"])
def test_packed_and_unpacked_it_is_the_same(tmp_path, model_type):
    """Names, rows and scale; the numbers are those of f16."""
    base, weights = peft(tmp_path / "a", model_type)
    write_adapter(tmp_path / "a", base, tmp_path / "a.gguf", name="a")
    (tmp_path / "out").mkdir()
    assert unpack_adapter(tmp_path / "a.gguf", base, tmp_path / "out") == len(weights)
    again = load_file(tmp_path / "out/adapter_model.safetensors")
    assert again.keys() == weights.keys()
    for name, values in again.items():
        rounded = weights[name].astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(values, rounded)
    config = json.loads((tmp_path / "out/adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"]) == (RANK, 6)
    assert config["target_modules"] == ["q_proj", "k_proj", "up_proj"]


def test_rslora_comes_back_as_plain_strength(tmp_path):
    """The file knows alpha over rank alone."""
    base, _ = peft(tmp_path / "a", "qwen2", use_rslora=True)
    write_adapter(tmp_path / "a", base, tmp_path / "a.gguf", name="a")
    shape = shape_of(tmp_path / "a.gguf", base)
    assert shape.alpha / shape.rank == pytest.approx(6 / RANK**0.5)


def test_another_architecture_is_refused(tmp_path):
    """Its layers may have the same names."""
    base, _ = peft(tmp_path / "a", "llama")
    write_adapter(tmp_path / "a", base, tmp_path / "a.gguf", name="a")
    other, _ = peft(tmp_path / "b", "qwen2")
    with pytest.raises(ConfigError, match="made for llama"):
        shape_of(tmp_path / "a.gguf", other)


def test_layers_that_the_base_lacks_are_refused(tmp_path):
    """As a larger model of the same kind has them."""
    base, _ = peft(tmp_path / "a", "qwen2")
    write_adapter(tmp_path / "a", base, tmp_path / "a.gguf", name="a")
    small = json.loads(base.read_text()) | {"num_hidden_layers": LAYERS - 1}
    base.write_text(json.dumps(small))
    with pytest.raises(ConfigError, match="does not fit the base"):
        shape_of(tmp_path / "a.gguf", base)


def test_a_wider_base_is_refused(tmp_path):
    """Its layers have the same names, and may be more."""
    base, _ = peft(tmp_path / "a", "qwen2")
    write_adapter(tmp_path / "a", base, tmp_path / "a.gguf", name="a")
    base.write_text(json.dumps(json.loads(base.read_text()) | {"hidden_size": 2 * HIDDEN}))
    with pytest.raises(ConfigError, match="another width"):
        shape_of(tmp_path / "a.gguf", base)


@pytest.mark.parametrize(
    ("kind", "sides", "why"),
    [("Q8_0", "ab", "quantised"), ("F32", "a", "half of")],
)
def test_what_is_quantised_or_half_is_refused(tmp_path, kind, sides, why):
    """A byte of a quantised matrix is no number of it."""
    base, _ = peft(tmp_path / "a", "qwen2")
    writer = gguf.GGUFWriter(tmp_path / "odd.gguf", "qwen2")
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, 6.0)
    raw_type = gguf.GGMLQuantizationType[kind]
    for side in sides:
        values = gguf.quants.quantize(np.ones((RANK, HIDDEN), np.float32), raw_type)
        writer.add_tensor(f"blk.0.attn_q.weight.lora_{side}", values, raw_dtype=raw_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ConfigError, match=why):
        shape_of(tmp_path / "odd.gguf", base)


def test_a_file_of_another_kind_is_refused(tmp_path):
    """A model is no adapter, and text is no GGUF."""
    base, _ = peft(tmp_path / "a", "qwen2")
    (tmp_path / "text.gguf").write_text("words")
    with pytest.raises(ModelCorruptError):
        shape_of(tmp_path / "text.gguf", base)
    writer = gguf.GGUFWriter(tmp_path / "model.gguf", "qwen2")
    writer.add_head_count(HEADS)
    writer.add_tensor("output.weight", np.zeros((4, 4), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ConfigError, match="no LoRA"):
        shape_of(tmp_path / "model.gguf", base)

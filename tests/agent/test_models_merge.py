"""A model with an adapter in it."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from gguf.quants import dequantize

from agent.adapter import adapter_for
from agent.config import Settings
from agent.models.merge import merge
from pipeline.errors import ModelCorruptError, ModelError
from tests.agent.models_tiny import (
    ADAPTED,
    ALPHA,
    EMBEDDING,
    RANK,
    UNPACKED,
    next_words,
    write_adapter,
    write_model,
)

F16_ERROR = 2.0**-11  # relative


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model.gguf")


def tensors(path: Path) -> dict[str, Any]:
    return {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}


def floats(tensor: Any) -> Any:
    return dequantize(tensor.data, tensor.tensor_type)


@pytest.mark.parametrize(("alpha", "scale"), [(ALPHA, ALPHA / RANK), (None, 1.0), (0.0, 1.0)])
def test_what_the_adapter_adds_is_added(
    model: Path, tmp_path: Path, alpha: float | None, scale: float
):
    """Base + scale · B·A as f16; without an alpha llama.cpp takes the product as it is."""
    adapter = write_adapter(tmp_path / "adapter.gguf", alpha=alpha)
    merge(model, adapter, tmp_path / "merged.gguf")
    base, lora, merged = map(tensors, (model, adapter, tmp_path / "merged.gguf"))
    for name in (ADAPTED, UNPACKED):
        added = lora[f"{name}.lora_b"].data @ lora[f"{name}.lora_a"].data
        expected = floats(base[name]) + scale * added
        assert merged[name].tensor_type == gguf.GGMLQuantizationType.F16
        np.testing.assert_allclose(merged[name].data, expected, rtol=F16_ERROR, atol=1e-7)


def test_an_embedding_has_its_halves_the_other_way_round(model: Path, tmp_path: Path):
    """Row t of A belongs to token t: llama.cpp looks it up."""
    adapter = write_adapter(tmp_path / "adapter.gguf", names=(EMBEDDING,))
    merge(model, adapter, tmp_path / "merged.gguf")
    base, lora, merged = map(tensors, (model, adapter, tmp_path / "merged.gguf"))
    added = lora[f"{EMBEDDING}.lora_a"].data @ lora[f"{EMBEDDING}.lora_b"].data.T
    expected = floats(base[EMBEDDING]) + ALPHA / RANK * added
    np.testing.assert_allclose(merged[EMBEDDING].data, expected, rtol=F16_ERROR, atol=1e-7)


def test_everything_else_is_left_as_it_is(model: Path, tmp_path: Path):
    """The other tensors byte for byte, in their order and type; all metadata."""
    adapter = write_adapter(tmp_path / "adapter.gguf")
    merge(model, adapter, tmp_path / "merged.gguf")
    base, merged = gguf.GGUFReader(model), gguf.GGUFReader(tmp_path / "merged.gguf")
    assert list(merged.fields) == list(base.fields)
    for name, field in base.fields.items():
        assert merged.fields[name].types == field.types
        assert merged.fields[name].contents() == field.contents()
    assert [tensor.name for tensor in merged.tensors] == [tensor.name for tensor in base.tensors]
    for one, other in zip(base.tensors, merged.tensors, strict=True):
        assert one.shape.tolist() == other.shape.tolist()
        if one.name not in (ADAPTED, UNPACKED):
            assert one.tensor_type == other.tensor_type
            assert one.data.tobytes() == other.data.tobytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "llama"}, "another model"),
        ({"names": ("blk.7.attn_q.weight",)}, "another model"),
        ({"inputs": 32}, "another model"),
        ({"halves": ("lora_a",)}, "incomplete"),
        ({"names": ()}, "incomplete"),
        ({"times": np.nan}, "infinite"),
        ({"times": 1e9}, "infinite"),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(
    model: Path, tmp_path: Path, changes: dict[str, Any], message: str
):
    """In a sentence that names it; a sum that is no number counts as one."""
    adapter = write_adapter(tmp_path / "adapter.gguf", **changes)
    with pytest.raises(ModelCorruptError, match=rf"adapter\.gguf.*{message}"):
        merge(model, adapter, tmp_path / "merged.gguf")


def test_a_file_that_is_no_adapter_is_refused(model: Path, tmp_path: Path):
    """No GGUF, a whole model, or an adapter cut short."""
    adapter = tmp_path / "adapter.gguf"
    adapter.write_bytes(b"no adapter")
    with pytest.raises(ModelCorruptError, match=r"adapter\.gguf is no GGUF"):
        merge(model, adapter, tmp_path / "merged.gguf")
    with pytest.raises(ModelCorruptError, match=r"model\.gguf is no LoRA"):
        merge(model, model, tmp_path / "merged.gguf")
    whole = write_adapter(adapter).read_bytes()
    for length in (30, 200, len(whole) - 100):
        adapter.write_bytes(whole[:length])
        with pytest.raises(ModelCorruptError, match=r"adapter\.gguf"):
            merge(model, adapter, tmp_path / "merged.gguf")


def test_a_disk_without_room_is_named_before_anything_is_written(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """With what it takes."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 9, 1))
    adapter = write_adapter(tmp_path / "adapter.gguf")
    with pytest.raises(ModelError, match="GB free"):
        merge(model, adapter, tmp_path / "merged.gguf")
    assert not (tmp_path / "merged.gguf").exists()


@pytest.mark.models
@pytest.mark.slow
def test_llama_cpp_reads_a_merged_model_as_model_and_adapter(llm_file: Path, tmp_path: Path):
    """The words that come next are as likely; those of the model by itself are not."""
    adapter = adapter_for(Settings(), "qwen2.5-coder-0.5b")
    assert adapter is not None
    merge(llm_file, adapter, tmp_path / "merged.gguf")
    beside = next_words(llm_file, adapter)
    inside = next_words(tmp_path / "merged.gguf", None)
    (tmp_path / "merged.gguf").unlink()  # a gigabyte, which pytest would keep
    bare = next_words(llm_file, None)
    assert np.abs(inside - beside).sum() < 0.1
    assert np.abs(bare - beside).sum() > 0.5

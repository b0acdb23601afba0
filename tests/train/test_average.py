"""Between an adapter and what became of it lie others; between strangers lies nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from pipeline.errors import ConfigError
from tests.train.test_earlier import finished
from train.average import average
from train.earlier import WEIGHTS, earlier_adapter
from train.export.adapter import write_adapter
from train.run_folder import RunFolder, file_sha256

LAYER = "base_model.model.model.layers.0.self_attn.q_proj.lora_{}.weight"
BASE = {
    "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_size": 8,
    "num_attention_heads": 2, "num_key_value_heads": 1, "num_hidden_layers": 1,
}  # fmt: skip


def run(tmp_path: Path, name: str, value: float, started_from: Path | None = None) -> Path:
    """A finished run whose adapter has one number everywhere."""
    base = tmp_path / "base"
    base.mkdir(exist_ok=True)
    (base / "config.json").write_text(json.dumps(BASE))
    path = finished(tmp_path / name, base)
    (path / "adapter_config.json").write_text(json.dumps({"r": 4, "lora_alpha": 8}))
    shapes = {"A": (4, 8), "B": (8, 4)}
    weights = {LAYER.format(side): np.full(shapes[side], value, np.float32) for side in "AB"}
    save_file(weights, path / WEIGHTS)
    if started_from is not None:
        folder = RunFolder.open(path)
        sha256 = file_sha256(started_from / WEIGHTS)
        update = {"started_from": str(started_from), "started_sha256": sha256}
        folder.save(folder.manifest.model_copy(update=update))
    return path


def test_each_matrix_lies_between(tmp_path):
    """As near to the later run as its share says, also where a third stood in between."""
    first = run(tmp_path, "first", 1.0)
    second = run(tmp_path, "second", 7.0, first)
    third = run(tmp_path, "third", 2.0, second)
    average(first, third, 0.25, tmp_path / "mean")
    assert (tmp_path / "mean/adapter.gguf").is_file()
    for values in load_file(tmp_path / "mean" / WEIGHTS).values():
        assert values == pytest.approx(1.25)


def test_strangers_have_no_mean(tmp_path):
    """The other way round, too: nothing is later than itself."""
    first, other = run(tmp_path, "first", 1.0), run(tmp_path, "other", 2.0)
    later = run(tmp_path, "later", 3.0, first)
    for pair in ((first, other), (other, later), (later, first), (first, first)):
        with pytest.raises(ConfigError, match="did not go on"):
            average(*pair, 0.5, tmp_path / "mean")
    assert not (tmp_path / "mean").exists()


def test_the_earlier_may_be_a_gguf(tmp_path):
    """As it is where a run goes on from a persona's adapter."""
    first = run(tmp_path, "first", 1.0)
    write_adapter(first, tmp_path / "base/config.json", tmp_path / "first.gguf", name="first")
    later = run(tmp_path, "later", 3.0, first)
    folder = RunFolder.open(later)
    sha256 = earlier_adapter(tmp_path / "first.gguf", tmp_path / "base").copy(tmp_path / "start")
    update = {"started_from": str(tmp_path / "first.gguf"), "started_sha256": sha256}
    folder.save(folder.manifest.model_copy(update=update))
    average(tmp_path / "first.gguf", later, 0.5, tmp_path / "mean")
    for values in load_file(tmp_path / "mean" / WEIGHTS).values():
        assert values == pytest.approx(2.0)
    with pytest.raises(ConfigError, match="did not go on"):
        average(run(tmp_path, "other", 1.5), later, 0.5, tmp_path / "none")


def test_a_share_beyond_the_ends_is_refused(tmp_path):
    """That is no mean."""
    first = run(tmp_path, "first", 1.0)
    with pytest.raises(ConfigError, match="0 to 1"):
        average(first, run(tmp_path, "later", 3.0, first), 1.5, tmp_path / "mean")

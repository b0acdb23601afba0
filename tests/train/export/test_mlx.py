"""An adapter of mlx-lm computes the same as the PEFT adapter made of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from pipeline.errors import ConfigError, ModelMissingError
from train.export.mlx import adopt

RANK, SCALE = 4, 20.0
LAYER = "model.layers.3.self_attn.q_proj"


def mlx(folder, kind="lora"):
    drawn = np.random.default_rng(2)
    weights = {
        f"{LAYER}.lora_a": drawn.normal(size=(16, RANK)).astype(np.float32),
        f"{LAYER}.lora_b": drawn.normal(size=(RANK, 8)).astype(np.float32),
    }
    folder.mkdir()
    save_file(weights, folder / "adapters.safetensors")
    config = {"fine_tune_type": kind, "lora_parameters": {"rank": RANK, "scale": SCALE}}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return weights


def test_both_add_the_same_to_a_layers_output(tmp_path):
    """x A B scale in mlx's order is alpha/r B A x in PEFT's."""
    theirs = mlx(tmp_path / "mlx")
    assert adopt(tmp_path / "mlx", tmp_path / "peft") == 2
    ours = load_file(tmp_path / "peft" / "adapter_model.safetensors")
    config = json.loads((tmp_path / "peft" / "adapter_config.json").read_text())
    x = np.random.default_rng(3).normal(size=16).astype(np.float32)
    wanted = SCALE * (x @ theirs[f"{LAYER}.lora_a"] @ theirs[f"{LAYER}.lora_b"])
    prefix = f"base_model.model.{LAYER}.lora"
    found = ours[f"{prefix}_B.weight"] @ (ours[f"{prefix}_A.weight"] @ x)
    np.testing.assert_allclose(config["lora_alpha"] / config["r"] * found, wanted, rtol=1e-4)
    assert config["target_modules"] == ["q_proj"]


def test_what_is_no_lora_is_refused(tmp_path):
    """DoRA has magnitudes that PEFT keeps elsewhere; an empty folder has nothing."""
    mlx(tmp_path / "mlx", kind="dora")
    with pytest.raises(ConfigError, match="dora"):
        adopt(tmp_path / "mlx", tmp_path / "peft")
    with pytest.raises(ModelMissingError):
        adopt(tmp_path, tmp_path / "peft")

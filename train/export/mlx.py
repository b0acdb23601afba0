"""An adapter of mlx-lm as one of PEFT, so that it can be exported and called.

mlx keeps both matrices the other way round (`lora_a` is inputs by rank, `lora_b` rank by
outputs) and multiplies by `scale`, where PEFT multiplies by alpha over rank.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from pipeline.errors import ConfigError, ModelMissingError
from train.run_folder import write_json

_KEY = re.compile(r"(?P<layer>model\.layers\.\d+\.[\w.]+)\.lora_(?P<side>[ab])")


def adopt(folder: Path, out: Path) -> int:
    """Convert an adapter.

    Args:
        folder: Holds mlx's `adapters.safetensors` and `adapter_config.json`.
        out: Folder for PEFT's `adapter_model.safetensors` and `adapter_config.json`.

    Returns:
        Number of matrices.

    Raises:
        ModelMissingError: There is no adapter of mlx in the folder.
        ConfigError: It is a DoRA or full tuning, which has more than a LoRA's matrices.
    """
    weights_path, config_path = folder / "adapters.safetensors", folder / "adapter_config.json"
    if not (weights_path.is_file() and config_path.is_file()):
        raise ModelMissingError(f"{folder} holds no adapter of mlx-lm")
    config = json.loads(config_path.read_text("utf-8"))
    if config.get("fine_tune_type", "lora") != "lora":
        raise ConfigError(
            f"{folder} is no LoRA but {config['fine_tune_type']}; fuse it with mlx-lm"
        )
    parameters = config["lora_parameters"]
    weights, modules = {}, set()
    for key, values in load_file(weights_path).items():
        match = _KEY.fullmatch(key)
        if match is None:
            raise ConfigError(f"{key} is no part of a LoRA")
        name = f"base_model.model.{match['layer']}.lora_{match['side'].upper()}.weight"
        weights[name] = np.ascontiguousarray(values.T)
        modules.add(match["layer"].rpartition(".")[2])
    rank = int(parameters["rank"])
    out.mkdir(parents=True, exist_ok=True)
    save_file(weights, out / "adapter_model.safetensors")
    write_json(
        out / "adapter_config.json",
        {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": config.get("model"),
            "r": rank,
            "lora_alpha": float(parameters["scale"]) * rank,
            "lora_dropout": float(parameters.get("dropout", 0.0)),
            "target_modules": sorted(modules),
            "bias": "none",
            "inference_mode": True,
        },
    )
    return len(weights)

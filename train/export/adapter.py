"""A PEFT LoRA as the GGUF adapter that a call loads beside its base."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from pipeline.errors import ConfigError, ModelCorruptError, ModelMissingError
from train.export.naming import Naming

_KEY = re.compile(r"base_model\.model\.(?P<layer>.+)\.lora_(?P<side>[AB])\.weight")


def write_adapter(peft_folder: Path, base_config: Path, out: Path, *, name: str) -> int:
    """Convert an adapter.

    Args:
        peft_folder: Holds `adapter_config.json` and `adapter_model.safetensors`.
        base_config: `config.json` of the base.
        out: GGUF file to write; replaced only when the new one is whole.
        name: What the adapter is called in its header.

    Returns:
        Number of tensors written.

    Raises:
        ModelMissingError: There is no adapter in the folder.
        ModelCorruptError: It holds what is no LoRA.
        ConfigError: It is of a kind that llama.cpp cannot add to a base (DoRA, embeddings),
            and must be merged instead.
    """
    config, weights = _read(peft_folder)
    if config.get("use_dora"):
        raise ConfigError("a DoRA cannot be an adapter of llama.cpp; export the merged model")
    naming = Naming(json.loads(base_config.read_text("utf-8")))
    rank = int(config["r"])
    scale = float(config["lora_alpha"]) / (rank**0.5 if config.get("use_rslora") else rank)
    unfinished = out.with_name(f".{out.name}.part")
    writer = gguf.GGUFWriter(unfinished, naming.architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    # llama.cpp divides by the rank, so this folds rsLoRA's own scale in.
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, scale * rank)
    writer.add_name(name)
    for key, weight in sorted(weights.items()):
        match = _KEY.fullmatch(key)
        if match is None:
            raise ConfigError(f"{key} cannot be part of an adapter; export the merged model")
        layer, side = match["layer"], match["side"]
        values = weight.astype(np.float32)
        if side == "B":
            values = naming.laid_out(layer, values)
        writer.add_tensor(
            f"{naming.gguf_name(layer)}.weight.lora_{side.lower()}",
            np.ascontiguousarray(values.astype(np.float16)),
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    unfinished.replace(out)
    return len(weights)


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    config, weights = folder / "adapter_config.json", folder / "adapter_model.safetensors"
    for path in (config, weights):
        if not path.is_file():
            raise ModelMissingError(f"{folder} holds no adapter: {path.name} is missing")
    try:
        return json.loads(config.read_text("utf-8")), load_file(weights)
    except Exception as error:  # safetensors raises an error of its own, without a public name
        raise ModelCorruptError(f"{folder} holds no readable adapter: {error}") from error

"""A GGUF adapter as one of PEFT, so that a run can go on from what a call is tuned with."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

from pipeline.errors import ConfigError
from train.export.naming import Naming
from train.gguf_file import GgufFile
from train.recipe import PROJECTIONS
from train.run_folder import write_json

_TYPES = (gguf.GGMLQuantizationType.F16, gguf.GGMLQuantizationType.F32)
_FROM_HIDDEN = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj")
_NAME = re.compile(r"(?P<layer>.+)\.weight\.lora_(?P<side>[ab])")


@dataclass(frozen=True, slots=True)
class AdapterShape:
    """What the file says of itself.

    Attributes:
        rank: Of every matrix.
        alpha: Strength; the sum of the two matrices counts alpha / rank.
        targets: Which layers have one, by transformers' names and in the order of `PROJECTIONS`.
    """

    rank: int
    alpha: float
    targets: tuple[str, ...]


def shape_of(file: Path, base_config: Path) -> AdapterShape:
    """Read what kind of adapter it is.

    Args:
        file: GGUF adapter.
        base_config: `config.json` of the base.

    Raises:
        ModelCorruptError: It is no GGUF.
        ConfigError: It is no LoRA on the layers of such a base, its ranks differ, or it is
            quantised.
    """
    adapter = _opened(file)
    layers = _layers(file, adapter, base_config)
    ranks = {
        int(tensor.shape[1])  # GGUF counts the columns first
        for tensor in adapter.reader.tensors
        if tensor.name.endswith(".lora_a")
    }
    if len(ranks) != 1:
        raise ConfigError(f"{file} has layers of several ranks, which a run cannot go on from")
    targets = {layer.rpartition(".")[2] for layer in layers.values()}
    return AdapterShape(
        rank=ranks.pop(),
        alpha=float(adapter.value(gguf.Keys.Adapter.LORA_ALPHA)),
        targets=tuple(name for name in PROJECTIONS if name in targets),
    )


def unpack_adapter(file: Path, base_config: Path, out: Path) -> int:
    """Write PEFT's `adapter_config.json` and `adapter_model.safetensors` to `out`.

    Args:
        file: GGUF adapter, as `write_adapter` writes it: f16 or f32.
        base_config: `config.json` of the base.
        out: Folder, which is there.

    Returns:
        Number of matrices.

    Raises:
        ModelCorruptError: It is no GGUF.
        ConfigError: It is no LoRA on the layers of such a base.
    """
    from safetensors.numpy import save_file

    shape = shape_of(file, base_config)
    adapter = _opened(file)
    layers = _layers(file, adapter, base_config)
    naming = Naming(json.loads(base_config.read_text("utf-8")))
    weights = {}
    for tensor in adapter.reader.tensors:
        match = _NAME.fullmatch(tensor.name)
        assert match is not None  # `_layers` has refused others
        layer, side = layers[match["layer"]], match["side"]
        values = np.asarray(tensor.data, np.float32)
        if side == "b":
            values = naming.taken_back(layer, values)
        weights[f"base_model.model.{layer}.lora_{side.upper()}.weight"] = np.ascontiguousarray(
            values
        )
    save_file(weights, out / "adapter_model.safetensors")
    write_json(
        out / "adapter_config.json",
        {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "r": shape.rank,
            "lora_alpha": shape.alpha,
            "lora_dropout": 0.0,
            "target_modules": list(shape.targets),
            "bias": "none",
            "inference_mode": True,
        },
    )
    return len(weights)


def _opened(file: Path) -> GgufFile:
    adapter = GgufFile(file)
    if adapter.value(gguf.Keys.Adapter.TYPE, "none") != "lora":
        raise ConfigError(f"{file} is no LoRA adapter")
    return adapter


def _layers(file: Path, adapter: GgufFile, base_config: Path) -> dict[str, str]:
    """Names of the tuned layers, GGUF's to transformers'.

    Raises:
        ConfigError: A tensor belongs to none of the base, or to one that no run tunes.
    """
    config = json.loads(base_config.read_text("utf-8"))
    naming = Naming(config)
    if adapter.architecture != naming.architecture:
        raise ConfigError(
            f"{file} is made for {adapter.architecture}, the base is {naming.architecture}"
        )
    known = _tunable(naming, range(int(config["num_hidden_layers"])))
    found: dict[str, str] = {}
    sides: dict[str, set[str]] = {}
    for tensor in adapter.reader.tensors:
        match = _NAME.fullmatch(tensor.name)
        if match is None or match["layer"] not in known:
            raise ConfigError(f"{file} does not fit the base: it has no {tensor.name}")
        if tensor.tensor_type not in _TYPES:
            raise ConfigError(f"{file} is quantised; a run goes on from f16 or f32")
        layer = known[match["layer"]]
        from_hidden = match["side"] == "a" and layer.endswith(_FROM_HIDDEN)
        if from_hidden and int(tensor.shape[0]) != config.get("hidden_size", tensor.shape[0]):
            raise ConfigError(f"{file} does not fit the base: {tensor.name} has another width")
        found[match["layer"]] = layer
        sides.setdefault(layer, set()).add(match["side"])
    if odd := [layer for layer, of in sides.items() if of != {"a", "b"}]:
        raise ConfigError(f"{file} has half of {odd[0]} only")
    return found


def _tunable(naming: Naming, layers: Sequence[int]) -> dict[str, str]:
    parts = {
        **dict.fromkeys(PROJECTIONS[:4], "self_attn"),
        **dict.fromkeys(PROJECTIONS[4:], "mlp"),
    }
    names = [f"model.layers.{layer}.{parts[name]}.{name}" for layer in layers for name in parts]
    return {naming.gguf_name(name): name for name in names}

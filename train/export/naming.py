"""How weights are called and laid out in GGUF files."""

from __future__ import annotations

from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ConfigError

# Architectures of GGUF by the `model_type` of transformers.
ARCHITECTURES = {
    "llama": "llama",
    "mistral": "llama",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
}
# llama.cpp rotates neighbouring pairs where transformers rotates halves, so the rows of
# these projections change places; Qwen is rotated in halves by both.
_ROTATED_IN_PAIRS = {"llama"}


class Naming:
    """Names of one model's weights.

    Args:
        config: `config.json` of the model.

    Raises:
        ConfigError: The architecture is not one that we can write.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        kind = str(config.get("model_type"))
        if kind not in ARCHITECTURES:
            raise ConfigError(
                f"models of the kind {kind} cannot be written as GGUF here, only "
                f"{', '.join(ARCHITECTURES)}; their safetensors can be exported"
            )
        self.architecture = ARCHITECTURES[kind]
        self._heads = int(config["num_attention_heads"])
        self._kv_heads = int(config.get("num_key_value_heads") or self._heads)
        enum = next(key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == self.architecture)
        self._names = gguf.get_tensor_name_map(enum, int(config["num_hidden_layers"]))

    def gguf_name(self, name: str) -> str:
        """Name in the GGUF of a weight or a layer of the transformers model.

        Raises:
            ConfigError: The GGUF of this architecture has no such weight.
        """
        found: str | None = self._names.get_name(name, try_suffixes=(".weight", ".bias"))
        if found is None:
            raise ConfigError(f"{self.architecture} has no place for {name}")
        return found

    def laid_out(self, name: str, weight: NDArray[Any]) -> NDArray[Any]:
        """`weight` with its rows in the order of llama.cpp.

        Args:
            name: Its name in transformers.
            weight: Any dtype, shape (rows,) or (rows, columns); rows are the layer's outputs.
        """
        heads = self._rotated(name)
        return weight if heads is None else _exchanged(weight, (heads, 2, -1))

    def taken_back(self, name: str, weight: NDArray[Any]) -> NDArray[Any]:
        """`weight` with its rows in the order of transformers: what `laid_out` began with."""
        heads = self._rotated(name)
        return weight if heads is None else _exchanged(weight, (heads, -1, 2))

    def _rotated(self, name: str) -> int | None:
        """How many heads llama.cpp rotates in pairs there; None where the rows keep their order."""
        if self.architecture not in _ROTATED_IN_PAIRS:
            return None
        if ".q_proj" in name:
            return self._heads
        return self._kv_heads if ".k_proj" in name else None


def _exchanged(weight: NDArray[Any], rows: tuple[int, int, int]) -> NDArray[Any]:
    """`weight` whose rows, seen as an array of shape `rows`, have the last two axes exchanged."""
    parts = weight.reshape(*rows, *weight.shape[1:])
    return np.ascontiguousarray(parts.swapaxes(1, 2).reshape(weight.shape))

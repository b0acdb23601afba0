"""Adding a LoRA adapter to the weights that it was made for.

    W′ = W + scale · B·A,   scale = alpha / rank

as llama.cpp has it when it applies one at run time (`llama_adapter_lora_weight::get_scale`). The
sums are written as f16, to be quantised again; whatever the adapter leaves alone is copied.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
from gguf.quants import dequantize

from agent.models.gguf_files import (
    VOCABULARY_LAYERS,
    Replacement,
    opened,
    rewrite,
    value,
)
from pipeline.audio import FloatArray
from pipeline.errors import ModelCorruptError, ModelError

_HALVES = (".lora_a", ".lora_b")
_NOT_APPLIED = "_norm.weight"  # llama.cpp passes such a tensor of an adapter by
_EMBEDDING = "token_embd.weight"  # looked up, not multiplied: its halves lie the other way round
_F16_BYTES = 2


def merge(source: Path, adapter: Path, target: Path) -> None:
    """Write a model with an adapter in it, at the strength it was trained with.

    Goes tensor by tensor: it takes little memory, and for the 0.5B some twelve seconds and
    twice the model's size on the disk. What is left of a failure is the caller's to delete.

    Args:
        source: GGUF of the model, quantised or not.
        adapter: GGUF of the LoRA.
        target: File to write.

    Raises:
        ModelCorruptError: The adapter is none, is damaged, or belongs to another model.
        ModelError: The disk has no room, or the source is of a kind that cannot be unpacked.
        OSError: The disk refuses.
    """
    base = opened(source, "model")
    lora = _Lora.read(adapter)
    architecture = value(base, gguf.Keys.General.ARCHITECTURE)
    lora.require_fit(base, str(architecture), source.name)
    _require_room(base, lora, source, target)
    rewrite(
        base,
        target,
        {
            tensor.name: Replacement(
                tuple(int(size) for size in reversed(tensor.shape)),
                np.float16,
                None,
                partial(lora.merged, tensor, source.name),
            )
            for tensor in base.tensors
            if tensor.name in lora.pairs
        },
    )


def changes_vocabulary(adapter: Path) -> bool:
    """Whether an adapter has weights for each token; False of what is no adapter at all."""
    try:
        return any(name in _Lora.read(adapter).pairs for name in VOCABULARY_LAYERS)
    except ModelCorruptError:
        return False


@dataclass(frozen=True, slots=True)
class _Lora:
    """An adapter's file.

    Attributes:
        name: Of the file.
        architecture: Of the model that it was made for.
        alpha: As in the formula; 0 where the file has none.
        pairs: A and B, by the tensor that they change.
    """

    name: str
    architecture: str
    alpha: float
    pairs: Mapping[str, tuple[Any, Any]]

    @classmethod
    def read(cls, path: Path) -> _Lora:
        """Open a file.

        Raises:
            ModelCorruptError: It is no adapter, or incomplete.
        """
        reader = opened(path, "adapter")
        kind = (value(reader, gguf.Keys.General.TYPE), value(reader, gguf.Keys.Adapter.TYPE))
        if kind != ("adapter", "lora"):
            raise ModelCorruptError(f"{path.name} is no LoRA adapter")
        tensors = {tensor.name: tensor for tensor in reader.tensors}
        halves = {name for name in tensors if not name.endswith(_NOT_APPLIED)}
        names = {name.removesuffix(half) for name in halves for half in _HALVES}
        names -= halves
        if not names or halves != {name + half for name in names for half in _HALVES}:
            raise ModelCorruptError(f"the adapter {path.name} is incomplete")
        pairs = {name: (tensors[name + _HALVES[0]], tensors[name + _HALVES[1]]) for name in names}
        alpha = float(value(reader, gguf.Keys.Adapter.LORA_ALPHA) or 0.0)
        return cls(path.name, str(value(reader, gguf.Keys.General.ARCHITECTURE)), alpha, pairs)

    def require_fit(self, base: Any, architecture: str, model: str) -> None:
        """Look at shapes alone, so that nothing is written for an adapter that does not fit.

        Raises:
            ModelCorruptError: It belongs to another model.
        """
        shapes = {t.name: tuple(int(size) for size in reversed(t.shape)) for t in base.tensors}
        fits = self.architecture == architecture and all(
            _shape(name, *pair) == shapes.get(name) for name, pair in self.pairs.items()
        )
        if not fits:
            raise ModelCorruptError(
                f"the adapter {self.name} belongs to another model than {model}"
            )

    def merged(self, tensor: Any, model: str) -> npt.NDArray[np.float16]:
        """One tensor of the model with what the adapter adds.

        Raises:
            ModelCorruptError: The sum is not finite: one of the files is damaged.
            ModelError: The model's weights cannot be unpacked.
        """
        first, second = (_unpacked(half, self.name) for half in self.pairs[tensor.name])
        rank = second.shape[-1]
        scale = self.alpha / rank if self.alpha else 1.0
        added = first @ second.T if tensor.name == _EMBEDDING else second @ first
        with np.errstate(over="ignore", invalid="ignore"):
            sums = (_unpacked(tensor, model) + scale * added).astype(np.float16)
        if not np.isfinite(sums).all():
            raise ModelCorruptError(f"the adapter {self.name} makes {tensor.name} infinite")
        return sums


def _shape(name: str, first: Any, second: Any) -> tuple[int, ...] | None:
    """Rows and columns of what a pair adds; None for halves that do not belong together.

    A file names its sizes from the innermost on: of A (inputs, rank), of B (rank, outputs).
    """
    a, b = ([int(size) for size in half.shape] for half in (first, second))
    if name == _EMBEDDING:
        return (a[1], b[1]) if len(a) == len(b) == 2 and a[0] == b[0] else None
    if len(a) != len(b) or len(a) < 2 or a[1] != b[0] or a[2:] != b[2:]:
        return None
    return (*reversed(a[2:]), b[1], a[0])


def _unpacked(tensor: Any, file: str) -> FloatArray:
    try:
        unpacked: FloatArray = dequantize(tensor.data, tensor.tensor_type)
    except NotImplementedError as error:
        kind = tensor.tensor_type.name
        raise ModelError(f"the weights of {file} cannot be unpacked: {kind}") from error
    return unpacked


def _f16_bytes(tensor: Any) -> int:
    return _F16_BYTES * math.prod(int(size) for size in tensor.shape)


def _require_room(base: Any, lora: _Lora, source: Path, target: Path) -> None:
    """Room for the target, and for what is then quantised from it: no larger than the source."""
    needed = source.stat().st_size + sum(
        _f16_bytes(tensor) if tensor.name in lora.pairs else int(tensor.data.nbytes)
        for tensor in base.tensors
    )
    free = shutil.disk_usage(target.parent).free
    if free < needed:
        raise ModelError(
            f"{target.parent} has {free / 1e9:.1f} GB free; to merge {lora.name} into "
            f"{source.name} takes {needed / 1e9:.1f} GB, most of it for a minute"
        )

"""Reading a GGUF and writing another one after it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

from pipeline.errors import ModelCorruptError

VOCABULARY_LAYERS = ("token_embd.weight", "output.weight")  # tensors with a row for each token


def opened(path: Path, what: str) -> Any:
    """A `gguf.GGUFReader`; tensors are mapped, not read.

    Args:
        path: The file.
        what: How errors call it.

    Raises:
        ModelCorruptError: It is no GGUF, or not all of one.
    """
    try:
        return gguf.GGUFReader(path)
    except (ValueError, OSError, IndexError, KeyError, OverflowError) as error:
        raise ModelCorruptError(
            f"the {what} {path.name} is no GGUF file, is cut short or damaged"
        ) from error


def value(reader: Any, key: str) -> Any:
    """One entry of the header; None without it."""
    field = reader.get_field(key)
    return None if field is None else field.contents()


@dataclass(frozen=True, slots=True)
class Replacement:
    """A tensor in another's place.

    Attributes:
        shape: As `GGUFWriter` wants it: of a packed tensor in bytes.
        dtype: Of the numbers, or bytes.
        packed: How they are packed; None for plain numbers.
        data: Makes them when it is their turn, so that one is in memory at a time.
    """

    shape: tuple[int, ...]
    dtype: npt.DTypeLike
    packed: Any
    data: Callable[[], npt.NDArray[Any]]

    @property
    def nbytes(self) -> int:
        """Their size in the file."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


def rewrite(
    base: Any,
    target: Path,
    replaced: Mapping[str, Replacement],
    changed: Mapping[str, Any] | None = None,
) -> None:
    """Write a model again. What is left of a failure is the caller's to delete.

    Args:
        base: The opened model.
        target: File to write.
        replaced: Tensors to write in the place of those of the same names.
        changed: Entries of the header that get another value of their kind.

    Raises:
        OSError: The disk refuses.
    """
    architecture = str(value(base, gguf.Keys.General.ARCHITECTURE))
    writer = gguf.GGUFWriter(target, architecture, endianess=base.endianess)
    writer.data_alignment = base.alignment
    try:
        _copy_metadata(base, writer, changed or {})
        for tensor in base.tensors:
            new = replaced.get(tensor.name)
            if new is None:
                data = tensor.data
                info = (data.shape, data.dtype, data.nbytes, tensor.tensor_type)
            else:
                info = (new.shape, np.dtype(new.dtype), new.nbytes, new.packed)
            writer.add_tensor_info(tensor.name, *info)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for tensor in base.tensors:
            new = replaced.get(tensor.name)
            data = tensor.data if new is None else new.data()
            endianess = base.endianess if new is None or new.packed is not None else None
            writer.write_tensor_data(data, tensor_endianess=endianess)
    finally:
        writer.close()


def _copy_metadata(base: Any, writer: Any, changed: Mapping[str, Any]) -> None:
    for field in base.fields.values():
        # The writer has written these itself.
        if field.name == gguf.Keys.General.ARCHITECTURE or field.name.startswith("GGUF."):
            continue
        kind = field.types[0]
        contents = changed[field.name] if field.name in changed else field.contents()
        if kind == gguf.GGUFValueType.ARRAY and not contents:
            continue  # the writer refuses an empty one; leaving it out says the same
        of = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, contents, kind, sub_type=of)

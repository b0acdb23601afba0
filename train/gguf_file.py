"""Reading the header of a GGUF file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import gguf

from pipeline.errors import ModelCorruptError


class GgufFile:
    """A GGUF file, mapped into memory.

    Attributes:
        path: The file.
        reader: The library's view of it, for its tensors.

    Args:
        path: File to read.

    Raises:
        ModelCorruptError: It is no GGUF, or cut short.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.reader = gguf.GGUFReader(path)
        except (ValueError, OSError, IndexError, KeyError) as error:
            raise ModelCorruptError(f"{path} is no GGUF file, or cut short") from error

    @property
    def architecture(self) -> str:
        """Such as `llama` or `qwen2`."""
        return str(self.value("general.architecture"))

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(math.prod(int(size) for size in t.shape) for t in self.reader.tensors)

    def value(self, name: str, default: Any = None) -> Any:
        """One entry of the header.

        Raises:
            ModelCorruptError: It is not there and there is no default.
        """
        field = self.reader.get_field(name)
        if field is not None:
            return field.contents()
        if default is None:
            raise ModelCorruptError(f"{self.path.name} does not say {name}")
        return default

    def of_architecture(self, name: str, default: Any = None) -> Any:
        """`value` of an entry named after the architecture, as `llama.block_count`."""
        return self.value(f"{self.architecture}.{name}", default)

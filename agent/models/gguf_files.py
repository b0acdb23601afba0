"""Reading a GGUF and writing another one after it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf

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


def copy_metadata(base: Any, writer: Any, changed: Mapping[str, Any] | None = None) -> None:
    """Write the header's entries again, those in `changed` with another value of their kind."""
    changed = changed or {}
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

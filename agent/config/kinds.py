"""Kinds of values that several sections share, and how a person may write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

T = TypeVar("T")


def _listed(value: Any) -> Any:
    """Split what a flag or the environment, which know no lists, gives as one text."""
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith("["):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    try:
        return tuple(json.loads(value))
    except json.JSONDecodeError as error:
        raise ValueError('write a list as a,b or as ["a", "b"]') from error


Listed: TypeAlias = Annotated[tuple[T, ...], BeforeValidator(_listed), NoDecode]
"""Any number of values: a list in TOML, elsewhere `a,b` or JSON; nothing at all, or [], is none."""


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:  # `~somebody`
        raise ValueError(f"{path.parts[0]} is nobody's home here") from error


UserPath: TypeAlias = Annotated[Path, AfterValidator(_expanded)]
"""A place on this machine; `~` is the home folder, which only a shell would have known."""

"""Kinds of values that several sections share, and how a person may write them."""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import BeforeValidator
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

"""The caller's words in the characters of the caller's page.

The recogniser writes one script for the whole process, because the language model reads
better in one; a page in the other is converted character by character on the way out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from opencc import OpenCC

_OPENCC_CONFIG = {"zh-Hant": "s2tw", "zh-Hans": "t2s"}


@cache
def script_of(locale: str | None) -> Callable[[str], str]:
    """A function that brings text into the script of `locale`; unknown ones change nothing."""
    config = _OPENCC_CONFIG.get(locale or "")
    if config is None:
        return str
    convert: Callable[[str], str] = OpenCC(config).convert
    return convert

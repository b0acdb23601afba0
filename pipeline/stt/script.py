"""One way of writing: Whisper mixes Simplified and Traditional, spaces and commas, at will."""

from __future__ import annotations

import re
from collections.abc import Callable

from opencc import OpenCC

from pipeline.stt.base import Script
from pipeline.text import Unit, units

# s2tw changes characters to Taiwan's standard and leaves words alone. s2twp would also
# swap vocabulary (软件 becomes 軟體): a transcript keeps the words that were said.
_OPENCC_CONFIG = {"simplified": "t2s", "traditional": "s2tw"}

_HALF, _FULL = ",?!;:", "，？！；："  # not the full stop: it may belong to a number
_TO_FULL_WIDTH = str.maketrans(_HALF, _FULL)
_TO_HALF_WIDTH = str.maketrans(_FULL, _HALF)
_HALF_WIDTH_MARKS = re.compile(r"\s*[,?!;:]\s*")


class ScriptNormaliser:
    """Brings transcripts into one script and punctuation; safe to share by threads."""

    def __init__(self, script: Script) -> None:
        config = _OPENCC_CONFIG.get(script)
        self._convert: Callable[[str], str] = OpenCC(config).convert if config else str

    def __call__(self, text: str) -> str:
        """`text` in the configured script, tidied."""
        return tidy(self._convert(text))


def tidy(text: str) -> str:
    """Punctuate between CJK characters as Chinese does.

    Half-width marks become full-width, and a space, which is how Whisper writes a pause
    in Chinese, becomes a comma. Latin text keeps its own.
    """
    text = text.strip()
    pieces: list[str] = []
    before: Unit | None = None
    position = 0
    for unit in units(text):
        pieces.append(_gap(text[position : unit.start], before, unit))
        pieces.append(unit.text)
        before, position = unit, unit.end
    pieces.append(_gap(text[position:], before, None))
    return "".join(pieces)


def _gap(gap: str, before: Unit | None, after: Unit | None) -> str:
    if before is None or before.kind != "cjk":
        return gap
    if after is not None and after.kind == "cjk" and gap.isspace():
        return "，"
    return _HALF_WIDTH_MARKS.sub(lambda mark: mark.group().strip().translate(_TO_FULL_WIDTH), gap)


def as_whisper_writes(text: str) -> str:
    """The marks of `text` in half width, one token each.

    Whisper has no tokens for the full-width ones. Given a prefix with them it goes on in
    bytes and gets some wrong: 很累Ｅ什么都 for 很累，什么都.
    """
    return text.translate(_TO_HALF_WIDTH)

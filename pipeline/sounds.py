"""The sound of a text unit, coarse enough that a recogniser's usual slips make no difference.

A recogniser that hears the bot's echo writes 鸭力 for 压力 and 四 for 十. Compared by
sound, both are still the bot's words.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from pypinyin import lazy_pinyin

# Southern speakers merge these, and so does Whisper base on faint or reverberant speech.
_MERGED_INITIALS = {"zh": "z", "ch": "c", "sh": "s"}
_MERGED_FINALS = {"ing": "in", "eng": "en", "ang": "an"}


@lru_cache(maxsize=4096)  # a call's vocabulary
def sound_of(unit: str) -> str:
    """Toneless pinyin of a Chinese character, the folded form of any other unit."""
    folded = unicodedata.normalize("NFKC", unit).casefold()
    syllable: str = lazy_pinyin(folded)[0] if folded else folded
    if syllable == folded:
        return folded
    for heard, kept in _MERGED_INITIALS.items():
        if syllable.startswith(heard):
            syllable = kept + syllable.removeprefix(heard)
    for heard, kept in _MERGED_FINALS.items():
        if syllable.endswith(heard):
            syllable = syllable.removesuffix(heard) + kept
    return syllable

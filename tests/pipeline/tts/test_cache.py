"""The cache of short clauses."""

from __future__ import annotations

import numpy as np

from pipeline.tts.base import SpeechChunk, SpeechStyle
from pipeline.tts.cache import SpeechCache

STYLE = SpeechStyle()


def chunks(n_bytes: int) -> tuple[SpeechChunk, ...]:
    return (SpeechChunk(np.zeros(n_bytes // 2, np.int16), ()),)


def test_a_clause_is_found_by_text_and_style():
    """Another style is another sound."""
    cache = SpeechCache(1000, 1000)
    spoken = chunks(100)
    cache.put("嗯，", STYLE, spoken)
    assert cache.get("嗯，", STYLE) is spoken
    assert cache.get("嗯，", SpeechStyle(rate=0.9)) is None


def test_the_longest_unused_clause_makes_room():
    """A clause that was asked for stays before one that was not."""
    cache = SpeechCache(200, 200)
    cache.put("a", STYLE, chunks(100))
    cache.put("b", STYLE, chunks(100))
    cache.get("a", STYLE)
    cache.put("c", STYLE, chunks(100))
    assert cache.get("a", STYLE) is not None
    assert cache.get("b", STYLE) is None
    assert cache.size_bytes == 200


def test_long_clauses_are_not_kept():
    """They would push out many short ones and hardly recur."""
    cache = SpeechCache(1000, 100)
    cache.put("a", STYLE, chunks(102))
    assert cache.get("a", STYLE) is None


def test_putting_twice_counts_once():
    """Two threads may finish the same clause."""
    cache = SpeechCache(1000, 1000)
    cache.put("a", STYLE, chunks(100))
    cache.put("a", STYLE, chunks(100))
    assert cache.size_bytes == 100

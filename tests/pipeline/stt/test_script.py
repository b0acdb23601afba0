"""One script and one punctuation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stt.script import ScriptNormaliser, as_whisper_writes, tidy
from pipeline.text import keys


def test_simplified_and_traditional():
    """Characters follow the configured script, words stay those that were said."""
    assert ScriptNormaliser("simplified")("廣州市軟體") == "广州市软体"
    assert ScriptNormaliser("traditional")("广州的软件") == "廣州的軟件"
    assert ScriptNormaliser("as_is")("廣州软件") == "廣州软件"


@pytest.mark.parametrize(
    ("raw", "tidied"),
    [
        ("广州市 房地产", "广州市，房地产"),
        ("我累了,你呢?", "我累了，你呢？"),
        (" It was, so it seems, fine. ", "It was, so it seems, fine."),
        ("我用 Python 写", "我用 Python 写"),
        ("一共3.5元", "一共3.5元"),
        ("", ""),
    ],
)
def test_tidy(raw: str, tidied: str):
    """Marks beside Chinese characters are Chinese; Latin text keeps its own."""
    assert tidy(raw) == tidied


@given(st.text("我你, ?。.ab3"))
def test_tidy_keeps_the_words_and_is_idempotent(text: str):
    """Only punctuation changes, and only once."""
    once = tidy(text)
    assert keys(once) == keys(text)
    assert tidy(once) == once


def test_prefixes_are_given_to_whisper_in_half_width():
    """Whisper has no tokens for full-width marks."""
    assert as_whisper_writes("我累，你呢？") == "我累,你呢?"

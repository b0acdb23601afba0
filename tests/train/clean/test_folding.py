"""Digits in all their clothes, and places that still fit the text they came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.clean.folding import fold, span_in


@pytest.mark.parametrize(
    "text",
    [
        "13800138000",
        "１３８００１３８０００",
        "①③⑧⓪⓪①③⑧⓪⓪⓪",
        "1\u200b38001\u200d38000",
        "١٣٨٠٠١٣٨٠٠٠",
        "一三八零零一三八零零零",
        "幺三八洞洞幺三八〇〇〇",
        "壹參捌零零壹參捌零零零",
        "𝟏𝟑𝟖𝟎𝟎𝟏𝟑𝟖𝟎𝟎𝟎",
    ],
)
def test_every_way_of_writing_a_number_is_read(text):
    """Full width, circled, keycaps, other scripts, numerals plain and financial."""
    assert fold(text)[0] == "13800138000"


@pytest.mark.parametrize("text", ["一五一十", "一九八四年", "三三两两", "第一百二十三页"])
def test_few_numerals_count_things(text):
    """Fewer than seven in a row stay as they are."""
    assert fold(text) == (text, None)


@given(st.text(st.sampled_from("1３三\u200b\ufe0f\u20e3 —中a"), min_size=1, max_size=30))
def test_a_place_in_the_folded_text_is_a_place_in_the_text(text):
    """Folding a stretch of the text gives that stretch of the folded text, invisibles aside."""
    plain, positions = fold(text)
    if plain:
        start, end = span_in(text, 0, len(plain), positions)
        assert 0 <= start < end <= len(text)
        assert len(fold(text[start:end])[0]) == len(plain)
    assert positions is None or len(positions) == len(plain)


def test_a_keycap_is_taken_whole():
    """What is left of a masked 1️⃣ is nothing."""
    text = "1️⃣2️⃣"
    plain, positions = fold(text)
    assert plain == "12"
    assert span_in(text, 1, 2, positions) == (3, 6)

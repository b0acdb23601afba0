"""The readings our own rules add."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tts.mandarin_rules import cardinal, digit_by_digit, read_by_rule


@pytest.mark.parametrize(
    ("number", "spoken"),
    [
        ("2", "二"),
        ("12", "十二"),
        ("200", "两百"),
        ("2,222", "两千两百二十二"),
        ("120000", "十二万"),
        ("20000", "两万"),
        ("3.14", "三点一四"),
        ("12345678901234567890", "一二三四五六七八九零一二三四五六七八九零"),
    ],
)
def test_cardinal(number: str, spoken: str):
    """两 before 百 千 万 亿, 二 elsewhere; a number too long to be a quantity digit by digit."""
    assert cardinal(number) == spoken


def test_one_is_yao_only_where_asked():
    """Mainland telephone numbers say 幺."""
    assert digit_by_digit("10-1", yao=True) == "幺零幺"
    assert digit_by_digit("10-1") == "一零一"


@given(st.text(alphabet="打拨电话热线专线第点倍年月元个kmgNT$¥%+-:/., 0123456789", max_size=24))
def test_stretches_are_ordered_and_disjoint(text: str):
    """No character is read by two rules."""
    at = 0
    for start, end, spoken in read_by_rule(text, "mainland"):
        assert at <= start < end <= len(text)
        assert spoken
        at = end

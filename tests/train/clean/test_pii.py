"""Personal data, made up: no number here belongs to anyone."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.clean.check_digits import bank_card
from train.clean.mask import Masker, findings_in, high_risk_in
from train.clean.names import NameFinder
from train.clean.pii import find

DATA = Path(__file__).parents[2] / "data" / "pii"


def lines(name: str) -> list[str]:
    """Sentences of a file."""
    text = (DATA / name).read_text("utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


def marked(line: str) -> tuple[str, str, str]:
    """Kind, sentence, and what stands between ⟨ and ⟩ in it."""
    kind, sentence = line.split("\t")
    before, value, after = re.split("[⟨⟩]", sentence)
    return kind, before + value + after, value


PERSONAL = [marked(line) for line in lines("personal.txt")]
HARMLESS = lines("harmless.txt")


@pytest.mark.parametrize(("kind", "text", "value"), PERSONAL)
def test_personal_data_is_found_beside_chinese_characters(kind, text, value):
    """Every sentence's datum is found whole, of its kind, and nothing else in it."""
    assert [(one.kind, text[one.start : one.end]) for one in find(text)] == [(kind, value)]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_it_is_not_found(text):
    """Order numbers, versions, hotlines, numbers of no province and prices pass."""
    assert find(text) == []


_CARDS = (  # first digits, length, and the groups it is printed in
    ("4", 16, (4, 4, 4, 4)),
    ("53", 16, (4, 4, 4, 4)),
    ("62", 16, (4, 4, 4, 4)),
    ("62", 19, (4, 4, 4, 4, 3)),
    ("37", 15, (4, 6, 5)),
    ("36", 14, (4, 6, 4)),
)


@st.composite
def cards(draw):
    """A card's number that passes Luhn's sum, with the same gap between its groups."""
    begin, length, groups = draw(st.sampled_from(_CARDS))
    gap = draw(st.sampled_from(["", " ", "-", "."]))
    rest = draw(st.text("0123456789", min_size=length - 1, max_size=length - 1))
    body = begin + rest[len(begin) :]
    number = next(body + last for last in "0123456789" if bank_card(body + last))
    ends = [*itertools.accumulate(groups)]
    return gap.join(number[end - size : end] for size, end in zip(groups, ends, strict=True))


@given(
    cards(),
    st.sampled_from(["", "3 ", "2024 ", "12/27 ", "visa ", "visa-", "你先用这张 "]),
    st.sampled_from(["", " 12/27", " 09/28 666", " 1227", "-12/27", " 123", " 12 27付吧"]),
)
def test_a_card_is_found_whatever_is_written_beside_it(card, before, after):
    """Expiry, the digits on the back and other numbers do not hide it from the last look."""
    text = before + card + after
    start, end = len(before), len(before) + len(card)
    covered = {at for one in high_risk_in(text) for at in range(one.start, one.end)}
    assert covered >= set(range(start, end))


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("visa 4111 1111 1111 1111 12/27", "4111 1111 1111 1111"),
        ("4000 6200 0000 0007 1227", "4000 6200 0000 0007"),
        ("4539148803436467 09/28 666", "4539148803436467"),
        ("3782 822463 10005 04/29", "3782 822463 10005"),
        ("6228 4800 1234 5678 919 09/27", "6228 4800 1234 5678 919"),
    ],
)
def test_the_expiry_of_a_card_is_no_part_of_it(text, card):
    """What is found is the number."""
    assert [(one.kind, text[one.start : one.end]) for one in find(text)] == [("bank_card", card)]


@pytest.mark.parametrize(
    "text", ["单号 4539 1488 0343 6468 12/27", "0.4111111111111112", "5678 138 1234 5679"]
)
def test_digits_in_groups_that_fail_the_sum_are_no_card(text):
    """However many places are tried."""
    assert "bank_card" not in [one.kind for one in find(text)]


def test_help_lines_stay():
    """A persona tuned on cleaned dialogues can still name every number that calls offer."""
    path = Path(__file__).parents[3] / "agent" / "safety" / "hotlines.toml"
    numbers = [line["number"] for line in tomllib.loads(path.read_text("utf-8"))["lines"]]
    assert len(numbers) > 10
    for number in numbers:
        assert find(f"请拨打{number}。") == find(f"please call {number} now") == []


@pytest.mark.parametrize("style", ["placeholder", "surrogate"])
@pytest.mark.parametrize(("kind", "text", "value"), PERSONAL)
def test_masking_leaves_nothing_to_mask(style, kind, text, value):
    """The value is gone, the rest of the text is there, and a second pass finds nothing high."""
    masker = Masker(style=style)
    masked = masker.mask(text)
    before, after = text.split(value)
    assert value not in masked
    assert masked.startswith(before)
    assert masked.endswith(after)
    assert masker.masked == {kind: 1}
    assert high_risk_in(masked) == []


@pytest.mark.parametrize(
    "text",
    [
        "my api key is sk-abcDEF1234567890abcdef1234567890abcdef12",
        "密码：CorrectHorseBatteryStapleIsLongerThan32Chars99",
        "token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcDEF123456",
    ],
)
@pytest.mark.parametrize("style", ["placeholder", "surrogate"])
def test_nothing_of_a_long_secret_is_left(style, text):
    """However long it is; what stands for it is no finding either."""
    masked = Masker(style=style).mask(text)
    assert not re.search(r"[A-Za-z0-9]{8}\d|abcdef12|123456|99", masked)
    assert not high_risk_in(masked)


def test_a_number_in_other_digits_is_the_same_number():
    """Full width and Chinese numerals, as recognisers and phones write them."""
    masked = Masker().mask("13812345678，１３８１２３４５６７８，一三八一二三四五六七八")
    assert masked == "⟦PHONE_1⟧，⟦PHONE_1⟧，⟦PHONE_1⟧"


def test_the_same_value_has_the_same_placeholder():
    """A number is one number however it is written; another gets another placeholder."""
    masker = Masker()
    assert masker.mask("13812345678或+86 138-1234-5678") == "⟦PHONE_1⟧或⟦PHONE_1⟧"
    assert masker.mask("不是13812345679") == "不是⟦PHONE_2⟧"


@given(st.text(st.sampled_from("电话13800 [委屈]😀(≧▽≦)密码abc@.号路"), max_size=40))
def test_findings_lie_in_the_text_in_order(text):
    """Findings never overlap, whatever the text; what is outside them is kept byte for byte."""
    found = findings_in(text)
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert all(one.end <= other.start for one, other in itertools.pairwise(found))
    kept = re.split("⟦[A-Z_]+_[0-9]+⟧", Masker().mask(text))
    assert sum(map(len, kept)) == len(text) - sum(one.end - one.start for one in found)


def test_text_without_findings_is_the_same_object():
    """Stickers, kaomoji and emoji pass untouched."""
    text = "好耶[脱单doge]😀(≧▽≦)"
    assert Masker(NameFinder(["阿蓝"])).mask(text) is text

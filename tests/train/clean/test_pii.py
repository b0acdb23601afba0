"""Personal data, made up: no number here belongs to anyone."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.clean.mask import Masker, findings_in, high_risk_in
from train.clean.names import NameFinder
from train.clean.pii import find

PERSONAL = [
    ("phone", "我电话13812345678你记下", "13812345678"),
    ("phone", "手機０９１２３４５６７８喔", "０９１２３４５６７８"),
    ("phone", "打給我0912-345-678吧", "0912-345-678"),
    ("phone", "一三八一二三四五六七八是我号码", "一三八一二三四五六七八"),
    ("phone", "138\u200b1234\u200b5678", "138\u200b1234\u200b5678"),
    ("phone", "国外打+86 138 1234 5678", "+86 138 1234 5678"),
    ("phone", "公司(02)2345-6789找我", "(02)2345-6789"),
    ("phone", "家里010-12345678没人接", "010-12345678"),
    ("phone", "香港+852 9123 4567", "+852 9123 4567"),
    ("phone", "call me at 415-555-2671 ok", "415-555-2671"),
    ("phone", "打(+886)912345678", "(+886)912345678"),
    ("address", "寄到香港九龍彌敦道123號8樓", "香港九龍彌敦道123號8樓"),
    ("account", "加我賴：abc_123", "abc_123"),
    ("secret", "token=abcdefg12345", "abcdefg12345"),
    ("id_card", "my SSN is 123-45-6789 ok", "123-45-6789"),
    ("id_card", "身份证11010519491231002X对吗", "11010519491231002X"),
    ("id_card", "身分證A123456789給你", "A123456789"),
    ("id_card", "我的是AB987654(3)啦", "AB987654(3)"),
    ("id_card", "身份证号：110105194912310021", "110105194912310021"),
    ("bank_card", "卡号6222021234567890128转我", "6222021234567890128"),
    ("bank_card", "银行卡号是6222021234567890123", "6222021234567890123"),
    ("bank_card", "刷4111 1111 1111 1111这张", "4111 1111 1111 1111"),
    ("email", "邮箱abc.def@qq.com哦", "abc.def@qq.com"),
    ("account", "我微信是abc_12345加我", "abc_12345"),
    ("account", "加v：hello2024", "hello2024"),
    ("account", "wxid_abcdef123456说的", "wxid_abcdef123456"),
    ("account", "我line id: blue.cat喔", "blue.cat"),
    ("account", "QQ号123456789", "123456789"),
    ("secret", "密码是abc12345别告诉别人", "abc12345"),
    ("secret", "my password: hunter2!", "hunter2!"),
    ("secret", "key是sk-abcdefghijklmnop1234", "sk-abcdefghijklmnop1234"),
    ("address", "住台北市大安區和平東路一段12號3樓", "台北市大安區和平東路一段12號3樓"),
    (
        "address",
        "我家在北京市海淀区中关村大街27号院1号楼502室",
        "北京市海淀区中关村大街27号院1号楼502室",
    ),
    ("address", "到幸福小区3栋2单元501室", "幸福小区3栋2单元501室"),
    ("address", "send it to 12 Main Street please", "12 Main Street"),
    ("plate", "车牌京A12345啊", "京A12345"),
    ("plate", "車牌ABC-1234", "ABC-1234"),
    ("url_token", "看https://a.com/x?token=abcdef这个", "https://a.com/x?token=abcdef"),
    ("ip", "连192.168.1.1试试", "192.168.1.1"),
]
HARMLESS = [
    "订单20240102123456到了",
    "版本1.2.3.4567",
    "价格1234567890123",
    "今天走了3公里路",
    "我在二號出口等你",
    "密码忘记了怎么办",
    "password please",
    "shopping2024，knowing1234",
    "我知道12號公車",
    "打1925、988或者12356",
    "0800-013-999",
    "9月12日一起吃100块的火锅",
    "我明天去那條街買3號電池",
    "第3路公交换12号线",
    "2024-01-05 12:34:56",
    "RTX-3060 和 GPT-4000",
    "A123456788",
    "110105194912310021",
    "4111 1111 1111 1112",
    "笑死[捂脸]233333333",
    "https://example.org/page?id=5",
    "",
]


@pytest.mark.parametrize(("kind", "text", "value"), PERSONAL)
def test_personal_data_is_found_beside_chinese_characters(kind, text, value):
    """Every fixture is found whole, of its kind, and nothing else in it."""
    assert [(one.kind, text[one.start : one.end]) for one in find(text)] == [(kind, value)]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_it_is_not_found(text):
    """Order numbers, versions, hotlines, wrong check digits and prices pass."""
    assert find(text) == []


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


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("我叫李小明，你好", ["李小明"]),
        ("昨天和王芳一起", ["王芳"]),
        ("請問林志玲在嗎", ["林志玲"]),
        ("阿蓝说她不来", ["阿蓝"]),
        ("My name is Mary Jones.", ["Mary Jones"]),
        ("ask blue, not blueprint", ["blue"]),
        ("安静一下，温柔一点，谢谢高兴", []),
        ("小安在听", []),
        ("妈妈说好", []),
        ("An apple", []),
    ],
)
def test_names(text, names):
    """Known names, introductions and jieba's surnames are found; words and kept names are not."""
    finder = NameFinder(["阿蓝", "blue", "小安", "妈妈", "An"], keep=["小安"])
    assert [text[one.start : one.end] for one in finder.find(text)] == names


def test_names_become_names_where_surrogates_are_wanted():
    """A surrogate name is the same person each time."""
    masker = Masker(NameFinder(["阿蓝"]), "surrogate")
    first, second = masker.mask("阿蓝来了"), masker.mask("阿蓝走了")
    assert first.removesuffix("来了") == second.removesuffix("走了") != "阿蓝"

"""Names: of senders, of those who are introduced, and those that jieba finds."""

from __future__ import annotations

import pytest

from tests.train.clean.test_cleaning import talk
from train.clean.cleaning import known_names
from train.clean.mask import Masker
from train.clean.names import NameFinder
from train.schema import write

INTRODUCED = [
    ("我叫赵铁柱", ["赵铁柱"]),
    ("我是李娜，你好", ["李娜"]),
    ("大家好，我是宋佳", ["宋佳"]),
    ("我是陳怡君", ["陳怡君"]),
    ("姓名：欧阳娜娜", ["欧阳娜娜"]),
    ("姓名:王小二 电话", ["王小二"]),
    ("联系人 刘备", ["刘备"]),
    ("收件人：何洁", ["何洁"]),
    ("收件人写李明轩", ["李明轩"]),
    ("我姓王，叫王大锤", ["王大锤"]),
    ("我的名字是诺敏", ["诺敏"]),
    ("我叫古丽", ["古丽"]),
    ("叫我小雨就好", ["小雨"]),
    ("大家都叫我阿蓉", ["阿蓉"]),
    ("我是阿明", ["阿明"]),
    ("我儿子叫小宝", ["小宝"]),
    ("我叫Lucy", ["Lucy"]),
    ("My name is Mary-Jane O'Neil", ["Mary-Jane O'Neil"]),
    ("This is Mary speaking", ["Mary"]),
]
NOT_INTRODUCED = [
    *(
        "我叫外卖了",
        "我叫他别来",
        "我叫了车",
        "我叫你别走",
        "她叫我别哭",
        "他叫什么名字",
        "他们管我叫大王",
    ),
    *("叫我怎么办", "叫我收東西", "我是他妈妈", "我是老师", "我是高中生", "我是白领", "我是黄种人"),
    *(
        "我是金牛座",
        "我是江苏人",
        "我是马上到",
        "我是高兴的",
        "我是安静的人",
        "I'm Chinese, and tired",
    ),
]
TAGGED = [
    ("跟欧阳娜娜去看电影", ["欧阳娜娜"]),
    ("赵铁柱说他不干了", ["赵铁柱"]),
    ("林建宏敬上", ["林建宏"]),
    ("周子涵妈妈来了", ["周子涵"]),
    ("陳怡君昨天請假", ["陳怡君"]),
    ("这张脸一段时间没洗了", []),
    ("陈皮好吃，章魚和高麗菜也是", []),
    ("王老师好，陈经理好", []),
]


@pytest.mark.parametrize(("text", "names"), INTRODUCED + TAGGED)
def test_names_are_found_where_they_are_said(text, names):
    """Introductions of oneself and others in both scripts, and names in running text."""
    assert [text[one.start : one.end] for one in NameFinder().find(text)] == names


@pytest.mark.parametrize("text", NOT_INTRODUCED)
def test_what_only_sounds_like_an_introduction_names_nobody(text):
    """叫 also calls a taxi, and 是 also says what one is."""
    assert NameFinder().find(text) == []


def test_one_person_has_one_placeholder():
    """In both scripts, by the given name alone, and as a contact is saved."""
    masker = Masker(NameFinder(["李晓岚", "王芳（同事）", "A建材"]))
    assert masker.mask("李晓岚和李曉嵐，晓岚也在") == "⟦NAME_1⟧和⟦NAME_1⟧，⟦NAME_1⟧也在"
    assert masker.mask("王芳来了") == "⟦NAME_2⟧来了"


def test_a_kept_name_stays_in_both_scripts():
    """A persona's own name is not personal data, whoever writes it."""
    finder = NameFinder(["小聽"], keep=["小聽"])
    assert finder.find("我叫小聽，小听在听") == []


def test_who_is_introduced_once_is_known_everywhere(tmp_path):
    """A full name from one conversation is looked for in all; a pet name rains elsewhere."""
    path = tmp_path / "in.jsonl"
    rows = [talk("我叫诺敏。我是赵铁柱", "好的"), talk("叫我小雨就好", "好", name="阿蓝")]
    write(path, rows)
    assert known_names(path) == {"赵铁柱", "阿蓝"}


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

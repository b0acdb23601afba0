"""What is left out of speech."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tts.speakable import speakable, strip_unspeakable_spans


def spoken_part(text: str) -> str:
    """`text` without its unspeakable spans."""
    kept, at = "", 0
    for span in strip_unspeakable_spans(text):
        kept += text[at : span.start]
        at = span.end
    return kept + text[at:]


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("我懂[委屈]", "我懂"),
        ("I see [Facepalm] well", "I see  well"),
        ("好的😀👍🏽", "好的"),
        ("👨‍👩‍👧一家人", "一家人"),
        ("我❤️你", "我你"),
        ("(╯°□°）╯ 算了", " 算了"),
        ("开心(^o^)/", "开心"),
        ("加油(๑•̀ㅂ•́)و", "加油و"),
        ("呜呜 T_T", "呜呜 "),
        ("好吧 >_<", "好吧 "),
        ("你好 :3", "你好 "),
        ("Hi :D", "Hi "),
        ("嘿嘿:)", "嘿嘿"),
        ("**重要**的事", "重要的事"),
        ("用 `代码` 写", "用 代码 写"),
        ("# 标题", " 标题"),
        ("- 一\n- 二", " 一\n 二"),
        ("> 引用", " 引用"),
        ("~~删掉~~", "删掉"),
        ("看https://a.example/b?c=1。好", "看a.example。好"),
        ("见 www.example.com，谢谢", "见 example.com，谢谢"),
        ("[链接](https://a.example)在此", "链接在此"),
        ("![图](a.png)", ""),
    ],
)
def test_spans_without_a_spoken_form_are_left_out(text: str, spoken: str):
    """Stickers, emoji, kaomoji, Markdown and the paths of addresses go, nothing else."""
    assert spoken_part(text) == spoken


@pytest.mark.parametrize(
    "text",
    [
        "3*4=12", "25°C", "第1（一）条", "他说（小声地）好", "a (b) c", "It's #1", "5 > 3", "3~5天",
        "「好」，是吗？", "e.g. this", "(12:30)", "50%", "well-known", "No. 5 (see p. 3)",
        "Awww. That", "a_b@c.de", "每天(2~3)次，每次（1/2）片", "上班时间（9-5）很累",
        "（２～３）", "You said (2-3) times", "(5+)", "（$5）", "（￥5）", "（5°）", "(5%)", "(-3)",
        "(A+)", "(Q&A)", "(#1)", "压力打分:3分", "时间:3点见", "选:D吧", "“压力”:3", "打分 :3 分",
        "1+2 =3",
    ],
)  # fmt: skip
def test_text_that_can_be_said_is_kept(text: str):
    """Numbers, in brackets too and after colons, degrees, asides, operators, punctuation stay."""
    assert spoken_part(text) == text


@pytest.mark.parametrize("text", ["嗯", "OK", "[哭]嗯", "3", "。好", "（笑）"])
def test_a_text_with_a_unit_is_speakable(text: str):
    """One character, word or number is enough."""
    assert speakable(text)


@pytest.mark.parametrize(
    "text", ["", " ", "……", "[委屈]", "😀😀", "**", "？！", "(>_<)", "```", "https://"]
)
def test_a_text_of_signs_alone_is_not_speakable(text: str):
    """Punctuation, stickers, emoji and marks give a voice nothing to do."""
    assert not speakable(text)


@given(st.text(max_size=60))
def test_spans_are_ordered_disjoint_and_inside(text: str):
    """For any text: 0 <= start < end <= length, and each span starts after the last one ends."""
    at = -1
    for span in strip_unspeakable_spans(text):
        assert at < span.start < span.end <= len(text)
        at = span.end

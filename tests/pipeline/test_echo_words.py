"""The bot's own words are told from the caller's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.echo_words import BotWords, after_echo, without_echo

BOT = "听起来你最近压力很大，晚上总是睡不好。你觉得是从什么时候开始的呢？"
BOT_EN = "It sounds like you have been under a lot of pressure. When did that begin?"


def test_homophones_can_be_folded_by_sound() -> None:
    """With a function that maps units to sounds, a misheard echo is still an echo."""
    same = {"是": "shi", "试": "shi", "事": "shi"}
    assert without_echo("试试看", "是事看", lambda unit: same.get(unit, unit)) == ""
    assert without_echo("试试看", "是事看") == "试试看"


@pytest.mark.parametrize(
    ("text", "bot_text", "left"),
    [
        ("", BOT, ""),
        ("我很好", "", "我很好"),
        ("晚上总是睡不好", BOT, ""),
        ("不是", "这不是你的错", ""),
        ("不是", BOT, "不是"),
        ("我觉得不是这样", "你觉得这样好吗", "我觉得不是这样"),
        ("晚上总是睡不好 等一下", BOT, "等 一 下"),
        ("等一下 晚上总是睡不好", BOT, "等 一 下"),
        ("你最近鸭力很大晚上", BOT, ""),
        ("under a lot of pressure wait", BOT_EN, "wait"),
    ],
)
def test_without_echo(text: str, bot_text: str, left: str) -> None:
    """Runs of the bot's words go, the caller's stay."""
    assert without_echo(text, bot_text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("", ""),
        ("听起来你最近，等一下，我有个问题。", "等一下，我有个问题。"),
        ("晚上总是睡不好", ""),
        ("最近鸭力很大晚上不是这样", "不是这样"),
        ("庭起来你最近等一下", "等一下"),
        ("压力大，晚上总是，停", "停"),
        ("最近真的没有什么压力很大", "最近真的没有什么压力很大"),
        ("你觉得呢", "呢"),
        ("晚上我想睡懒觉", "晚上我想睡懒觉"),
        ("等一下，晚上总是睡不好", "等一下，晚上总是睡不好"),
        ("你觉", "你觉"),
    ],
)
def test_after_echo(text: str, left: str) -> None:
    """A run at the beginning goes, with what was misheard in it; nothing behind it does."""
    assert after_echo(text, BOT) == left


def test_after_echo_compares_by_sound() -> None:
    """A homophone is the bot's word, and what is left keeps its writing."""
    same = {"京": "jing", "静": "jing"}
    sound_of = same.get
    assert (
        after_echo("平心京气，Wait.", "平心静气地坐好", lambda unit: sound_of(unit, unit))
        == "Wait."
    )


@given(
    st.text(alphabet="我你很好累吗。", max_size=30), st.text(alphabet="我你很好累吗，", max_size=30)
)
def test_after_echo_leaves_an_end_of_the_text(text: str, bot_text: str) -> None:
    """Nothing is moved or rewritten, so a partial transcript can be cut at the same place."""
    assert text.endswith(after_echo(text, bot_text))


@given(st.text(alphabet="我你很好累吗", min_size=3, max_size=30))
def test_after_echo_leaves_nothing_of_the_bots_own_text(text: str) -> None:
    """What the bot says, heard perfectly, is nothing but echo."""
    assert after_echo(text, f"嗯，{text}。") == ""


@given(st.text(alphabet="我你很好累吗", min_size=2, max_size=30))
def test_without_echo_leaves_nothing_of_the_bots_own_text(text: str) -> None:
    """What the bot says, heard perfectly, is nothing but echo."""
    assert without_echo(text, f"嗯，{text}。") == ""


def test_an_echo_that_stutters_is_nothing_but_echo() -> None:
    """A bot that is paused and goes back hears the beginning of its words twice."""
    bot = "I'm feeling refreshed.\nLet us try a small exercise together."
    assert without_echo("I'm feeling... Let us... Let us try.", bot) == ""
    assert without_echo("Let us... Let us stop.", bot) != ""
    assert without_echo("听起来你 听起来 停", BOT).endswith("停")


def test_a_sound_may_be_an_echo_of_two_replies() -> None:
    """Of the one before as far as it was heard, and only for a sound that began over it."""
    words = BotWords()
    words.note("你最近怎么样", "？还好吗")
    words.note("", "我们先做一个放松的练习。")
    words.note("我们先做", "一个放松的练习。")
    echo = "最近怎么样我们先做一个"
    assert without_echo(echo, words.in_the_room()) == ""
    words.forget_reply_before()
    assert without_echo(echo, words.in_the_room()) != ""


def test_going_back_is_no_new_reply() -> None:
    """A resume begins before the pause; what was heard is shorter then."""
    words = BotWords()
    words.note("我们先做一个", "放松的练习。")
    words.note("我们", "先做一个放松的练习。")
    assert words.in_the_room().replace("\n", "") == "我们先做一个放松的练习"


def test_what_was_said_long_ago_is_not_in_the_room() -> None:
    """Forty units back, twelve ahead."""
    words = BotWords()
    words.note("早" * 10 + "近" * 40, "后" * 30)
    room = words.in_the_room()
    assert (room.count("早"), room.count("近"), room.count("后")) == (0, 40, 12)


@pytest.mark.parametrize(
    ("heard", "upcoming", "text", "is_echo"),
    [
        ("这样好吗？", "", "吗", True),
        ("这样好吗？", "", "好吗", True),
        ("这样好吗？", "", "好", False),
        ("Is that okay?", "", "Okay.", True),
        ("Let's", " try.", "Let's", True),
        ("", "I'm feeling well.", "I-", True),
        ("I'm", " feeling well.", "I'm feel", True),
        ("", "I'm feeling well.", "well", False),
        ("我们先做一个", "放松的练习", "一个", True),
        ("我们先做一个", "放松的练习", "我们先做", False),
        ("", "", "好", False),
        ("这样好吗？", "", "", False),
    ],
)
def test_the_end_of_the_bots_voice(heard: str, upcoming: str, text: str, is_echo: bool) -> None:
    """A word or two from where it fell silent are its echo; the caller's answer is not."""
    words = BotWords()
    words.note(heard, upcoming)
    assert words.ends_with(text, str.casefold) == is_echo

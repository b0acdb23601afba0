"""What is wrong with a reply."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Locale
from agent.conversations.lint import (
    Bounds,
    Fault,
    admits_being_ai,
    faults,
    faults_in_call,
    first_clause,
    longest_common_run,
    sentences,
)

BOUNDS = Bounds(max_units=40)

GOOD: list[tuple[Locale, str]] = [
    ("zh-Hant", "三個月了，很久。晚上睡得怎麼樣？"),
    ("zh-Hans", "嗯，我在听。"),
    ("en", "Three months, that's long. How do you sleep?"),
    ("zh-Hant", "吃藥要問醫師，我不能決定。"),
    ("zh-Hans", "嗯，我不能答应绝对保密。"),
    ("zh-Hant", "這個，我沒辦法保證保密。"),
    ("zh-Hans", "嗯，这里不一定保密。"),
]
BAD: list[tuple[Locale, str, Fault]] = [
    ("zh-Hant", "……", "empty"),
    ("zh-Hans", "嗯，" + "我在听你说，" * 9, "long"),
    ("zh-Hans", "嗯。我在。你说。", "sentences"),
    ("en", "How long? And why?", "questions"),
    ("zh-Hant", "聽你說了這些以後我覺得，真累。", "first clause"),
    ("en", "1. Rest\n2. Walk", "written"),
    ("zh-Hans", "嗯，你可能得了抑郁症。", "diagnosis"),
    ("zh-Hant", "嗯，你應該離職。", "advice"),
    ("en", "Right, you could try yoga.", "advice"),
    ("zh-Hans", "嗯，别想太多。", "comfort"),
    ("en", "Sure, I won't tell anyone.", "secrecy"),
    ("zh-Hans", "嗯，我一定会保密。", "secrecy"),
    ("zh-Hant", "好，我答應絕對保密。", "secrecy"),
    ("zh-Hans", "嗯，我是真人。", "identity"),
    ("zh-Hant", "嗯，我在听。", "script"),
    ("zh-Hans", "嗯，我在聽。", "script"),
    ("zh-Hans", "Yes, go on.", "language"),
    ("en", "嗯，你说。", "language"),
]


@pytest.mark.parametrize(("locale", "reply"), GOOD)
def test_a_good_reply_has_no_fault(locale: Locale, reply: str) -> None:
    """Short, one question, taking up the caller's words."""
    assert faults(reply, locale, BOUNDS) == []


@pytest.mark.parametrize(("locale", "reply", "fault"), BAD)
def test_each_fault_is_found(locale: Locale, reply: str, fault: Fault) -> None:
    """Each by an example of its own."""
    assert fault in faults(reply, locale, BOUNDS)


def test_repetition_is_seen_within_a_call() -> None:
    """The same longer sentence, the same opening, the caller's own words again."""
    earlier = ["累了，很久了。你想从哪里说起？"]
    assert faults_in_call("好的。你想从哪里说起？", "zh-Hans", earlier, "嗯") == ["repeated"]
    assert faults_in_call("累了，我懂。", "zh-Hans", earlier, "嗯") == ["same opening"]
    said = "公司给了两个月的补偿房贷"
    assert faults_in_call("公司给了两个月的补偿。", "zh-Hans", [], said) == ["parrot"]
    assert faults_in_call("两个月的补偿，不多。", "zh-Hans", earlier, said) == []


@pytest.mark.parametrize(
    ("reply", "honest"),
    [
        ("我是AI，不是真人。", True),
        ("I'm an AI, not a person.", True),
        ("我不是机器人。", False),
        ("当然，我是真人。", False),
        ("我一直在听。", False),
        ("I'm human, not an AI.", False),
    ],
)
def test_honesty_about_being_an_ai(reply: str, honest: bool) -> None:
    """It has to be said, and nothing else beside it."""
    assert admits_being_ai(reply) is honest


@given(st.text(alphabet="我你在聽。？, .?ab", max_size=40))
def test_sentences_lose_nothing(text: str) -> None:
    """Together they are the text, spaces aside."""
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
    assert text.startswith(first_clause(text))


@given(st.text(alphabet="一二三", max_size=12), st.text(alphabet="一二三", max_size=12))
def test_the_longest_run_is_a_run_of_both(left: str, right: str) -> None:
    """Symmetric, and as long as the longest piece of one that is in the other."""
    pieces = {left[i:j] for i in range(len(left)) for j in range(i + 1, len(left) + 1)}
    expected = max((len(piece) for piece in pieces if piece in right), default=0)
    assert longest_common_run(left, right) == longest_common_run(right, left) == expected

"""Who has nothing to answer, and nothing else: both languages, both scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.at_a_loss import Loss, at_a_loss
from agent.safety.fold import fold

DATA = Path(__file__).parents[1] / "data" / "asked"


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        ("unsure", "这个我也说不清"),
        ("unsure", "嗯 說不上來欸"),
        ("unsure", "很難講"),
        ("unsure", "我也不知道"),
        ("unsure", "um, I don't really know"),
        ("unsure", "Not sure, to be honest."),
        ("wordless", "不知道怎么说"),
        ("wordless", "不知道從哪裡講起"),
        ("wordless", "我不太会说话"),
        ("wordless", "I don't know where to start really"),
        ("wordless", "it's hard to put into words"),
        ("wordless", "not sure why I rang"),
    ],
)
def test_who_has_no_answer_or_no_words_is_known(loss: Loss, text: str) -> None:
    """With whatever hesitation beside it."""
    assert at_a_loss(fold(text)) == loss


@pytest.mark.parametrize(
    "text",
    [
        "",
        "嗯",
        "不知道",  # perhaps of somebody else: does your mother know?
        "不知道吧",
        "我不知道他是怎么想的",
        "不知道怎么开口，怕她哭",
        "说不清楚，就会拉着我的手",
        "想不起来了",
        "没想过",
        "I don't know what I want to do with my life",
        "I don't know if I can go on",
        "i don't know i think shame",
        "I can't remember",
        "没什么印象了",
        "我突然说不出话",
        "I can't any more. I don't know.",
        "对，我也说不清",
        "Yeah. I don't know.",
        "我要从哪里开始？",
        "So how do I explain this?",
        "谁知道这些",
        "I can't tell you",
    ],
)
def test_who_tells_anything_is_not_meant(text: str) -> None:
    """What they told is worth taking up."""
    assert at_a_loss(fold(text)) is None


@pytest.mark.parametrize(("name", "right"), [("at_a_loss", 34), ("at_a_loss_unseen", 24)])
def test_new_wordings_are_known_as_often_as_reported(name: str, right: int) -> None:
    """And of who tells or asks anything beside it, nobody is taken for one."""
    rows = [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines()]
    found = [(row["label"], at_a_loss(fold(row["text"]))) for row in rows]
    assert not any(loss for label, loss in found if label == "none")
    assert sum(label == loss for label, loss in found if label != "none") >= right


@given(st.text(max_size=200))
def test_any_text_may_come(text: str) -> None:
    """Whatever a recogniser writes."""
    assert at_a_loss(fold(text)) in ("unsure", "wordless", None)

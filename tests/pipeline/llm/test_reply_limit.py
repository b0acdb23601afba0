"""A spoken reply ends after a question or two sentences."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.llm.reply_limit import LimitedReply, ReplyLimit


def limited(*pieces: str, limit: ReplyLimit | None = None) -> tuple[str, bool]:
    reply = LimitedReply(limit or ReplyLimit())
    kept = ""
    for piece in pieces:
        text, over = reply.feed(piece)
        kept += text
        if over:
            return kept, True
    return kept, False


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("听起来，你很累。什么时候开始的？可以多运动。", "听起来，你很累。什么时候开始的？"),
        ("你最近怎么样？我在听。", "你最近怎么样？"),
        ("一。二。三。", "一。二。"),
        ("他说“走吧。”然后呢？好的。", "他说“走吧。”然后呢？"),
        ("真的吗？！好。", "真的吗？！"),
        ("It took 3.5 hours. You waited. Then?", "It took 3.5 hours. You waited. "),
        ("Mr. Smith left. How was that? Tell me.", "Mr. Smith left. How was that? "),
    ],
)
def test_it_ends_there(text: str, kept: str):
    """Marks inside numbers, titles and quotations end no sentence."""
    assert limited(text) == (kept, True)


@pytest.mark.parametrize("text", ["", "好。", "嗯……你说。", "3.5", "……", "听起来，你很累。我在。"])
def test_a_short_reply_is_left_alone(text: str):
    """The end of the reply is the model's own."""
    assert limited(text) == (text, False)


def test_questions_may_be_allowed_to_go_on():
    """The limit is the persona's."""
    limit = ReplyLimit(max_sentences=3, ends_with_question=False)
    assert limited("怎么了？我在。你说。再见。", limit=limit)[0] == "怎么了？我在。你说。"


@given(st.text(alphabet="我你。？！.a ”“", max_size=40), st.data())
def test_any_cutting_gives_the_same_reply(text: str, data: st.DataObject):
    """The pieces in which the model writes make no difference."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    borders = [0, *cuts, len(text)]
    pieces = [text[a:b] for a, b in pairwise(borders)]
    assert limited(*pieces) == limited(text)


def asking(question: str, *pieces: str) -> str:
    """The whole reply where `question` is due."""
    reply = LimitedReply(ReplyLimit(), question)
    kept = ""
    for piece in pieces:
        text, over = reply.feed(piece)
        kept += text
        if over:
            break
    return kept + reply.closing()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("两个月，天天加班。你怎么说？", "两个月，天天加班。家里还有谁？"),
        ("两个月，天天加班", "两个月，天天加班。家里还有谁？"),
        ("他说“我先走。”", "他说“我先走。”家里还有谁？"),
        ("你怎么说？我在听。", "你怎么说？"),
        ("你怎么说", "你怎么说。家里还有谁？"),
        ("能跟我说说吗。", "能跟我说说吗。"),
        ("嗯……两个月，天天加班。你怎么说？", "嗯……两个月，天天加班。家里还有谁？"),
        ("唉！我在。两个月了。你先坐。", "唉！我在。两个月了。家里还有谁？"),
        ("为什么？你说说看。", "为什么？"),
        ("我在。", "我在。"),
        ("……", "……"),
        ("", ""),
    ],
)
def test_a_question_that_is_due_takes_the_models_place(text: str, said: str):
    """After the first sentence that takes something up, unless that asks by itself."""
    assert asking("家里还有谁？", text) == said


@pytest.mark.parametrize(
    "text", ["Six years out there", "Six years out there.", "Six years out there. Ok."]
)
def test_an_english_question_stands_apart(text: str):
    """By one space, however the sentence before it ends."""
    assert asking("Who knows?", text) == "Six years out there. Who knows?"


@given(st.text(alphabet="我你。？！.a ”“", max_size=40), st.data())
def test_any_cutting_asks_the_same(text: str, data: st.DataObject):
    """The pieces in which the model writes make no difference to what is asked."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    borders = [0, *cuts, len(text)]
    pieces = [text[a:b] for a, b in pairwise(borders)]
    assert asking("家里还有谁？", *pieces) == asking("家里还有谁？", text)

"""Which of a person's words are worth looking up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.text import count_units
from train.facts import LEAST_UNITS, MOST_UNITS, Said, facts
from train.schema import Conversation, Document, Message, Record
from train.tally import Tally


def conversation(*contents: str, weight: int = 1, tags: tuple[str, ...] = ()) -> Conversation:
    """Turns in alternation; the last reply is learned whatever `weight` says of the others."""
    messages = [
        Message(
            role="assistant" if index % 2 else "user",
            content=content,
            weight=1 if index == len(contents) - 1 or weight else 0,
        )
        for index, content in enumerate(contents)
    ]
    return Conversation(id="c", source="test", messages=tuple(messages), tags=tags)


def found(*records: Record) -> tuple[list[Said], Tally]:
    tally = Tally()
    return list(facts(records, tally)), tally


def test_a_reply_is_kept_with_what_it_answers():
    """Its id says where it stood."""
    said, _ = found(conversation("你是哪里人？", "我老家在四川绵阳。", "远吗", "坐车要一整天。"))
    assert said == [
        Said("c:2", "我老家在四川绵阳。", "你是哪里人？"),
        Said("c:4", "坐车要一整天。", "远吗"),
    ]


def test_what_is_no_history_is_left_out_with_a_reason():
    """Rows made for training, replies of weight 0, short ones, the same words again."""
    made = conversation("你是谁", "我是小安，一个人工智能。", tags=("identity", "zh-Hans"))
    again = conversation("在吗", "我老家在四川绵阳！")
    said, tally = found(
        made,
        conversation("你好", "别人写的一句很长的话", "哪里人", "我老家在四川绵阳。", weight=0),
        again,
        conversation("好吗", "好呀"),
    )
    assert [one.said for one in said] == ["我老家在四川绵阳。"]
    assert tally.dropped == {
        "made up for training": 1,
        "said before in the same words": 1,
        f"under {LEAST_UNITS} words or characters": 1,
    }


def test_a_document_is_parted_at_its_paragraphs():
    """Each is a fact of its own; nothing was asked."""
    text = "我在海边的小镇上长大。\n\n我做了九年的夜班护士。"
    said, _ = found(Document(id="d", source="test", text=text))
    assert [one.id for one in said] == ["d:1", "d:3"]
    assert {one.asked for one in said} == {""}


@given(st.lists(st.integers(min_value=6, max_value=60), min_size=2, max_size=9))
def test_long_words_are_parted_between_sentences(lengths: list[int]):
    """No part is too long, and together they are what was said."""
    text = "".join(f"{chr(0x4E00 + index) * length}。" for index, length in enumerate(lengths))
    said, tally = found(conversation("说说看", text))
    assert "".join(one.said for one in said) == text
    assert all(count_units(one.said) <= MOST_UNITS for one in said)
    assert tally.rows_in == len(said)

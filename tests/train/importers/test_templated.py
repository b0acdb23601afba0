"""Turns written out in text, and back."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.train.importers.chats import CHATS, read, said
from train.importers.templated import atom, chatml, render_atom, render_chatml
from train.schema import Conversation, Message

WORDS = st.text(st.sampled_from('在吗[委屈](≧▽≦)😀\n ?"a'), min_size=1, max_size=8).filter(
    lambda text: text.strip()
)


def turns(texts):
    """Messages from alternating texts."""
    return tuple(
        Message(role="assistant" if at % 2 else "user", content=text)
        for at, text in enumerate(texts)
    )


@given(texts=st.lists(WORDS, min_size=2, max_size=4), system=st.none() | WORDS)
def test_chatml_round_trip(texts, system):
    """Turns to ChatML to turns changes no byte."""
    messages = turns(texts)
    draft = chatml(render_chatml(messages, system))
    assert (tuple(draft.messages), draft.system) == (messages, system)


def test_bilibot_rows_are_rebuilt_byte_for_byte():
    """A bilibot row taken apart and put together is the row."""
    (record,) = read("bilibot.jsonl")
    assert isinstance(record, Conversation)
    row = json.loads((CHATS / "bilibot.jsonl").read_text(encoding="utf-8"))
    assert render_chatml(record.messages, record.system) == row["text"]


@given(texts=st.lists(WORDS.map(str.strip), min_size=2, max_size=4))
def test_atom_round_trip(texts):
    """Turns to <s>Human: …</s> and back changes no byte inside them."""
    messages = turns(texts)
    assert tuple(atom("".join(render_atom(messages))).messages) == messages


def test_llama_chinese_csv_of_one_and_two_columns():
    """Both layouts, with and without upstream's line break before </s>, are read."""
    assert said(read("atom.csv")) == [["女孩子生气的时候怎么办", "先听她说"], ["在吗", "嗯嗯"]]
    assert said(read("atom-two-columns.csv")) == [["在吗", "嗯嗯"]]

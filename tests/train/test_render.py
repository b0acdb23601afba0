"""What is learned of a conversation, and what never is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import DataError
from pipeline.llm.base import Message as ChatMessage
from tests.train.tiny import CHATML, chat_format
from train.render import IGNORED, Learn, Masking, Renderer, Row, coloured, require_learned
from train.schema import Conversation, Document, Message, Preference

FORM = chat_format()
END = FORM.tokens.id_of("<|im_end|>")


def conversation(*contents: str, system: str | None = "s") -> Conversation:
    messages = tuple(
        Message(role="assistant" if index % 2 else "user", content=content)
        for index, content in enumerate(contents)
    )
    return Conversation(id="c", source="test", system=system, messages=messages)


def renderer(
    learn: Learn = "assistant", *, user_turn_end: bool = True, max_tokens: int = 512
) -> Renderer:
    return Renderer(FORM.template, FORM.tokens, Masking(learn, user_turn_end, max_tokens))


def learned(row: Row) -> str:
    return FORM.tokens.decode([label for label in row.labels if label != IGNORED])


def test_replies_and_both_ends_of_turn_are_learned():
    """The assistant's words, its end of turn and the user's end of turn carry labels."""
    (row,) = renderer().rows(conversation("你好", "在呢[微笑]"))
    assert learned(row) == "<|im_end|>在呢[微笑]<|im_end|>"


def test_the_users_end_of_turn_can_be_left_out():
    """Without `user_turn_end` only replies carry labels."""
    (row,) = renderer(user_turn_end=False).rows(conversation("a", "b", "c", "d"))
    assert learned(row) == "b<|im_end|>d<|im_end|>"


def test_only_the_last_reply_can_be_learned():
    """`last` learns what mlx-lm's --mask-prompt learns."""
    (row,) = renderer("last", user_turn_end=False).rows(conversation("a", "b", "c", "d"))
    assert learned(row) == "d<|im_end|>"


def test_both_sides_of_the_dialogue_can_be_learned():
    """`dialogue` adds the user's words, but neither the template's headings nor weight 0."""
    (row,) = renderer("dialogue").rows(conversation("a", "b", "c", "d"))
    assert learned(row) == "a<|im_end|>b<|im_end|>c<|im_end|>d<|im_end|>"


def test_everything_can_be_learned_but_the_first_token():
    """Nothing stands before the first token that could predict it."""
    (row,) = renderer("everything").rows(conversation("a", "b"))
    assert row.labels == (IGNORED, *row.ids[1:])


def test_a_message_of_weight_nought_is_context_only():
    """An assistant's message with weight 0 carries no label."""
    messages = (
        Message(role="user", content="a"),
        Message(role="assistant", content="b", weight=0),
        Message(role="user", content="c"),
        Message(role="assistant", content="d"),
    )
    (row,) = renderer(user_turn_end=False).rows(
        Conversation(id="c", source="test", messages=messages)
    )
    assert learned(row) == "d<|im_end|>"


def test_a_marker_in_a_message_is_words_of_nobody():
    """A message that contains a marker cannot end its own turn."""
    (row,) = renderer().rows(conversation("a<|im_<|im_end|>end|>b", "c"))
    assert "ab" in FORM.tokens.decode(row.ids)
    assert row.ids.count(END) == 3


@given(
    st.lists(
        st.text("ab 好😀\n", min_size=1, max_size=40).filter(str.strip), min_size=1, max_size=9
    )
)
def test_long_conversations_are_parted_and_every_reply_is_learned_once_and_whole(pairs):
    """Windows keep to the limit, and no reply is cut, doubled or lost if it fits."""
    turns = [text for pair in pairs for text in (pair, pair[::-1])]
    whole = conversation(*turns)
    rows = list(renderer(user_turn_end=False, max_tokens=160).rows(whole))
    assert all(len(row.ids) <= 160 for row in rows)
    replies = "".join(learned(row) for row in rows)
    fits = [
        reply.strip()
        for user, reply in zip(turns[::2], turns[1::2], strict=True)
        if list(renderer(max_tokens=160).rows(conversation(user, reply)))
    ]
    assert replies == "".join(f"{reply}<|im_end|>" for reply in fits)


def test_a_reply_that_does_not_fit_is_left_out():
    """A truncated end would teach the model never to stop."""
    assert list(renderer(max_tokens=64).rows(conversation("a", "b" * 100))) == []


def test_the_system_prompt_of_the_recipe_fills_in():
    """Without any, the template would put the base's own name there."""
    bare = conversation("a", "b", system=None)
    made = Renderer(FORM.template, FORM.tokens, Masking(), system="小安")
    (row,) = made.rows(bare)
    assert "小安" in FORM.tokens.decode(row.ids)
    assert "Base" not in FORM.tokens.decode(row.ids)


def test_the_row_begins_with_the_prompt_of_a_call():
    """Training and call share every token up to the reply."""
    (row,) = renderer().rows(conversation("你好", "在"))
    prompt = renderer().prompt_ids([ChatMessage("system", "s"), ChatMessage("user", "你好")])
    assert list(row.ids[: len(prompt)]) == prompt


def test_a_template_that_never_ends_a_reply_is_refused():
    """Without an end the model would never stop."""
    form = chat_format(CHATML.replace("+ '<|im_end|>' + '\n'", "+ '\n'"))
    with pytest.raises(DataError, match="never learn to stop"):
        list(Renderer(form.template, form.tokens, Masking()).rows(conversation("a", "b")))


def test_a_template_that_rewrites_words_is_refused():
    """Such as one that drops what stands before </think>."""
    form = chat_format(CHATML.replace("message['content']", "message['content'].split('x')[0]"))
    with pytest.raises(DataError, match="rewrites"):
        list(Renderer(form.template, form.tokens, Masking()).rows(conversation("a", "bxc")))


def test_the_rows_of_a_preference_differ_only_in_the_reply():
    """Both begin with the same prompt, of which nothing is scored."""
    record = Preference(
        id="p",
        source="test",
        prompt=(Message(role="user", content="a"),),
        chosen="good",
        rejected="bad",
    )
    pair = renderer(user_turn_end=False).preference(record)
    assert pair is not None
    assert learned(pair.chosen) == "good<|im_end|>"
    assert learned(pair.rejected) == "bad<|im_end|>"


def test_running_text_is_learned_whole_and_ends():
    """A document is cut at the limit and nothing of it is lost."""
    record = Document(id="d", source="test", text="abcdefghij")
    rows = list(renderer(max_tokens=16).document(record, end=0))
    assert [token for row in rows for token in row.ids][-1] == 0
    assert all(row.labels[1:] == row.ids[1:] for row in rows)


def test_a_row_that_teaches_nothing_is_refused():
    """The message names the conversation."""
    with pytest.raises(DataError, match="c7"):
        require_learned([Row((1, 2), (IGNORED, IGNORED), "c7")])


def test_the_coloured_row_shows_what_is_learned():
    """Learned stretches are green, the rest dim, and the text is complete."""
    (row,) = renderer().rows(conversation("a", "b"))
    text = coloured(row, FORM.tokens)
    assert text.plain == FORM.tokens.decode(row.ids)
    assert [str(span.style) for span in text.spans[-2:]] == ["bold green", "dim"]

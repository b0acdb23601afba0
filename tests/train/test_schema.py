"""The neutral JSONL."""

from __future__ import annotations

import os

import pytest

from pipeline.errors import DataError
from train.schema import (
    Conversation,
    Document,
    Message,
    Preference,
    Traits,
    chat_messages,
    conversation_id,
    dump,
    parse,
    read,
    read_only,
    replacing,
    write,
)

ASK, SAY = (
    Message(role="user", content="在吗[委屈]"),
    Message(role="assistant", content='"messages"'),
)
TALK = Conversation(
    id="1",
    source="test",
    messages=(ASK, SAY),
    system="你是小安。",
    traits=Traits(personality="温柔", interests=("爬山",)),
    tags=("quote",),
)
PAIR = Preference(id="2", source="test", prompt=(ASK,), chosen="a", rejected="b")
TEXT = Document(id="3", source="test", text='{"chosen": 1}')


@pytest.mark.parametrize(
    "record", [TALK, PAIR, TEXT], ids=["conversation", "preference", "document"]
)
def test_a_line_is_its_record(record):
    """What is written is read back, whatever the texts look like."""
    assert parse(dump(record)) == record


@pytest.mark.parametrize(
    ("roles", "why"),
    [
        (["assistant", "user"], "first message is not the user's"),
        (["user", "user", "assistant"], "same role"),
        (["user", "assistant", "user"], "last message is not the assistant's"),
    ],
)
def test_turns_alternate(roles, why):
    """A conversation that does not alternate from user to assistant is refused."""
    messages = tuple(Message(role=role, content="x") for role in roles)
    with pytest.raises(ValueError, match=why):
        Conversation(id="1", source="test", messages=messages)


def test_something_is_learned():
    """A conversation of which nothing is learned is refused, and so is a blank message."""
    with pytest.raises(ValueError, match="nothing would be learned"):
        Conversation(id="1", source="t", messages=(ASK, SAY.model_copy(update={"weight": 0})))
    with pytest.raises(ValueError, match="blank"):
        Message(role="user", content=" \n")


def test_ids_depend_on_content_alone():
    """The same words have the same id; moving a border between turns changes it."""
    assert conversation_id([ASK, SAY]) == conversation_id(
        [ASK.model_copy(update={"time": 5.0}), SAY]
    )
    moved = (
        Message(role="user", content="在吗[委屈"),
        Message(role="assistant", content=']"messages"'),
    )
    assert conversation_id([ASK, SAY]) != conversation_id(moved)


def test_chat_template_input():
    """The system prompt comes first."""
    assert [message["role"] for message in chat_messages(TALK)] == ["system", "user", "assistant"]


def test_a_bad_line_is_named(tmp_path):
    """Reading stops at a line that is no record and says which field of which line."""
    path = tmp_path / "set.jsonl"
    path.write_text(dump(TALK) + '\n\n{"id": "1", "source": "t", "messages": [{"role": "x"}]}\n')
    with pytest.raises(DataError, match=r"set.jsonl, line 3: messages.0.role"):
        list(read(path))
    with pytest.raises(DataError, match="Cannot read"):
        list(read(tmp_path / "none"))


def test_a_step_may_want_one_kind(tmp_path):
    """read_only refuses the first record of another kind."""
    path = tmp_path / "set.jsonl"
    write(path, [TALK, PAIR])
    with pytest.raises(DataError, match=r"holds a Preference \(2\)"):
        list(read_only(path, Conversation))


def test_nothing_is_overwritten_or_half_written(tmp_path):
    """A file that exists stays without force; an interrupted write leaves it and no litter."""
    path = tmp_path / "set.jsonl"
    write(path, [TALK])
    before = path.read_bytes()
    with pytest.raises(DataError, match="--force"):
        write(path, [PAIR])

    def interrupted():
        yield PAIR
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(path, interrupted(), force=True)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["set.jsonl"]
    with replacing(path, force=True) as out:
        out.write("x")
    assert path.read_text() == "x"


def test_only_the_owner_can_read_what_is_written(tmp_path):
    """Private chats are nobody else's to read, whatever the umask."""
    path = tmp_path / "set.jsonl"
    before = os.umask(0o000)
    try:
        write(path, [TALK])
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_byte_order_mark_is_no_fault(tmp_path):
    """Editors on Windows put one before what they save."""
    path = tmp_path / "rows.jsonl"
    write(path, [TALK])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert list(read(path)) == [TALK]


def test_another_encoding_is_named(tmp_path):
    """The sentence says what to do, and not what a JSON parser makes of the bytes."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(dump(TALK).encode("utf-16"))
    with pytest.raises(DataError, match=r"rows\.jsonl, line 1: not UTF-8"):
        list(read(path))


def test_an_empty_result_is_not_written_without_a_why(tmp_path):
    """Where the writer has a reason to give, it gives that and no file."""
    path = tmp_path / "rows.jsonl"
    with pytest.raises(DataError, match="all were dropped"):
        write(path, [], why_empty=lambda: "all were dropped")
    assert list(tmp_path.iterdir()) == []

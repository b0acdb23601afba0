"""Bytes of tokens become the text of a reply."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.llm.reply_text import CharacterStream, ReplyText, StopTexts, Written

texts = st.text(alphabet="ab我覺得。！😊<|>", max_size=40)


def cut(data, borders):
    """`data` in pieces, cut at every border that lies inside it."""
    inside = sorted({border for border in borders if border < len(data)})
    return [data[start:end] for start, end in zip([0, *inside], [*inside, len(data)], strict=True)]


borders = st.lists(st.integers(0, 160), max_size=12)


@given(texts, borders)
def test_any_cutting_of_the_bytes_gives_the_same_text(text, borders):
    """Characters survive every way of cutting their bytes into tokens."""
    stream = CharacterStream()
    assert "".join(stream.feed(piece) for piece in cut(text.encode(), borders)) == text


@given(st.binary(max_size=40), borders)
def test_any_cutting_of_invalid_bytes_gives_the_same_text(data, borders):
    """Bytes that are no UTF-8 are left out, wherever the cuts are."""
    whole, pieces = CharacterStream(), CharacterStream()
    cut_text = "".join(pieces.feed(piece) for piece in cut(data, borders))
    assert cut_text == whole.feed(data)


def test_half_a_character_waits_for_its_other_half():
    """No piece ever shows a replacement character."""
    stream = CharacterStream()
    first, second, third = (bytes([byte]) for byte in "我".encode())
    assert [stream.feed(piece) for piece in (first, second, third)] == ["", "", "我"]


@given(texts, borders, st.lists(st.sampled_from(["<|", "。", "ab", "a我", "<|>"]), max_size=3))
def test_any_cutting_stops_at_the_same_place(text, borders, stops):
    """Text before the earliest stop text comes out, and nothing after it."""
    stream = StopTexts(stops)
    given_out, stopped = "", False
    for piece in cut(text, borders):
        if not stopped:
            out, stopped = stream.feed(piece)
            given_out += out
    if not stopped:
        given_out += stream.rest()
    first_end = min((text.find(s) + len(s) for s in stops if s in text), default=None)
    if first_end is None:
        assert (given_out, stopped) == (text, False)
    else:
        assert stopped
        assert text.startswith(given_out)
        assert not any(stop in given_out for stop in stops)


def test_what_may_become_a_stop_text_is_held_back():
    """A beginning of a stop text is only given out once it turned out to be none."""
    stream = StopTexts(["User:"])
    assert stream.feed("好的Us") == ("好的", False)
    assert stream.feed("ual") == ("Usual", False)
    assert stream.feed("User") == ("", False)
    assert stream.feed(": hi") == ("", True)


def test_a_stop_text_ends_the_reply_and_is_not_part_of_it():
    """The reply ends before the stop text."""
    reply = ReplyText(["\n"])
    assert reply.feed("我在听。\n用户".encode()) == Written("我在听。", "stop")


def test_a_looping_reply_ends_as_loop():
    """A phrase said over and over ends the reply."""
    reply = ReplyText()
    results = [reply.feed("我会一直陪着你。".encode()) for _ in range(3)]
    assert [one.finish_reason for one in results] == [None, None, "loop"]


def test_finish_gives_out_what_was_held_back():
    """A reply that ends inside a possible stop text keeps it."""
    reply = ReplyText(["<end>"])
    assert reply.feed("嗯<e".encode()) == Written("嗯")
    assert reply.finish("length") == Written("<e", "length")

"""The clause cutter: where it cuts, where it must not, and what holds for every reply."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.clauses import Clause, ClauseCutter, ClauseParams, has_words


def cut(reply: str, params: ClauseParams | None = None) -> list[str]:
    cutter = ClauseCutter(params)
    return [clause.text for clause in cutter.feed(reply) + cutter.finish()]


def cut_in_pieces(pieces: list[str]) -> list[Clause]:
    cutter = ClauseCutter()
    return [clause for piece in pieces for clause in cutter.feed(piece)] + cutter.finish()


def released_by(reply: str) -> list[str]:
    """Clauses given out before the reply is known to be over."""
    return [clause.text for clause in ClauseCutter().feed(reply)]


@pytest.mark.parametrize(
    "clauses",
    [
        ["听起来，", "你最近真的很累。", "晚上睡不好，是在担心什么吗？"],
        ["聽起來，", "你最近真的很累。"],
        ["嗯。", "我在听。"],
        ["好！", "我们慢慢来。"],
        ["我听到三件事：", "工作、睡眠和家人。"],
        ["压力大、", "睡不好、吃不下。"],
        ["我想——", "你已经撑很久了。"],
        ["睡不好很难熬；", "你撑了多久？"],
        ["我懂……", "慢慢说。"],
        ["真的吗？", "后来呢？"],
        ["第一行\n", "第二行"],
        ["Hello!", " How are you?", " I'm here."],
        ["That sounds hard,", " and I'm glad you told me, really."],
        ["I see —", " you are tired."],
        ["I hear you...", " That is hard."],
        ["So do I.", " And you?"],
        ["你说得对。", " That is true.", "我们继续。"],
        ["好的😊。", "我在。"],
    ],
)
def test_a_reply_is_cut_after_its_marks(clauses: list[str]) -> None:
    """Sentences always end a clause; the first clause also ends at soft marks."""
    assert cut("".join(clauses)) == clauses


@pytest.mark.parametrize(
    "reply",
    [
        "圆周率是3.14159左右",
        "一共1,000块",
        "一共1，000块",
        "我们约10:30见",
        "我们约10：30见",
        "大概3、4天",
        "大概三、四天",
        "Mr. Smith and Dr. Wu came",
        "at 10 a.m. or 3 p.m. tomorrow",
        "some fruit e.g. apples",
        "in the U.S. they say so",
        "J. Smith wrote it",
        "see https://a.example/b?x=1,2;y=3!z",
        "see www.example.com/a.b",
        "write to a.b@example.com please",
        "version 2.0.1-beta",
        "看《你好，李焕英》好吗",
        "他说“好。",
        'they call it "well, fine. Okay" there',
        "他（真的，真的）很好",
        "我很好 :) 你呢",
        "1. 首先",
    ],
)
def test_marks_inside_a_token_or_short_quotation_cut_nothing(reply: str) -> None:
    """Numbers, times, addresses, abbreviations, titles and quoted words stay whole."""
    assert cut(reply) == [reply]


@pytest.mark.parametrize(
    "clauses",
    [
        ["他说：", "“我很累。”", "然后就走了。"],
        ["他問「你還好嗎？」", "我不知道怎麼回。"],
        ["他說『她說「不要。」』", "我就走了。"],
        ['He said "I am tired." ', "Then he left."],
        ["（他沉默了。）", "后来呢？"],
    ],
)
def test_closing_quotes_ride_with_the_mark_before_them(clauses: list[str]) -> None:
    """A sentence that ends inside a quotation ends after the closing quote."""
    expected = "".join(clauses)
    assert [text.strip() for text in cut(expected)] == [text.strip() for text in clauses]


def test_a_long_quotation_is_cut_inside() -> None:
    """A quotation longer than `quote_max_units` does not hold speech back."""
    quoted = "“我每天都在想这件事情到底是怎么发生的。后来我就不想了。”"
    assert cut(quoted) == ["“我每天都在想这件事情到底是怎么发生的。", "后来我就不想了。”"]


def test_a_quotation_never_closed_ends_with_its_line() -> None:
    """An opener without its closer protects nothing after the next newline."""
    assert cut("他说“好\n我懂。你呢？") == ["他说“好\n", "我懂。", "你呢？"]


@pytest.mark.parametrize("reply", ["嗯，我懂。", "嗯……我在。", "Oh, I see.", "好；来"])
def test_a_first_clause_of_one_unit_waits_for_more(reply: str) -> None:
    """One syllable and a pause would sound clipped."""
    assert cut(reply) == [reply]


def test_later_clauses_end_at_a_soft_mark_only_once_long() -> None:
    """From `soft_min_units` on, speech does not wait for the end of the sentence."""
    short = "先说一件事，"
    long = "一二三四五六七八九十一二三四，"
    assert cut(short + "这里很短，" + long + "然后结束。")[1:] == [
        "这里很短，" + long,
        "然后结束。",
    ]


def test_text_without_marks_is_cut_between_words() -> None:
    """No clause grows without bound, and no Latin word is split."""
    words = " ".join(["steady"] * 100)
    pieces = cut(words, ClauseParams(longest_units=10))
    assert pieces[0] == " ".join(["steady"] * 10)
    assert "".join(pieces) == words
    assert [len(text) for text in cut("慢" * 95)] == [40, 40, 15]


@pytest.mark.parametrize(
    ("reply", "clauses"),
    [
        ("[委屈]我懂，你很难过。", ["[委屈]我懂，", "你很难过。"]),
        ("😊！我在。", ["😊！我在。"]),
        ("\n\n好的。", ["\n\n好的。"]),
        ("真的吗？！后来呢？", ["真的吗？", "！后来呢？"]),
        ("别难过。[委屈]", ["别难过。", "[委屈]"]),
    ],
)
def test_what_cannot_be_spoken_rides_along(reply: str, clauses: list[str]) -> None:
    """Stickers, emoji and stray marks join the words after them, or end the reply."""
    assert cut(reply) == clauses


@pytest.mark.parametrize(
    "reply", ["好。", "真的？", "停！", "第一行\n", "我懂，", "Stop!", "嗯嗯、"]
)
def test_marks_that_need_no_more_decide_at_once(reply: str) -> None:
    """The clause leaves with the mark itself, not one token later."""
    assert released_by(reply) == [reply]


@pytest.mark.parametrize(
    ("reply", "following"),
    [
        ("It is 3.", " "),
        ("有25，", "岁"),
        ("I am here.", " "),
        ("我懂…", "好"),
        ("我想—", "你"),
        ("I mean:", " "),
    ],
)
def test_ambiguous_marks_wait_for_one_character(reply: str, following: str) -> None:
    """A mark whose meaning lies in the next character is decided by that character."""
    assert released_by(reply) == []
    assert released_by(reply + following) == [reply]


def test_the_predicate_for_speakable_text_is_the_callers() -> None:
    """What counts as speakable decides which clauses can stand alone."""
    cutter = ClauseCutter(speakable=lambda text: "!" not in text)
    assert [clause.text for clause in cutter.feed("Hm!Yes.No.") + cutter.finish()] == ["Hm!Yes.No."]


def test_an_empty_reply_has_no_clauses() -> None:
    """Nothing in, nothing out."""
    assert cut("") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("[委屈]", False), ("😊。", False), ("**", False), ("[委屈]好", True), ("3", True)],
)
def test_has_words(text: str, expected: bool) -> None:
    """Stickers, emoji and markdown are no words."""
    assert has_words(text) is expected


MARKS = '。！？；…，、：—.!?;:,\n "「」“”《》()[]'
WORDS = ["3", "十", "3.5", "Mr.", "a.m.", "我很累", "well", "慢" * 15, "steady " * 12]
TOKENS = ["[委屈]", "😊", "https://a.b", "a@b.c", "……", "——", "..."]
FRAGMENTS = st.sampled_from([*MARKS, *WORDS, *TOKENS])
REPLIES = st.lists(FRAGMENTS, max_size=40).map("".join) | st.text(max_size=80)


@given(REPLIES)
def test_clauses_cover_the_reply_without_gaps(reply: str) -> None:
    """Spans are contiguous and half open, indices count up, the texts join to the reply."""
    clauses = cut_in_pieces([reply])
    assert "".join(clause.text for clause in clauses) == reply
    position = 0
    for index, clause in enumerate(clauses):
        assert (clause.index, clause.start) == (index, position)
        assert clause.end > clause.start
        position = clause.end
    assert position == len(reply)


@given(REPLIES, st.data())
def test_any_cutting_of_the_stream_gives_the_same_clauses(reply: str, data: st.DataObject) -> None:
    """Deltas of any length, empty ones included, change nothing."""
    offsets = data.draw(st.lists(st.integers(0, len(reply)), max_size=12).map(sorted))
    bounds = [0, *offsets, len(reply)]
    pieces = [reply[left:right] for left, right in pairwise(bounds)]
    assert cut_in_pieces(pieces) == cut_in_pieces([reply]) == cut_in_pieces(list(reply))


@given(REPLIES)
def test_only_the_last_clause_may_have_nothing_to_speak(reply: str) -> None:
    """Every clause but the last gives the voice something to say."""
    assert all(has_words(text) for text in cut(reply)[:-1])


@given(REPLIES)
def test_no_clause_splits_a_number(reply: str) -> None:
    """A digit, a mark that belongs to numbers and a digit stay together."""
    for left, right in pairwise(cut(reply)):
        assert not (left[-2:-1].isdigit() and left[-1] in ".,:" and right[0].isdigit())

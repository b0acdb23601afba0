"""What a call leaves for the next: quotes, few, and none that raises an alarm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.intake.record import IntakeRecord
from agent.intake.taker import IntakeTaker
from agent.memory.summary import (
    MAX_LINE_CHARS,
    MAX_LINE_UNITS,
    MAX_LINES,
    CallMemory,
    MemoryLine,
    one_line,
    shortened,
    summarise,
)
from agent.safety.detector import assess
from pipeline.errors import StoreError
from pipeline.events import CrisisNoted
from pipeline.text import count_units

LINES = CallMemory(
    locale="en",
    lines=(
        MemoryLine(number=1, topic="name", text="Darren"),
        MemoryLine(number=2, topic="concern", text="my wife's given me an ultimatum"),
    ),
)


def told(locale, *turns):
    """What a call leaves in which the caller says these turns."""
    taker = IntakeTaker(locale)
    for turn in turns:
        taker.caller_text(turn)
    return summarise(taker.record, tuple(taker.turns))


def test_lines_are_the_callers_own_words():
    """Every line stands in a turn, as it was said."""
    turns = ("叫我小安", "我失戀了 三個月了", "我想好好睡一覺")
    memory = told("zh-Hant", *turns)
    assert ("name", "小安") in [(line.topic, line.text) for line in memory.lines]
    assert "我失戀了" in [line.text for line in memory.lines]
    for line in memory.lines:
        assert any(line.text in turn for turn in turns)


@given(st.lists(st.text(alphabet="我想睡不著失戀了三個月媽媽好 ab", max_size=60), max_size=6))
def test_nothing_is_ever_invented(turns):
    """Whatever is said, a line is a piece of it, and there are few."""
    memory = told("zh-Hant", *turns)
    assert len(memory.lines) <= MAX_LINES
    for line in memory.lines:
        words = line.text.removesuffix("…")
        assert any(words in one_line(turn) for turn in turns)


def test_words_of_crisis_are_not_brought_into_the_next_call():
    """Neither as a concern nor as the longest turn."""
    memory = told("en", "i want to kill myself tonight", "hello")
    assert memory.lines == ()


@pytest.mark.parametrize(
    "turn",
    ["活着真的没什么意思", "我觉得活着没有意义不知道为什么还要继续"],
)
def test_what_the_protocol_asks_about_is_not_remembered(turn):
    """A concern is an alarm, too; only what it is itself unsure of may be kept."""
    assert assess(turn).tier == "concern"
    assert told("zh-Hans", turn).lines == ()


def test_a_yes_to_the_question_of_intent_is_not_remembered():
    """Its words alone mean nothing; the record knows what they answered."""
    taker = IntakeTaker("zh-Hans")
    for turn in ("今天天气还可以", "是，我是打算这么做"):
        taker.caller_text(turn)
    taker.note(CrisisNoted("imminent", "suicide", (), "是，我是打算这么做"))
    lines = summarise(taker.record, tuple(taker.turns)).lines
    assert [(line.topic, line.text) for line in lines] == [("said", "今天天气还可以")]


@pytest.mark.parametrize("first", [0, 3])
def test_a_turn_with_something_that_is_left_out_is_no_line(first):
    """Wherever the turns that are still known begin in the call."""
    record = IntakeRecord(locale="zh-Hans", turns=first + 2).with_entry(
        "medication", "百忧解", turn=first, at_secs=None, found_by="learned"
    )
    turns = ("医生又让我继续吃百忧解一天两颗", "隔壁天天装修到半夜")
    assert [line.text for line in summarise(record, turns).lines] == [turns[1]]


@pytest.mark.parametrize(
    "turn", ["我今年十六岁，在吃百忧解，一天两颗。", "i'm 43 and what would you do with a dog"]
)
def test_age_and_medication_are_left_out_of_the_longest_turn(turn):
    """By the rules alone, where no entry was made of them."""
    assert summarise(IntakeRecord(locale="en", turns=1), (turn,)).lines == ()


def test_a_quote_in_which_a_rule_finds_what_is_left_out_goes_whole():
    """Though the record has it under a field that is kept, and nothing under the other."""
    taker = IntakeTaker("en")
    taker.caller_text("My anxiety is like an eight out of ten and I cannot sleep")
    assert any("an eight out of ten" in entry.quote for entry in taker.record.entries)
    lines = summarise(taker.record, tuple(taker.turns)).lines
    assert not any("eight" in line.text for line in lines)


def test_a_quote_that_shares_words_with_what_is_left_out_goes_whole():
    """On either side: a risk inside a concern, a concern inside a turn that was a yes."""
    record = IntakeRecord(locale="zh-Hans", turns=2)
    for field, quote, turn in (
        ("health", "那个小白片也没让我睡着", 0),
        ("medication", "那个小白片", 0),
        ("goals", "我打算这么做", 1),
        ("risk", "对，我打算这么做", 1),
        ("work", "做那个小白片的厂", 1),
    ):
        record = record.with_entry(field, quote, turn=turn, at_secs=None, found_by="learned")
    assert [line.topic for line in summarise(record).lines] == ["work"]


def test_without_a_concern_the_longest_turn_says_what_the_call_was_about():
    """Rules that find nothing leave at least that."""
    told_turn = "what would you do with a neighbour like that"
    memory = told("en", "hello", told_turn)
    assert [(line.topic, line.text) for line in memory.lines] == [("said", told_turn)]


def test_a_call_without_content_leaves_nothing():
    """A greeting is not worth remembering."""
    assert told("en", "hello", "bye").lines == ()
    assert summarise(IntakeTaker("en").record).lines == ()


def test_medication_and_age_are_left_out():
    """They may have changed, and belong to the counsellor's record."""
    memory = told("en", "i'm 43 and i'm really anxious", "i'm taking sertraline")
    assert {line.topic for line in memory.lines} == {"concern"}


def test_long_lines_are_cut_and_say_so():
    """At a unit's end; shorter ones stay as they are."""
    long = "好" * (MAX_LINE_UNITS + 1)
    assert shortened(long) == "好" * MAX_LINE_UNITS + "…"
    assert shortened("short and whole") == "short and whole"
    assert count_units(shortened("word " * 90)) == MAX_LINE_UNITS


def test_a_line_is_corrected_or_taken_out():
    """With the caller's words on one line; empty ones take it out."""
    corrected = LINES.corrected(2, " my wife \n is worried about me ")
    assert corrected.lines[1].text == "my wife is worried about me"
    assert corrected.lines[1].corrected
    assert corrected.lines[0] == LINES.lines[0]
    assert LINES.corrected(1, " \n ").lines == LINES.lines[1:]
    assert LINES.without(2).lines == LINES.lines[:1]


def test_what_cannot_be_corrected_is_refused():
    """A line that is not there, and more words than a line has."""
    with pytest.raises(StoreError, match="no line 3"):
        LINES.without(3)
    with pytest.raises(StoreError, match="at most"):
        LINES.corrected(1, "x" * (MAX_LINE_CHARS + 1))


def test_what_was_struck_from_the_record_is_taken_out():
    """Also where the line says more than the quote, or was cut shorter."""
    assert LINES.without_quotes(["Darren", ""]).lines == LINES.lines[1:]
    assert LINES.without_quotes(["an ultimatum"]).lines == LINES.lines[:1]
    assert LINES.without_quotes(["something else"]) == LINES

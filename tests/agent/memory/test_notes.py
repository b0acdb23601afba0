"""What the model is told of earlier calls: bounded, labelled, and not before every turn."""

from __future__ import annotations

import datetime

import pytest

from agent.memory.desk import Remembered
from agent.memory.notes import MEETING_TURNS, RememberedNotes, greeting_again, topic_names
from agent.persona import load_persona
from pipeline.text import count_units

NOW = datetime.datetime(2026, 3, 5, tzinfo=datetime.UTC)


def line(number, topic, text):
    return Remembered(f"call_1.{number}", topic, text, False, NOW, "zh-Hant")


LINES = [
    line(1, "name", "小安"),
    line(2, "concern", "我失戀了"),
    line(3, "goals", "想好好睡一覺"),
    line(4, "name", "安安"),
    line(5, "concern", "我失恋了"),
]


def notes(lines=LINES, *, turns=0, max_tokens=200, locale="zh-Hant"):
    return RememberedNotes(lines, locale, count_units, max_tokens, lambda: turns)


def test_the_note_says_whose_words_they_are_and_when():
    """The model must not take them for said now."""
    note = notes().note("你好")
    assert "以前打來時親口說過的話" in note.text
    assert "「我失戀了」" in note.text
    assert "稱呼：「小安」" in note.text


def test_what_was_told_twice_is_told_once():
    """The newest name alone, and the same words in another script once."""
    note = notes().note("")
    assert note.sources == ("call_1.1", "call_1.2", "call_1.3")


@pytest.mark.parametrize("turns", range(MEETING_TURNS))
def test_the_first_turns_have_the_note(turns):
    """The caller is met as somebody known."""
    assert notes(turns=turns).note("今天天氣不錯") is not None


@pytest.mark.parametrize(
    ("said", "told"),
    [("我又失戀了", True), ("我上次跟你說過的", True), ("今天天氣不錯", False), ("", False)],
)
def test_later_turns_have_it_where_they_touch_it(said, told):
    """By a word of it, in either script, or by pointing back."""
    assert (notes(turns=9).note(said) is not None) is told


def test_english_callers_point_back_too():
    """Folded to lower case."""
    told = notes([line(1, "concern", "my exam")], turns=9, locale="en")
    assert told.note("Do you REMEMBER me") is not None
    assert told.note("the exam went well") is not None
    assert told.note("nice weather") is None


def test_the_note_is_bounded():
    """What does not fit gives its place to the next; where nothing fits there is none."""
    heading = count_units(notes(LINES[:1]).note("").text) - 4  # 稱呼 and 小安
    lines = [line(1, "concern", "很長" * 40), *LINES[:1]]
    note = notes(lines, max_tokens=heading + 4).note("")
    assert note.sources == ("call_1.1",)
    assert "小安" in note.text
    assert notes(max_tokens=5).note("") is None
    assert notes([]).note("") is None


@pytest.mark.parametrize("locale", ["zh-Hant", "zh-Hans", "en"])
def test_the_greeting_says_that_it_remembers_before_it_asks(locale):
    """The persona still says first what it is, and the question stays last."""
    persona = load_persona("listener", locale)
    again = greeting_again(persona).greeting
    first, question = persona.greeting[:6], persona.greeting[-6:]
    assert again.startswith(first)
    assert again.endswith(question)
    assert len(again) > len(persona.greeting)


@pytest.mark.parametrize("locale", ["zh-Hant", "zh-Hans", "en"])
def test_every_topic_has_a_name(locale):
    """Also what belongs to no field."""
    assert {"name", "concern", "said"} <= topic_names(locale).keys()

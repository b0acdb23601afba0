"""Clauses as ChatTTS can read them."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings

from pipeline.tts.base import SpeechStyle
from pipeline.tts.chattts.controls import Manner
from pipeline.tts.chattts.prompt import CodePrompt, code_prompt
from tests.pipeline.tts.speech import ODD_TEXTS

PLAIN = Manner(breaks=0)
ALL = Manner(oral=9, laugh=2, breaks=7)
TOKENS = re.compile(r"\[(?:uv_break|lbreak|laugh)\]")
ALLOWED = re.compile(r"[\u4e00-\u9fffA-Za-z，。、,. ]*")  # ChatTTS's normaliser drops the rest


def made(text: str, manner: Manner = PLAIN) -> CodePrompt:
    """The prompt of a text that has one."""
    prompt = code_prompt(text, manner, SpeechStyle())
    assert prompt is not None
    return prompt


def test_numbers_and_marks_are_written_as_chattts_knows_them():
    """Digits are read out, marks it would drop become ones it keeps."""
    assert made("我25岁：真的！？").text == "我二十五岁，真的。"
    assert made("It is 25%, right?").text == "It is twenty five percent , right."
    assert made("room 12B").text == "room twelve B"


def test_a_callers_brackets_never_become_control_tokens():
    """Stickers are left out, so is the name of a token."""
    assert made("[laugh]我很好").text == "我很好"
    assert "[" not in made("[spk_emb][Ptts]好吗[").text


def test_units_end_in_order_and_at_written_characters():
    """A number is heard when its last syllable is; English weighs by its letters."""
    prompt = made("我25岁")
    assert [(end.weight, end.chars) for end in prompt.ends] == [
        (1.0, 1), (2.0, 1), (3.0, 1), (4.0, 3), (5.0, 4)
    ]  # fmt: skip
    assert [end.chars for end in made("I hear you").ends] == [1, 6, 10]
    assert [end.chars for end in made("call 25 of us").ends] == [4, 5, 7, 10, 13]


@pytest.mark.parametrize("text", ["", "  ", "……", "😀", "[委屈]", "，。"])
def test_nothing_to_say_has_no_prompt(text: str):
    """The voice then gives one empty chunk."""
    assert code_prompt(text, PLAIN, SpeechStyle()) is None


@settings(deadline=None)
@given(text=ODD_TEXTS)
@example("A᪐𠀀")  # a digit of Tai Tham
@example("0᪐A")
def test_any_text_gives_only_what_chattts_accepts(text: str):
    """Allowed characters and our tokens; ends never fall and stay inside the text."""
    prompt = code_prompt(text, ALL, SpeechStyle())
    if prompt is None:
        return
    assert ALLOWED.fullmatch(TOKENS.sub("", prompt.text))
    assert all(a.weight <= b.weight and a.chars <= b.chars for a, b in pairwise(prompt.ends))
    assert all(end.chars <= len(text) and end.weight <= prompt.weight for end in prompt.ends)

"""Under which terms a text is found."""

from __future__ import annotations

import pytest

from agent.recall.terms import characters, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("你养的狗叫什么名字？", ["养", "狗叫", "名字"]),
        ("你養的狗叫什麼名字", ["养", "狗叫", "名字"]),
        ("I don't know where you grew up!", ["grew"]),
        ("我在Google上班", ["google", "上班"]),
        ("ＧＯＯＧＬＥ", ["google"]),
        ("就是这样啊。", []),
        ("", []),
    ],
)
def test_what_is_left_says_what_it_is_about(text: str, found: list[str]):
    """Scripts, width and case are folded; function words and punctuation are gone."""
    assert words(text) == found


def test_characters_are_found_inside_words():
    """A dictionary word does not hide the one that was meant; Latin words stay whole."""
    assert characters(["养", "狗叫", "google", "7"]) == ["养", "狗"]

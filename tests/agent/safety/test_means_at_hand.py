"""Answers to whether the caller means it, that say the means are there."""

from __future__ import annotations

import pytest

from agent.safety.means_at_hand import means_at_hand


@pytest.mark.parametrize(
    "text",
    [
        "在抽屉里",
        "藥就在手邊",
        "已经准备好了",
        "已经买了",
        "家里有农药",
        "今晚就去",
        "我人就在桥边",
        "It's in my drawer",
        "They're right here",
        "I've got them in my hand",
        "Both",
        "I'm holding it",
        "I already took thirty of them",
    ],
)
def test_a_place_or_a_time_is_an_answer(text: str) -> None:
    """Few say yes."""
    assert means_at_hand(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "没有",
        "药我已经让我妈收走了",
        "我妈在家里",
        "孩子在房间",
        "我没有药",
        "I flushed them",
        "no, never",
        "just tired of everything",
    ],
)
def test_what_is_gone_or_somebody_else_is_none(text: str) -> None:
    """Nor is where a person is."""
    assert not means_at_hand(text)

"""Which feelings a reply names, and whether the caller told them."""

from __future__ import annotations

import pytest

from train.feelings import names_untold


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ("妈妈中风了，你很难过。", "我妈去年中风 现在我照顾她"),
        ("轉系沒成，一定很失望。", "轉系沒有轉成"),
        ("You must feel lonely there.", "i moved here in june for the job"),
        ("That's sad. Who knows about it?", "he sold the house"),
    ],
)
def test_a_feeling_that_nobody_told_is_found(reply: str, told: str) -> None:
    """However likely it is that they have it."""
    assert names_untold(reply, told)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ("哭了一夜，很难过吧。", "我昨天哭了一个晚上"),
        ("你很怕他生气。", "我不敢讲 他一生气就砸东西"),
        ("一个人吃饭，有点孤单。", "我每天都一个人吃"),
        ("You're afraid she'll leave.", "i panic every time she is late"),
    ],
)
def test_a_feeling_that_was_told_or_shown_is_none(reply: str, told: str) -> None:
    """What shows a feeling tells it."""
    assert not names_untold(reply, told)


@pytest.mark.parametrize(
    "reply",
    [
        "這半年真的辛苦了。",
        "天气一冷就疼，多久了？",
        "不客气，你慢慢说。",
        "That's a lot for one year.",
        "三个月了。从哪一天开始的？",
    ],
)
def test_sympathy_and_facts_are_no_feelings(reply: str) -> None:
    """Nor are the weather and good manners."""
    assert not names_untold(reply, "嗯")

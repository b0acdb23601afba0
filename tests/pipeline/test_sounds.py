"""Units that sound alike have one sound."""

from __future__ import annotations

import pytest

from pipeline.sounds import sound_of


@pytest.mark.parametrize(
    ("one", "other"),
    [("压", "鸭"), ("四", "十"), ("睡", "岁"), ("请", "亲"), ("Wait", "wait"), ("１", "1")],
)
def test_usual_slips_sound_alike(one: str, other: str) -> None:
    """Homophones, merged initials and finals, case and width make no difference."""
    assert sound_of(one) == sound_of(other)


@pytest.mark.parametrize(("one", "other"), [("不", "是"), ("停", "对"), ("wait", "weight")])
def test_other_words_keep_their_own_sound(one: str, other: str) -> None:
    """What is told apart by ear is told apart here."""
    assert sound_of(one) != sound_of(other)

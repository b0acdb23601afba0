"""A record grows, keeps contradictions, and lets go of what is struck out."""

from __future__ import annotations

import pytest

from agent.intake.record import IntakeRecord
from pipeline.errors import StoreError

EMPTY = IntakeRecord(locale="zh-Hant")


def told(record, field, quote, turn=0, at_secs=None, tier=None):
    return record.with_entry(field, quote, turn=turn, at_secs=at_secs, found_by="rule", tier=tier)


def test_contradictions_stand_side_by_side():
    """Two ages are kept and pointed out; two concerns are not a contradiction."""
    record = told(told(EMPTY, "age", "三十五歲"), "age", "四十歲", turn=3)
    record = told(told(record, "concern", "失眠"), "concern", "吵架", turn=2)
    assert [entry.quote for entry in record.of("age")] == ["三十五歲", "四十歲"]
    assert record.differing == ("age",)


@pytest.mark.parametrize(
    ("field", "first", "later"), [("age", "三十五", "五"), ("goals", "我不想離婚", "想離婚")]
)
def test_words_that_older_ones_contain_are_another_answer(field, first, later):
    """三年了 takes 十三年了 back, whatever letters they share."""
    record = told(told(EMPTY, field, first), field, later, turn=1)
    assert [entry.quote for entry in record.of(field)] == [first, later]


def test_graver_words_are_never_taken_for_known_ones():
    """Not in another turn, not in the same one, and graver ones are never replaced."""
    record = told(EMPTY, "risk", "我真的想死", tier="elevated")
    record = told(record, "risk", "想死", turn=1, tier="imminent")
    record = told(record, "risk", "我真的想死", turn=2, tier="imminent")
    record = told(record, "risk", "我真的想死了", turn=2, tier="elevated")
    record = told(record, "risk", "想死", turn=3, tier="elevated")
    assert [(entry.turn, entry.tier) for entry in record.of("risk")] == [
        (0, "elevated"),
        (1, "imminent"),
        (2, "imminent"),
        (2, "elevated"),
    ]


def test_the_same_words_are_kept_once_in_any_script():
    """Said again, nothing changes."""
    record = told(EMPTY, "health", "睡不著")
    assert told(record, "health", "睡不着", turn=4) is record


def test_words_that_grow_within_a_turn_replace_fewer():
    """The longer quote of a turn has the shorter one in it."""
    record = told(told(EMPTY, "since", "三個月"), "since", "大概三個月")
    assert [entry.quote for entry in record.of("since")] == ["大概三個月"]


def test_what_is_struck_out_is_gone_and_only_counted():
    """No word of it stays in the record's JSON, and its number is not given again."""
    record = told(told(EMPTY, "medication", "在吃舍曲林"), "health", "失眠")
    struck = record.without(1)
    assert "舍曲林" not in struck.model_dump_json()
    assert struck.struck == 1
    assert told(struck, "health", "頭痛").entries[-1].entry_id == 3
    with pytest.raises(StoreError):
        struck.without(1)


def test_a_field_is_told_declined_asked_or_not_asked():
    """The surest of these holds."""
    record = EMPTY.with_question("since").with_question("work").with_refusal("work")
    record = told(record.with_question("health"), "health", "失眠")
    assert [record.state(field) for field in ("health", "work", "since", "goals")] == [
        "told",
        "declined",
        "asked",
        "not_asked",
    ]


def test_a_record_survives_its_json():
    """What the store keeps is what comes back."""
    record = told(EMPTY.with_turn().with_question("since"), "since", "三個月", 1, 12.5)
    assert IntakeRecord.model_validate_json(record.model_dump_json()) == record


def test_what_is_struck_goes_from_turns_kept_whole_too():
    """Under whatever heading the caller struck it."""
    record = IntakeRecord(locale="en")
    for field, quote, turn in (
        ("name", "Ann", 0),
        ("other", "so Ann it is, and the shed is full", 1),
        ("other", "nobody came on Sunday", 2),
    ):
        record = record.with_entry(field, quote, turn=turn, at_secs=None, found_by="learned")
    left = record.without(record.of("name")[0].entry_id)
    assert [entry.quote for entry in left.entries] == ["nobody came on Sunday"]

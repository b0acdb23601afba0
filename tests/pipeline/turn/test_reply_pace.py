"""How long the reply is expected to take: what the last ones took."""

from __future__ import annotations

import pytest

from pipeline.turn.reply_pace import REMEMBERED, ReplyPace, recent_replies


def after(*took_secs: float, pace: ReplyPace | None = None) -> ReplyPace:
    """A pace that has seen drafts take so long, ten seconds apart."""
    pace = pace or ReplyPace()
    for number, secs in enumerate(took_secs):
        pace.begin(number, 10.0 * number)
        pace.voiced(number, 10.0 * number + secs)
    return pace


def test_nothing_is_expected_before_the_first_reply():
    """Nor where nothing is being drafted."""
    pace = after()
    pace.begin(1, 5.0)
    assert pace.remaining_secs(5.1) == 0.0
    assert after(0.8).remaining_secs(50.0) == 0.0


def test_a_draft_is_expected_to_take_what_the_last_ones_took():
    """The median of them, less what has passed; never less than nothing."""
    pace = after(0.8, 0.1, 0.9)
    pace.begin(9, 100.0)
    assert pace.remaining_secs(100.3) == pytest.approx(0.5)
    assert pace.remaining_secs(101.0) == 0.0


def test_a_call_begins_with_what_replies_took_in_the_calls_before():
    """They share the machine."""
    shared = recent_replies()
    after(0.8, 0.9, 0.8, pace=ReplyPace(shared))
    first = ReplyPace(shared)
    assert first.remaining_secs(90.1) == 0.0
    first.begin(1, 100.0)
    assert first.remaining_secs(100.0) == pytest.approx(0.8)


def test_scripted_lines_of_one_call_say_nothing_of_the_next():
    """A call that ends in a crisis, say."""
    shared = recent_replies()
    after(0.8, 0.9, *[0.05] * 9, pace=ReplyPace(shared))
    first = ReplyPace(shared)
    first.begin(1, 100.0)
    assert first.remaining_secs(100.0) == pytest.approx(0.85)


def test_a_call_under_way_goes_by_its_own():
    """The scripted replies of another, which are ready at once, say nothing of this one's."""
    shared = recent_replies()
    own = after(0.8, 0.9, 0.8, pace=ReplyPace(shared))
    after(*[0.01] * 9, pace=ReplyPace(shared))
    own.begin(9, 100.0)
    assert own.remaining_secs(100.0) == pytest.approx(0.8)


def test_only_the_first_sound_of_the_newest_draft_counts():
    """A dropped one may still be synthesised, and every piece of a reply is told."""
    pace = after(0.8)
    pace.begin(8, 100.0)
    pace.begin(9, 101.0)
    pace.voiced(8, 101.1)
    assert pace.remaining_secs(101.2) == pytest.approx(0.6)
    pace.voiced(9, 101.8)
    pace.voiced(9, 109.0)
    pace.begin(10, 110.0)
    assert pace.remaining_secs(110.0) == pytest.approx(0.8)


def test_a_dropped_draft_is_not_waited_for():
    """What its synthesis still reports teaches nothing, and nothing is expected of it."""
    pace = after(0.8)
    pace.begin(8, 100.0)
    pace.dropped(7)
    assert pace.remaining_secs(100.0) == pytest.approx(0.8)
    pace.dropped(8)
    assert pace.remaining_secs(100.0) == 0.0
    pace.voiced(8, 107.0)
    pace.begin(9, 110.0)
    assert pace.remaining_secs(110.0) == pytest.approx(0.8)


def test_what_was_long_ago_is_forgotten():
    """A machine becomes busy, or idle."""
    pace = after(*[0.9] * 9, *[0.2] * (REMEMBERED // 2 + 1))
    pace.begin(99, 200.0)
    assert pace.remaining_secs(200.0) == pytest.approx(0.2)

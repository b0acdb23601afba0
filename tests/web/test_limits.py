import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.limits import DAY_SECS, PerMinute, TalkTime, TokenBucket, refusal_for


def test_a_bucket_allows_a_burst_and_then_its_rate():
    """Three at once, then one every half second."""
    bucket = TokenBucket(2.0, 3, now=0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(at) for at in (0.4, 0.5, 0.6, 1.1)] == [False, True, False, True]


@given(st.lists(st.floats(0, 10), max_size=200).map(sorted), st.integers(1, 20))
def test_a_bucket_never_allows_more_than_burst_and_rate(instants, burst):
    """Whenever they come."""
    bucket = TokenBucket(5.0, burst, now=0.0)
    allowed = sum(bucket.take(at) for at in instants)
    assert allowed <= burst + 5.0 * 10 + 1e-6


def test_callers_are_counted_apart():
    """One who asks too often does not silence another."""
    per_minute = PerMinute(2)
    assert [per_minute.take("a", 0.0) for _ in range(3)] == [True, True, False]
    assert per_minute.take("b", 0.0)
    assert per_minute.take("a", 31.0)


def test_an_attacker_with_many_addresses_fills_no_memory(monkeypatch):
    """Idle ones are forgotten first; when none is idle, new ones wait."""
    monkeypatch.setattr("web.limits.MAX_TRACKED", 10)
    per_minute = PerMinute(2)
    assert all(per_minute.take(str(number), 0.0) for number in range(10))
    assert not per_minute.take("new", 0.0)
    assert per_minute.take("new", 120.0)
    assert len(per_minute._buckets) == 1


def test_talk_time_counts_what_ended_and_what_runs():
    """And forgets it after a day."""
    talk = TalkTime(100.0)
    talk.note("a", 30.0, now=10.0)
    assert talk.left_secs("a", [("a", 20.0), ("b", 0.0)], now=25.0) == pytest.approx(65.0)
    assert talk.left_secs("b", [], now=25.0) == 100.0
    assert talk.left_secs("a", [], now=11.0 + DAY_SECS) == 100.0


def test_a_refusal_says_why():
    """Too many calls at once, or no time left; otherwise none."""
    running = [("a", 0.0), ("a", 1.0), ("b", 2.0)]
    assert refusal_for("b", running, calls_at_once=2, left_secs=5.0) is None
    many = refusal_for("a", running, calls_at_once=2, left_secs=5.0)
    assert many is not None
    assert "at once" in many
    used_up = refusal_for("b", running, calls_at_once=2, left_secs=0.0)
    assert used_up is not None
    assert "talk time" in used_up

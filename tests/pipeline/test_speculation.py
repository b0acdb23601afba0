"""Drafts are booked as hits and misses, and left out under load."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.speculation import (
    QUICK_SECS,
    REPLIES_JUDGED,
    SLOW_SECS,
    SpeculationAccount,
    SpeculationGovernor,
    SpeculationLedger,
)

GENERATIONS = st.integers(1, 6)
INSTANTS = st.floats(0.0, 100.0)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), GENERATIONS, INSTANTS),
        st.tuples(st.just("spend"), GENERATIONS, INSTANTS, st.integers(0, 50)),
        st.tuples(st.just("keep"), GENERATIONS, INSTANTS),
        st.tuples(st.just("drop"), GENERATIONS),
        st.tuples(st.just("close")),
    )
)


def book(ledger: SpeculationLedger, events: list[tuple]) -> list[SpeculationAccount]:
    """Feed the events; the accounts of the turns that were closed."""
    turns = []
    for event in events:
        match event:
            case "begin", generation, at:
                ledger.begin(generation, at)
            case "spend", generation, at, amount:
                ledger.spend(generation, at, tokens=amount, audio_samples=480 * amount)
            case "keep", generation, at:
                ledger.keep(generation, at)
            case "drop", generation:
                ledger.drop(generation)
            case _:
                turns.append(ledger.close_turn())
    return turns


@given(EVENTS)
def test_every_draft_is_a_hit_a_miss_or_open(events: list[tuple]):
    """Whatever is said of it, in whatever order; and nothing is ever negative."""
    ledger = SpeculationLedger()
    book(ledger, events)
    call = ledger.call
    assert call.drafts == call.hits + call.misses + ledger.open_drafts
    assert min(call.entries().values()) >= 0
    assert call.hits or not call.saved_secs
    assert call.misses or not (call.wasted_tokens or call.wasted_audio_samples)


@given(EVENTS)
def test_the_turns_add_up_to_the_call(events: list[tuple]):
    """Closed ones and the one under way; no draft is booked twice or lost."""
    ledger = SpeculationLedger()
    total = sum([*book(ledger, events), ledger.turn], SpeculationAccount())
    assert astuple(total) == pytest.approx(astuple(ledger.call))


@given(EVENTS, st.booleans(), EVENTS)
def test_late_results_of_closed_drafts_change_nothing(
    before: list[tuple], kept: bool, late: list[tuple]
):
    """Nor can a closed generation be begun again."""
    ledger = SpeculationLedger()
    book(ledger, [*before, ("begin", 7, 1.0)])
    for generation in range(1, 8):
        if kept:
            ledger.keep(generation, 2.0)
        else:
            ledger.drop(generation)
    closed = ledger.call
    book(ledger, late)
    assert ledger.call == closed
    assert ledger.open_drafts == 0


def test_a_miss_wastes_what_it_had_come_to():
    """Its tokens and its voice, as last reported before it was dropped."""
    ledger = SpeculationLedger()
    ledger.begin(2, 10.0)
    ledger.spend(2, 10.2, tokens=3)
    ledger.spend(2, 10.3, tokens=7)
    ledger.spend(2, 10.4, audio_samples=OUTPUT_RATE_HZ // 2)
    ledger.drop(2)
    assert ledger.close_turn().entries() == {
        "drafts": 1,
        "hits": 0,
        "misses": 1,
        "wasted_tokens": 7,
        "wasted_audio_ms": 500.0,
        "saved_ms": 0.0,
    }


@pytest.mark.parametrize(
    ("voiced_at", "saved_ms"),
    [
        pytest.param(None, 400.0, id="no voice yet: all the time since it was begun"),
        pytest.param(10.25, 250.0, id="long ready: what it took"),
        pytest.param(10.4, 400.0, id="just ready: both are the same"),
    ],
)
def test_a_hit_saves_the_work_done_before_the_commit(voiced_at: float | None, saved_ms: float):
    """Begun at 10.0, committed at 10.4."""
    ledger = SpeculationLedger()
    ledger.begin(2, 10.0)
    ledger.spend(2, 10.1, tokens=1)
    if voiced_at is not None:
        ledger.spend(2, voiced_at, audio_samples=240)
        ledger.spend(2, 10.4, audio_samples=4800)
    ledger.keep(2, 10.4)
    account = ledger.close_turn().entries()
    assert (account["hits"], account["saved_ms"]) == (1, saved_ms)
    assert account["wasted_tokens"] == account["wasted_audio_ms"] == 0


def answer(governor: SpeculationGovernor, generation: int, delay_secs: float) -> bool:
    """One more reply that took so long; whether drafts are allowed then."""
    governor.begin(generation, 10.0 * generation)
    governor.answered(generation, 10.0 * generation + delay_secs)
    governor.answered(generation, 10.0 * generation + 9.0)  # the rest of it
    return governor.allows


def after(*delays_secs: float) -> list[bool]:
    governor = SpeculationGovernor()
    return [answer(governor, number, delay) for number, delay in enumerate(delays_secs, start=1)]


def test_load_switches_drafts_off_and_its_end_on_again():
    """Two slow replies of three, then two quick ones of three."""
    slow, quick = SLOW_SECS + 0.1, QUICK_SECS - 0.1
    assert after(quick, slow, slow, slow, quick, quick) == [True, True, False, False, False, True]


def test_one_stall_switches_nothing():
    """In either state."""
    slow, quick = SLOW_SECS + 2.0, QUICK_SECS - 0.1
    assert all(after(quick, quick, slow, quick, quick))
    assert after(slow, slow, slow, quick, slow)[-1] is False


@given(st.lists(st.floats(QUICK_SECS + 0.01, SLOW_SECS - 0.01), max_size=12), st.booleans())
def test_between_the_limits_everything_stays_as_it_is(delays_secs: list[float], loaded: bool):
    """No flapping about a single limit."""
    first = SLOW_SECS + 1.0 if loaded else QUICK_SECS / 2
    governor = SpeculationGovernor()
    for number, delay in enumerate([*[first] * REPLIES_JUDGED, *delays_secs], start=1):
        answer(governor, number, delay)
    assert governor.allows is not loaded


@given(st.lists(st.floats(0.0, 5.0), max_size=20))
def test_quick_replies_always_bring_drafts_back(delays_secs: list[float]):
    """Whatever came before: off is never for good."""
    governor = SpeculationGovernor()
    for number, delay in enumerate([*delays_secs, *[0.1] * REPLIES_JUDGED], start=1):
        answer(governor, number, delay)
    assert governor.allows


def test_a_draft_dropped_in_mid_wait_counts_only_if_it_was_slow():
    """Nobody knows how long a quick one would have taken."""
    for waited_secs, allows in ((SLOW_SECS + 0.1, False), (SLOW_SECS - 0.1, True)):
        governor = SpeculationGovernor()
        for generation in range(1, 4):
            governor.begin(generation, 10.0 * generation)
            governor.drop(generation, 10.0 * generation + waited_secs)
            governor.answered(generation, 10.0 * generation + 9.0)
        assert governor.allows is allows


def test_limits_must_leave_room_between_them():
    """Without it there is no hysteresis."""
    with pytest.raises(ValueError, match="between 0 and slow_secs"):
        SpeculationGovernor(slow_secs=0.5, quick_secs=0.5)

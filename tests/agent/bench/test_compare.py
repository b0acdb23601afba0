"""Changes and noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.bench.compare import FIGURES, check_comparable, compare, latency_interval
from pipeline.errors import ConfigError
from tests.agent.bench.results import turn, turns

RNG = np.random.default_rng(3)
BASE_MS = RNG.gamma(6.0, 80.0, size=60)  # turns differ by hundreds of milliseconds


def verdicts(changes):
    return {change.figure: change.verdict for change in changes}


def test_the_same_run_has_not_changed():
    """Every figure, with an interval of no width."""
    run = turns(BASE_MS)
    changes = compare(run, run)
    assert set(verdicts(changes)) == set(FIGURES)
    assert set(verdicts(changes).values()) == {"no change"}
    assert all(change.difference.low == change.difference.high == 0.0 for change in changes)


def test_noise_is_no_change():
    """Twenty milliseconds of jitter around the same latencies."""
    changes = compare(turns(BASE_MS), turns(BASE_MS + RNG.normal(0, 20, size=60)))
    assert verdicts(changes)["p50_ms"] == verdicts(changes)["p95_ms"] == "no change"


def test_a_shift_below_the_spread_of_turns_is_found():
    """Turns are compared with themselves, so 60 ms show among turns that differ by hundreds."""
    changes = compare(turns(BASE_MS), turns(BASE_MS + 60 + RNG.normal(0, 20, size=60)))
    assert verdicts(changes)["p50_ms"] == "worse"
    back = compare(turns(BASE_MS + 60), turns(BASE_MS + RNG.normal(0, 20, size=60)))
    assert verdicts(back)["p50_ms"] == "better"


def test_a_handful_of_turns_proves_nothing():
    """However large the difference."""
    changes = compare(turns([400.0] * 5), turns([4000.0] * 5))
    assert set(verdicts(changes).values()) == {"too few turns"}
    assert verdicts(compare(turns([400.0] * 6), turns([4000.0] * 6)))["p50_ms"] == "worse"


def test_rates_change_too():
    """One cut turn in sixty may be chance, twenty are not."""
    once = [*turns(BASE_MS[:59]), turn(turn_id="last", premature=True)]
    before = [*turns(BASE_MS[:59]), turn(turn_id="last")]
    assert verdicts(compare(before, once))["premature_percent"] == "no change"
    often = [*turns(BASE_MS[:40]), *(turn(turn_id=f"x{n}", premature=True) for n in range(20))]
    rarely = [*turns(BASE_MS[:40]), *(turn(turn_id=f"x{n}") for n in range(20))]
    assert verdicts(compare(rarely, often))["premature_percent"] == "worse"


def test_only_turns_that_both_runs_answered_tell_a_latency():
    """A missing answer is a missed end, not a fast one."""
    before, now = list(turns([400.0] * 20)), list(turns([400.0] * 20))
    now[0] = turn(turn_id="call/1", latency_ms=None, missed=True)
    changes = {change.figure: change for change in compare(before, now)}
    assert changes["p50_ms"].verdict == "no change"
    assert changes["missed_percent"].new == 5.0


def test_runs_without_a_common_turn_cannot_be_compared():
    """Other words, or the same words in another voice; this is known before the run is held."""
    for other in (turn(turn_id="other"), turn(turn_id="call/1", audio="other")):
        with pytest.raises(ConfigError, match="no turn in common"):
            compare(turns([1.0]), [other])
        with pytest.raises(ConfigError, match="no turn in common"):
            check_comparable(turns([1.0]), [(other.turn_id, other.audio)])
    check_comparable(turns([1.0, 2.0]), [("call/2", turn().audio), ("other", "other")])


def test_without_common_answers_there_is_no_change_of_latency():
    """The other figures are compared all the same."""
    compared = verdicts(compare(turns([1.0] * 6), turns([None] * 6, missed=True)))
    assert set(FIGURES) - set(compared) == {
        *("p50_ms", "p95_ms", "first_sound_p50_ms", "first_sound_p95_ms")
    }
    assert compared["missed_percent"] == "worse"


@settings(max_examples=20)
@given(st.lists(st.floats(50, 5000), min_size=1, max_size=40), st.sampled_from([50, 95]))
def test_an_interval_holds_its_value(latencies, percent):
    """And lies between the fastest and the slowest turn."""
    interval = latency_interval(latencies, percent)
    assert interval is not None
    assert min(latencies) - 0.01 <= interval.low <= interval.high <= max(latencies) + 0.01
    if percent == 50:
        assert interval.low - 0.01 <= interval.value <= interval.high + 0.01


def test_no_answers_no_interval():
    """None rather than a number."""
    assert latency_interval([None], 50) is None

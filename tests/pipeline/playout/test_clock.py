"""The playout clock never runs past what was sent, and trusts a client that reports."""

from __future__ import annotations

from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.playout.clock import ASSUMED_CLIENT_DELAY_SECS, PlayoutClock

SECOND = OUTPUT_RATE_HZ
DELAY = ASSUMED_CLIENT_DELAY_SECS


def test_nothing_sent_is_position_zero() -> None:
    """Time alone plays nothing."""
    assert PlayoutClock(holds_on_pause=False).position(10.0) == 0


def test_position_follows_time_after_the_assumed_delay() -> None:
    """Half a second after the client began it has played half a second."""
    clock = PlayoutClock(holds_on_pause=False)
    clock.sent(2 * SECOND, 1.0)
    assert clock.position(1.0 + DELAY) == 0
    assert abs(clock.position(1.5 + DELAY) - SECOND // 2) <= 1


def test_position_stops_at_what_was_sent() -> None:
    """An underrun is not played text."""
    clock = PlayoutClock(holds_on_pause=False)
    clock.sent(SECOND, 0.0)
    assert clock.position(60.0) == SECOND


def test_an_underrun_is_not_caught_up() -> None:
    """Audio that comes late is played from when it comes."""
    clock = PlayoutClock(holds_on_pause=False)
    clock.sent(SECOND, 0.0)
    clock.sent(2 * SECOND, 10.0)
    assert clock.position(10.0) == SECOND
    assert abs(clock.position(10.5) - SECOND * 3 // 2) <= 1


def test_a_report_replaces_the_estimate() -> None:
    """The client's own count holds from its instant on."""
    clock = PlayoutClock(holds_on_pause=True)
    clock.sent(2 * SECOND, 0.0)
    clock.report(1000, 0.5)
    assert clock.position(0.5) == 1000
    assert clock.confirmed is not None


def test_a_holding_client_stands_still_in_a_pause() -> None:
    """Between pause and resume nothing is played."""
    clock = PlayoutClock(holds_on_pause=True)
    clock.sent(2 * SECOND, 0.0)
    clock.pause(0.5 + DELAY)
    assert clock.position(5.0) == clock.position(0.5 + DELAY)


def test_another_client_plays_out_its_buffer_in_a_pause() -> None:
    """A client that cannot hold is estimated to play on."""
    clock = PlayoutClock(holds_on_pause=False)
    clock.sent(SECOND, 0.0)
    clock.pause(0.5 + DELAY)
    assert clock.position(5.0) == SECOND


def test_furthest_survives_a_rewind() -> None:
    """What was heard before a resume at an earlier border stays heard."""
    clock = PlayoutClock(holds_on_pause=True)
    clock.sent(2 * SECOND, 0.0)
    clock.pause(1.0 + DELAY)
    furthest = clock.furthest
    clock.resume(SECOND // 2, 3.0)
    assert clock.position(3.0) == SECOND // 2
    assert clock.furthest == furthest

import asyncio

from pipeline import events as call
from pipeline.speculation import SpeculationAccount
from web.metrics import Metrics, sample_loop_lag


def test_the_99th_percentile_is_over_recent_samples():
    """One bad sample in a hundred does not show, two do."""
    metrics = Metrics()
    assert metrics.loop_lag_p99_secs() == 0.0
    for _ in range(99):
        metrics.observe_lag(0.001)
    metrics.observe_lag(0.5)
    assert metrics.loop_lag_p99_secs() == 0.001
    metrics.observe_lag(0.5)
    assert metrics.loop_lag_p99_secs() == 0.5


async def test_a_blocked_loop_shows_as_lag():
    """What the clock says beyond the interval is the lag."""
    metrics = Metrics()
    times = iter([0.0, 0.05 + 0.2])
    sampler = asyncio.create_task(sample_loop_lag(metrics, lambda: next(times, 100.0)))
    while not metrics.loop_lag_p99_secs():  # noqa: ASYNC110 (the gauge has no event)
        await asyncio.sleep(0)
    sampler.cancel()
    await asyncio.gather(sampler, return_exceptions=True)
    assert abs(metrics.loop_lag_p99_secs() - 0.2) < 1e-9


def test_every_event_of_a_call_can_be_observed():
    """Counting never fails on an event it does not count."""
    metrics = Metrics()
    for event in (
        call.StateChanged("listening"),
        call.TranscriptCompleted("turn_1", "", "zh"),
        call.TranscriptCompleted("turn_2", "你好", "zh"),
        call.ReplyFinished("reply_1", "interrupted", "a", "", True, 0.0),
        call.CallFailed("engine_error", "x"),
        call.CallEnded("hangup"),
    ):
        metrics.observe(event)
    value = metrics.registry.get_sample_value
    assert value("qingting_turns_total") == 1
    assert value("qingting_replies_total", {"status": "interrupted"}) == 1
    assert value("qingting_engine_errors_total", {"code": "engine_error"}) == 1


def test_drafts_are_counted_by_outcome():
    """Every entry of a turn's account but the drafts begun, which are hits and misses."""
    metrics = Metrics()
    account = SpeculationAccount(
        drafts=3, hits=1, misses=2, wasted_tokens=9, wasted_audio_samples=36_000, saved_secs=0.25
    )
    for _ in range(2):
        metrics.observe(call.TurnMeasured("turn_1", "reply_1", {}, None, account.entries()))
    metrics.observe(call.TurnMeasured("", "reply_2", {}, None))
    value = metrics.registry.get_sample_value
    assert value("qingting_speculation_drafts_total", {"outcome": "hit"}) == 2
    assert value("qingting_speculation_drafts_total", {"outcome": "miss"}) == 4
    assert value("qingting_speculation_wasted_tokens_total") == 18
    assert value("qingting_speculation_wasted_audio_seconds_total") == 3.0
    assert value("qingting_speculation_saved_seconds_total") == 0.5

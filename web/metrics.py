"""What `/metrics` shows: the event loop's lag, calls, turns, drafts, failures."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from pipeline import events as call

LAG_INTERVAL_SECS = 0.05
LAG_WINDOW_SAMPLES = 1_200  # one minute
_LAG_BUCKETS_SECS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_LATENCY_BUCKETS_SECS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0)


class Metrics:
    """The figures of one process, in a registry of their own so that tests do not share them."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.calls = Gauge("qingting_calls", "Calls under way", registry=self.registry)
        self.calls_ended = Counter(
            "qingting_calls_ended",
            "Calls that ended, by reason",
            ["reason"],
            registry=self.registry,
        )
        self.calls_refused = Counter(
            "qingting_calls_refused", "Calls refused, by reason", ["reason"], registry=self.registry
        )
        self.client_errors = Counter(
            "qingting_client_errors",
            "Messages answered by an error event, by code",
            ["code"],
            registry=self.registry,
        )
        self.engine_errors = Counter(
            "qingting_engine_errors",
            "Failures inside a call, by code",
            ["code"],
            registry=self.registry,
        )
        self.replies = Counter(
            "qingting_replies", "Replies that ended, by status", ["status"], registry=self.registry
        )
        self.turns = Counter("qingting_turns", "Turns with words in them", registry=self.registry)
        self.backchannels = Counter(
            "qingting_backchannels", "Backchannels over the bot", registry=self.registry
        )
        self.response_latency = Histogram(
            "qingting_response_latency_seconds",
            "From the last voiced sample to the first sample played",
            buckets=_LATENCY_BUCKETS_SECS,
            registry=self.registry,
        )
        self.marks = Histogram(
            "qingting_mark_seconds",
            "Each mark of a turn after the last voiced sample",
            ["mark"],
            buckets=_LATENCY_BUCKETS_SECS,
            registry=self.registry,
        )
        self.drafts = Counter(
            "qingting_speculation_drafts",
            "Replies begun before their turn was taken, by outcome",
            ["outcome"],
            registry=self.registry,
        )
        self.wasted_tokens = Counter(
            "qingting_speculation_wasted_tokens",
            "Tokens of drafts that were dropped",
            registry=self.registry,
        )
        self.wasted_audio = Counter(
            "qingting_speculation_wasted_audio_seconds",
            "Voice of drafts that were dropped",
            registry=self.registry,
        )
        self.saved = Counter(
            "qingting_speculation_saved_seconds",
            "By how much the drafts that were kept sounded earlier",
            registry=self.registry,
        )
        self.loop_lag = Histogram(
            "qingting_event_loop_lag_seconds",
            "How late the event loop woke",
            buckets=_LAG_BUCKETS_SECS,
            registry=self.registry,
        )
        self._recent_lag_secs: deque[float] = deque(maxlen=LAG_WINDOW_SAMPLES)
        Gauge(
            "qingting_event_loop_lag_p99_seconds",
            "99th percentile of the lag over the last minute",
            registry=self.registry,
        ).set_function(self.loop_lag_p99_secs)

    @contextmanager
    def one_call(self) -> Iterator[None]:
        """Count a call as under way inside the block."""
        self.calls.inc()
        try:
            yield
        finally:
            self.calls.dec()

    def observe(self, event: call.CallEvent) -> None:
        """Count one event of a call."""
        match event:
            case call.TranscriptCompleted(text=text) if text:
                self.turns.inc()
            case call.ReplyFinished(status=status):
                self.replies.labels(status).inc()
            case call.BackchannelNoted():
                self.backchannels.inc()
            case call.CallFailed(code=code):
                self.engine_errors.labels(code).inc()
            case call.TurnMeasured():
                if event.response_latency_ms is not None:
                    self.response_latency.observe(event.response_latency_ms / 1000)
                for mark, after_ms in event.marks_ms.items():
                    if mark in call.MARKS:
                        self.marks.labels(mark).observe(after_ms / 1000)
                self._count_drafts(event.ledger)

    def _count_drafts(self, ledger: Mapping[str, float]) -> None:
        """Add one turn's account; see `pipeline.speculation`."""
        self.drafts.labels("hit").inc(ledger.get("hits", 0.0))
        self.drafts.labels("miss").inc(ledger.get("misses", 0.0))
        self.wasted_tokens.inc(ledger.get("wasted_tokens", 0.0))
        self.wasted_audio.inc(ledger.get("wasted_audio_ms", 0.0) / 1000)
        self.saved.inc(ledger.get("saved_ms", 0.0) / 1000)

    def observe_lag(self, lag_secs: float) -> None:
        self.loop_lag.observe(lag_secs)
        self._recent_lag_secs.append(lag_secs)

    def loop_lag_p99_secs(self) -> float:
        """99th percentile over the last minute; 0.0 before the first sample."""
        lags = sorted(self._recent_lag_secs)
        return lags[int(0.99 * (len(lags) - 1))] if lags else 0.0

    def render(self) -> bytes:
        """The text format that Prometheus reads."""
        return generate_latest(self.registry)


async def sample_loop_lag(metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
    """Measure how late this event loop wakes, until cancelled."""
    while True:
        due_at = clock() + LAG_INTERVAL_SECS
        await asyncio.sleep(LAG_INTERVAL_SECS)
        metrics.observe_lag(max(0.0, clock() - due_at))

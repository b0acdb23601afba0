"""How much one caller may take. Pure: every method is told the time, in monotonic seconds."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable

MINUTE_SECS = 60.0
DAY_SECS = 24 * 3600.0
MAX_TRACKED = 10_000  # callers remembered; an attacker with more addresses is another problem


class TokenBucket:
    """Allows `rate_per_sec` on average and `burst` at once."""

    def __init__(self, rate_per_sec: float, burst: float, now: float) -> None:
        self._rate_per_sec = rate_per_sec
        self._burst = burst
        self._tokens = burst
        self._at = now

    def take(self, now: float) -> bool:
        """Whether one more is allowed now."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate_per_sec)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def full_by(self, now: float) -> bool:
        """Whether nothing of it is missing any more, so that it need not be remembered."""
        return self._tokens + (now - self._at) * self._rate_per_sec >= self._burst


class PerMinute:
    """At most `limit` a minute for each caller.

    Args:
        limit: A burst may be as large; after it one more every 60 / limit seconds.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buckets: dict[str, TokenBucket] = {}

    def take(self, caller: str, now: float) -> bool:
        """Whether this caller may do it once more now."""
        bucket = self._buckets.get(caller)
        if bucket is None:
            self._forget_idle(now)
            if len(self._buckets) >= MAX_TRACKED:
                return False
            bucket = TokenBucket(self._limit / MINUTE_SECS, self._limit, now)
            self._buckets[caller] = bucket
        return bucket.take(now)

    def _forget_idle(self, now: float) -> None:
        if len(self._buckets) < MAX_TRACKED:
            return
        self._buckets = {
            caller: bucket for caller, bucket in self._buckets.items() if not bucket.full_by(now)
        }


class TalkTime:
    """Who has been on calls for how long, and how many calls each holds now.

    Args:
        secs_per_day: Of all calls that ended in the last 24 hours, and those under way.
    """

    def __init__(self, secs_per_day: float) -> None:
        self._secs_per_day = secs_per_day
        self._ended: defaultdict[str, deque[tuple[float, float]]] = defaultdict(deque)

    def note(self, caller: str, secs: float, now: float) -> None:
        """A call of `secs` has ended."""
        self._ended[caller].append((now, secs))
        for known in [known for known in self._ended if not self._recent(known, now)]:
            del self._ended[known]

    def left_secs(self, caller: str, running: Iterable[tuple[str, float]], now: float) -> float:
        """What is left of a caller's day; `running` are calls and when they began."""
        under_way = sum(now - began_at for name, began_at in running if name == caller)
        ended = sum(secs for _, secs in self._recent(caller, now)) if caller in self._ended else 0
        return self._secs_per_day - ended - under_way

    def _recent(self, caller: str, now: float) -> deque[tuple[float, float]]:
        calls = self._ended[caller]
        while calls and calls[0][0] < now - DAY_SECS:
            calls.popleft()
        return calls


def refusal_for(
    caller: str,
    running: Iterable[tuple[str, float]],
    *,
    calls_at_once: int,
    left_secs: float,
) -> str | None:
    """Why one more call would be too much for this caller, as a sentence; None if it is not."""
    if sum(1 for name, _ in running if name == caller) >= calls_at_once:
        return f"{calls_at_once} calls at once are allowed; end one first"
    if left_secs <= 0:
        return "the talk time of 24 hours is used up; please come back tomorrow"
    return None

"""What the engine has done so far, for metrics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineStats:
    """A snapshot; counters run from load on.

    Attributes:
        prompt_tokens_evaluated: Prompt tokens that had to be computed.
        prompt_tokens_reused: Prompt tokens that were in the cache already.
        reply_tokens: Tokens written, all replies together.
        writing_secs: Time spent in steps in which at least one reply was written.
        steps: Decode steps.
        replies_finished: Replies that came to their end.
        replies_dropped: Replies cancelled before their end, drafts above all.
        prefills_finished: Prefills that gave a probability.
        prefills_dropped: Prefills cancelled or replaced before their end.
        failures: Requests that ended with an error.
        evictions: Idle rows dropped because the cache was full.
        displacements: Requests that gave up their row for another, to begin anew later.
        waiting: Requests without a row, now.
        running: Requests with a row, now.
        free_rows: Rows of the cache that belong to nobody, now.
        cached_tokens: Tokens in all rows, shared ones counted for each, now.
    """

    prompt_tokens_evaluated: int = 0
    prompt_tokens_reused: int = 0
    reply_tokens: int = 0
    writing_secs: float = 0.0
    steps: int = 0
    replies_finished: int = 0
    replies_dropped: int = 0
    prefills_finished: int = 0
    prefills_dropped: int = 0
    failures: int = 0
    evictions: int = 0
    displacements: int = 0
    waiting: int = 0
    running: int = 0
    free_rows: int = 0
    cached_tokens: int = 0

    @property
    def tokens_per_sec(self) -> float:
        """Reply tokens a second while at least one reply was written; 0.0 before the first."""
        return self.reply_tokens / self.writing_secs if self.writing_secs else 0.0

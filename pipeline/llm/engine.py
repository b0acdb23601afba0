"""The worker thread that owns the model and serves all conversations in one batch.

    conversation ──submit, cancel, forget──▶ inbox ──▶ waiting ──▶ running ──▶ gone
                                                      (no row)    (has a row)
                                                          ▲            │
                                                          └─ displaced ┘ when the cache is full

Between two decode steps the worker reads its inbox, drops what was cancelled, gives rows
to what waits and plans the next step. A cancel therefore takes effect within one token;
when everything in a step is cancelled, the step itself is aborted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Protocol

from pipeline.audio import FloatArray
from pipeline.computing import Computing
from pipeline.errors import GenerationError
from pipeline.llm.base import FinishReason, Sampling, TextDelta
from pipeline.llm.native import DecodeResult, Entry
from pipeline.llm.reply_text import Written
from pipeline.llm.requests import Prefill, Reply, Request, Sampler, builds_on
from pipeline.llm.schedule import plan
from pipeline.llm.sequences import Memory, SequenceTable
from pipeline.llm.stats import EngineStats
from pipeline.llm.tuning import StepTuner

logger = logging.getLogger(__name__)

# Longest the worker waits, before one step, for stages that asked it to stand aside. A
# stage that never comes back costs tokens per second, not the reply.
STAND_ASIDE_LIMIT_SECS = 0.3
# A prefill's step of at most so many tokens is of words, which newer ones may have made stale; of
# more, of a history that the next prefill needs as well.
ABORTED_PREFILL_TOKENS = 8

_COUNTERS = (
    "prompt_tokens_evaluated",
    "prompt_tokens_reused",
    "reply_tokens",
    "steps",
    "replies_finished",
    "replies_dropped",
    "prefills_finished",
    "prefills_dropped",
    "failures",
    "evictions",
    "displacements",
)
# Marks at which a first clause ends, unless it is as short as 嗯， or Mm, and goes on.
_CLAUSE_ENDS = frozenset("。．.？?！!，,；;：:…\n")
_OPENING_TOKENS = 2
_CLOSED = "The language model has been closed"
_FULL = "The language model's context has no room for this conversation"
_BROKEN = "The language model failed while it evaluated this request"


class ModelRuntime(Memory, Protocol):
    """What the engine needs of the loaded model; `native.Runtime` is one and explains it."""

    def decode(self, entries: Sequence[Entry], threads: int) -> DecodeResult: ...

    def logits(self, index: int) -> FloatArray: ...

    def sampler(self, sampling: Sampling, just_said: Sequence[int]) -> Sampler: ...

    def piece(self, token: int) -> bytes: ...

    def ends_generation(self, token: int) -> bool: ...

    def length(self, row: int) -> int: ...

    def abort(self, wanted: bool) -> None: ...

    def close(self) -> None: ...


class Engine:
    """Runs requests. `submit`, `cancel`, `forget`, `stats` and `close` are thread-safe."""

    def __init__(
        self,
        runtime: ModelRuntime,
        turn_end_probability: Callable[[FloatArray], float],
        *,
        rows: int,
        prefill_batch_tokens: int,
        conversation_tokens: int,
        threads: int = 1,
        threads_batch: int = 1,
        cores: int = 1,
        computing: Computing | None = None,
        pause_between_steps_secs: float = 0.0,
        whole_rows_only: bool = False,
    ) -> None:
        """Start the worker, the only one to use `runtime` until `close` frees it.

        Args:
            runtime: The loaded model.
            turn_end_probability: Judges the logits after the words so far.
            rows: Rows of the runtime's cache.
            prefill_batch_tokens: Most prompt tokens of one step.
            conversation_tokens: Most tokens of one prompt with its reply.
            threads: Most compute threads of a step for one reply from its second clause on, when
                its voice is at work, and for one in the background.
            threads_batch: Most compute threads of any other step.
            cores: On which the engines compute.
            computing: Tells how many others are at work; each takes a core away from a step.
            pause_between_steps_secs: Sleep after every step, to leave a core to others.
            whole_rows_only: Whether the model cannot rewind its state.
        """
        self._runtime = runtime
        self._turn_end_probability = turn_end_probability
        self._table = SequenceTable(rows, runtime, whole_rows_only=whole_rows_only)
        self._prefill_batch_tokens = prefill_batch_tokens
        self._conversation_tokens = conversation_tokens
        self._threads = threads
        self._threads_batch = threads_batch
        self._cores = cores
        self._computing = computing or Computing()
        self._tuner = StepTuner()
        self._turn = 0
        self._prefilling_tokens = 0  # of prefills, in the step under way
        self._pause_between_steps_secs = pause_between_steps_secs

        self._changed = threading.Condition()
        self._inbox: list[Request] = []
        self._forgotten: list[tuple[int, Future[None]]] = []
        self._guests = 0
        self._closing = False

        self._waiting: list[Request] = []
        self._running: list[Request] = []
        self._displaced: list[Request] = []  # for whom there is room when another has ended
        self._counts = Counter(dict.fromkeys(_COUNTERS, 0))
        self._writing_secs = 0.0
        self._worker = threading.Thread(target=self._work, name="llm", daemon=True)
        self._worker.start()

    def submit(self, request: Request) -> None:
        """Queue a request; its answer comes from the worker thread."""
        with self._changed:
            if not self._closing:
                self._inbox.append(request)
                self._changed.notify()
                return
        request.fail(GenerationError(_CLOSED, retryable=False))

    def cancel(self, request: Request) -> None:
        """Drop a request; nothing more is heard of it, except what is already under way.

        What it has evaluated stays cached. Does nothing for one that has ended. A step for
        nobody else is aborted, but not one that reads a conversation's history: every newer
        prefill would begin it again, and on a slow machine none would end.
        """
        with self._changed:
            request.cancelled = True
            for_nobody = self._running and all(one.cancelled for one in self._running)
            if for_nobody and self._prefilling_tokens <= ABORTED_PREFILL_TOKENS:
                self._runtime.abort(True)
            self._changed.notify()

    def forget(self, owner: int) -> Future[None]:
        """Drop a conversation's requests and rows; the future is done when they are gone."""
        gone: Future[None] = Future()
        with self._changed:
            if self._closing:
                gone.set_result(None)
            else:
                self._forgotten.append((owner, gone))
                self._changed.notify()
        return gone

    @contextmanager
    def stand_aside(self) -> Iterator[None]:
        """Keep the worker from beginning new steps while something more urgent runs.

        For work of a few hundred milliseconds; the worker waits for at most
        `STAND_ASIDE_LIMIT_SECS` before each step.
        """
        with self._changed:
            self._guests += 1
        try:
            yield
        finally:
            with self._changed:
                self._guests -= 1
                self._changed.notify()

    def stats(self) -> EngineStats:
        """A snapshot of the counters."""
        with self._changed:
            return EngineStats(
                **self._counts,
                writing_secs=self._writing_secs,
                waiting=len(self._waiting) + len(self._inbox) + len(self._displaced),
                running=len(self._running),
                free_rows=self._table.free,
                cached_tokens=self._table.cached_tokens,
            )

    def close(self) -> None:
        """Fail what is left, stop the worker and free the model; blocks for one step."""
        with self._changed:
            self._closing = True
            self._runtime.abort(True)
            self._changed.notify()
        self._worker.join()
        self._runtime.close()

    # ── the worker thread ────────────────────────────────────────────────────────────

    def _work(self) -> None:
        try:
            while self._await_work():
                self._step()
        except Exception:
            logger.exception("The language model's worker died")
            with self._changed:
                self._closing = True
        finally:
            self._wind_up()

    def _await_work(self) -> bool:
        """Read the inbox; wait while there is nothing to do. False when closing."""
        with self._changed:
            while not self._closing:
                self._waiting += self._inbox
                self._inbox.clear()
                self._reap()
                if self._waiting or self._running:
                    self._runtime.abort(False)
                    return True
                self._changed.wait()
        return False

    def _step(self) -> None:
        self._begin_waiting()
        if not self._running:
            return
        self._let_others_pass()
        began, others = time.monotonic(), (self._computing.count, self._computing.begun)
        threads = self._tuner.threads(self._most_threads(), began)
        step = plan(self._running, self._prefill_batch_tokens, turn=self._next_turn(threads))
        entries = [entry for request, share in step for entry in _entries(request, share)]
        self._prefilling_tokens = sum(share for one, share in step if isinstance(one, Prefill))
        result = self._runtime.decode(entries, threads)
        self._prefilling_tokens = 0
        self._counts["steps"] += 1
        if result is DecodeResult.DONE:
            now = time.monotonic()
            # Where another engine began beside it, a slow step is no surprise.
            if threads == 1 or others == (self._computing.count, self._computing.begun):
                self._tuner.note(tokens=len(entries), threads=threads, secs=now - began, at=now)
            self._advance(step, began)
        elif result is DecodeResult.NO_ROOM:
            self._make_room()
        elif result is DecodeResult.ABORTED:
            self._resynchronise()
        else:
            for request, _ in step:
                self._fail(request, GenerationError(_BROKEN))

    def _most_threads(self) -> int:
        most = self._threads_batch
        match self._running:
            case [Reply(writing=True) as reply] if reply.background or not reply.first_clause:
                most = self._threads
        return max(1, min(most, self._cores - self._computing.count))

    def _next_turn(self, threads: int) -> int | None:
        """None to serve all replies in one step, else whose turn it is."""
        replies = sum(1 for request in self._running if request.writing and not request.background)
        if replies < 2 or self._tuner.batching_pays(replies, threads):
            return None
        self._turn += 1
        return self._turn

    def _advance(self, step: Sequence[tuple[Request, int]], began: float) -> None:
        """Note what was evaluated; draw tokens and probabilities where logits are due."""
        wrote = False
        output = -1
        for request, share in step:
            output += share
            assert request.row is not None
            if not request.writing:
                self._counts["prompt_tokens_evaluated"] += share
            done = len(request.row.tokens)
            request.row.tokens += request.target[done : done + share]
            if request.pending or request.cancelled:
                continue
            if isinstance(request, Reply):
                self._write(request, output)
                wrote = True
            elif isinstance(request, Prefill):
                request.answer(self._turn_end_probability(self._runtime.logits(output)))
                self._end(request, "prefills_finished")
        if wrote:
            self._writing_secs += time.monotonic() - began

    def _write(self, reply: Reply, output: int) -> None:
        """Draw the reply's next token and deliver its text."""
        if reply.sampler is None:
            try:
                reply.sampler = self._runtime.sampler(reply.sampling, reply.just_said)
            except GenerationError as error:
                self._fail(reply, error)
                return
        token = reply.sampler.draw(output)
        if self._runtime.ends_generation(token):
            self._finish(reply, reply.text.finish("stop"))
            return
        reply.written += 1
        self._counts["reply_tokens"] += 1
        reply.target.append(token)
        written = reply.text.feed(self._runtime.piece(token))
        reply.first_clause = reply.first_clause and not _ends_clause(reply, written.text)
        if written.finish_reason is not None:
            self._finish(reply, written)
        elif self._is_long_enough(reply):
            rest = reply.text.finish("length")
            self._finish(reply, Written(written.text + rest.text, rest.finish_reason))
        else:
            reply.deliver(TextDelta(written.text, reply.written))

    def _finish(self, reply: Reply, last: Written) -> None:
        reason: FinishReason | None = last.finish_reason
        reply.deliver(TextDelta(last.text, reply.written, reason))
        self._end(reply, "replies_finished")

    def _is_long_enough(self, reply: Reply) -> bool:
        full = len(reply.target) >= self._conversation_tokens
        return full or reply.written >= reply.sampling.max_tokens

    def _begin_waiting(self) -> None:
        """Give rows to requests in their order, as far as rows go."""
        still_waiting: list[Request] = []
        for request in self._waiting:
            if self._must_wait(request) or not self._begin(request):
                still_waiting.append(request)
        self._waiting = still_waiting
        if still_waiting and not self._running:
            for request in still_waiting:
                self._waiting.remove(request)
                request.fail(GenerationError(_FULL))

    def _must_wait(self, request: Request) -> bool:
        """Whether a prefill under way evaluates for this reply what it needs."""
        if not isinstance(request, Reply):
            return False
        for other in self._running:
            if (
                isinstance(other, Prefill)
                and other.owner == request.owner
                and builds_on(request.target, other.target)
            ):
                other.awaited = True
                return True
        return False

    def _begin(self, request: Request) -> bool:
        request.row = self._table.begin(request.owner, request.target, request.purpose)
        if request.row is None:
            return False
        self._counts["prompt_tokens_reused"] += len(request.row.tokens)
        self._running.append(request)
        return True

    def _make_room(self) -> None:
        """The cache is full: drop an idle row, else let the least urgent request wait.

        It begins anew, with what it has written, when another has ended; to try at once
        would evaluate its prompt again and again. One that does not fit alone fails.
        """
        if self._table.evict():
            self._counts["evictions"] += 1
            return
        least = max(
            self._running,
            key=lambda one: (one.background, one.speculative, self._running.index(one)),
        )
        if len(self._running) == 1:
            self._fail(least, GenerationError(_FULL))
            return
        assert least.row is not None
        self._table.drop(least.row)
        least.row = None
        self._running.remove(least)
        self._displaced.append(least)
        self._counts["displacements"] += 1

    def _resynchronise(self) -> None:
        """After an aborted step, rows hold what llama.cpp says they hold."""
        for request in self._running:
            assert request.row is not None
            request.row.tokens[:] = request.target[: self._runtime.length(request.row.row)]

    def _reap(self) -> None:
        """Drop cancelled requests and forgotten conversations."""
        forgotten = {owner for owner, _ in self._forgotten}
        for request in [*self._waiting, *self._running, *self._displaced]:
            if request.cancelled or request.owner in forgotten:
                is_reply = isinstance(request, Reply)
                self._end(request, "replies_dropped" if is_reply else "prefills_dropped")
        for owner, gone in self._forgotten:
            self._table.drop_owner(owner)
            gone.set_result(None)
        self._forgotten.clear()

    def _fail(self, request: Request, error: GenerationError) -> None:
        """End a request with an error; its row may hold anything and is dropped."""
        if request.row is not None:
            self._table.drop(request.row)
        request.fail(error)
        self._end(request, "failures")

    def _end(self, request: Request, count: str) -> None:
        self._counts[count] += 1
        if isinstance(request, Reply) and request.sampler is not None:
            request.sampler.close()
        if request.row is not None and request.row.owner is not None:
            self._table.release(request.row)
        for requests in (self._waiting, self._running, self._displaced):
            if request in requests:
                requests.remove(request)
        if request.row is not None:
            self._waiting[:0] = self._displaced
            self._displaced.clear()

    def _let_others_pass(self) -> None:
        if self._pause_between_steps_secs:
            time.sleep(self._pause_between_steps_secs)
        with self._changed:
            self._changed.wait_for(
                lambda: not self._guests or self._closing, STAND_ASIDE_LIMIT_SECS
            )

    def _wind_up(self) -> None:
        with self._changed:
            left = [*self._inbox, *self._waiting, *self._running, *self._displaced]
            self._inbox.clear()
            for _, gone in self._forgotten:
                gone.set_result(None)
            self._forgotten.clear()
        for request in left:
            self._fail(request, GenerationError(_CLOSED, retryable=False))


def _ends_clause(reply: Reply, text: str) -> bool:
    """Whether a voice may begin behind these last words of a reply; `pipeline.clauses` decides."""
    return reply.written > _OPENING_TOKENS and not _CLAUSE_ENDS.isdisjoint(text)


def _entries(request: Request, share: int) -> Iterator[Entry]:
    """The next `share` tokens of a request; the last one's logits are wanted if it is due."""
    assert request.row is not None
    done = len(request.row.tokens)
    for position in range(done, done + share):
        last = position == len(request.target) - 1
        yield Entry(request.target[position], position, request.row.row, last)

"""The worker serves requests in one batch and survives what llama.cpp may answer."""

from __future__ import annotations

import queue
import threading
import time
from contextlib import ExitStack

import numpy as np
import pytest

from pipeline.computing import Computing
from pipeline.errors import GenerationError
from pipeline.llm.base import Sampling
from pipeline.llm.engine import Engine
from pipeline.llm.native import DecodeResult
from pipeline.llm.requests import Prefill, Reply
from pipeline.llm.tuning import StepTuner

END = 0
WAIT_SECS = 10  # only a broken engine waits so long


class FakeRuntime:
    """A model that writes the sum of its row so far, modulo 97; END after `reply_tokens`.

    Attributes:
        cells: Tokens that fit in the cache; shared cells are not modelled.
        script: Answers of the next decodes, DONE once it is empty.
        gate: When set, every decode waits for one permit.
    """

    def __init__(self, cells=1000, reply_tokens=5):
        self.rows = {}
        self.cells = cells
        self.reply_tokens = reply_tokens
        self.script = []
        self.steps = []
        self.threads = []
        self.gate = None
        self.aborted = threading.Event()
        self.closed = False

    def decode(self, entries, threads):
        self.threads.append(threads)
        if self.gate is not None:
            self.gate.acquire(timeout=WAIT_SECS)
        self.steps.append(entries)
        result = self.script.pop(0) if self.script else DecodeResult.DONE
        if result is DecodeResult.DONE:
            if sum(map(len, self.rows.values())) + len(entries) > self.cells:
                return DecodeResult.NO_ROOM
            for entry in entries:
                row = self.rows.setdefault(entry.row, [])
                assert entry.position == len(row), "positions follow each other"
                row.append(entry.token)
        return result

    def logits(self, index):
        assert self.steps[-1][index].wants_logits
        return np.array([len(self.rows[self.steps[-1][index].row])], dtype=np.float32)

    def sampler(self, sampling, just_said):
        return FakeSampler(self)

    def piece(self, token):
        return f"{token} ".encode()

    def ends_generation(self, token):
        return token == END

    def copy(self, source, target, length):
        self.rows[target] = self.rows[source][:length]

    def cut(self, row, length):
        self.rows[row] = self.rows.get(row, [])[:length]
        return True

    def length(self, row):
        return len(self.rows.get(row, []))

    def abort(self, wanted):
        if wanted:
            self.aborted.set()

    def close(self):
        self.closed = True


class FakeSampler:
    def __init__(self, runtime):
        self.runtime = runtime
        self.left = runtime.reply_tokens

    def draw(self, output):
        entry = self.runtime.steps[-1][output]
        assert entry.wants_logits
        self.left -= 1
        return 1 + sum(self.runtime.rows[entry.row]) % 97 if self.left >= 0 else END

    def close(self):
        pass


class Client:
    """Collects what the engine delivers."""

    def __init__(self, engine):
        self.engine = engine
        self.answers = queue.Queue()

    def prefill(self, owner, prompt, *, background=False):
        request = Prefill(owner, list(prompt), self.answers.put, background)
        self.engine.submit(request)
        return request

    def reply(self, owner, prompt, *, background=False, **sampling):
        request = Reply(owner, list(prompt), Sampling(**sampling), (), self.answers.put, background)
        self.engine.submit(request)
        return request

    def next(self):
        return self.answers.get(timeout=WAIT_SECS)

    def text(self):
        """The whole reply, or the error it ended with."""
        text = ""
        while True:
            delivery = self.next()
            if isinstance(delivery, GenerationError):
                return delivery
            text += delivery.text
            if delivery.finish_reason:
                return text


@pytest.fixture
def runtime():
    return FakeRuntime()


@pytest.fixture
def engine(runtime):
    engine = make_engine(runtime)
    yield engine
    engine.close()


def make_engine(runtime, rows=6, prefill_batch_tokens=4, **given):
    return Engine(
        runtime,
        lambda logits: float(logits[0]),
        rows=rows,
        prefill_batch_tokens=prefill_batch_tokens,
        conversation_tokens=100,
        **given,
    )


def test_a_prefill_is_evaluated_in_batches(runtime, engine):
    """No step holds more prompt tokens than the batch; the answer comes with the last."""
    client = Client(engine)
    client.prefill(1, range(1, 11))
    assert client.next() == 10.0
    assert [len(step) for step in runtime.steps] == [4, 4, 2]


def test_a_reply_writes_until_the_model_ends_it(engine):
    """The end token closes the reply and is not part of it."""
    client = Client(engine)
    client.reply(1, [1, 2, 3])
    assert len(client.text().split()) == 5


def test_a_background_reply_waits_for_all_others(runtime):
    """While another reply is written, no step carries the background one."""
    engine = make_engine(runtime)
    with engine.stand_aside():
        idle, busy = Client(engine), Client(engine)
        idle.reply(1, [1, 2, 3], background=True)
        busy.reply(2, [4, 5, 6])
    assert len(busy.text().split()) == len(idle.text().split()) == 5
    engine.close()
    together = [step for step in runtime.steps if len({entry.row for entry in step}) > 1]
    assert not together


@pytest.mark.parametrize("background", [True, False])
def test_reading_ahead_waits_for_the_replies_of_other_calls(runtime, background):
    """Every step that carries its tokens would be slower for them."""
    engine = make_engine(runtime)
    with engine.stand_aside():
        reading, busy = Client(engine), Client(engine)
        reading.prefill(1, range(1, 9), background=background)
        busy.reply(2, [24, 25, 26])
    assert len(busy.text().split()) == 5
    assert reading.next() == 8.0
    engine.close()
    together = [step for step in runtime.steps if len({entry.row for entry in step}) > 1]
    assert bool(together) is not background


class Punctuated(FakeRuntime):
    """A model whose first and third tokens have a comma."""

    def piece(self, token):
        return ("， " if len(self.threads) in (1, 3) else "x ").encode()


@pytest.mark.parametrize(
    ("others", "background", "threads"),
    [
        (0, False, [3, 3, 3, 1, 1, 1]),
        (0, True, [3, 1, 1, 1, 1, 1]),
        (1, False, [2, 2, 2, 1, 1, 1]),
        (5, False, [1] * 6),
    ],
)
def test_cores_are_taken_that_nobody_else_computes_on(others, background, threads):
    """For the prompt and the first clause, of which 嗯， is not yet one: then comes the voice."""
    runtime, computing = Punctuated(), Computing()
    engine = make_engine(runtime, threads_batch=4, cores=3, computing=computing)
    client = Client(engine)
    with ExitStack() as working:
        for _ in range(others):
            working.enter_context(computing.at_work())
        client.reply(1, range(1, 4), background=background)
        client.text()
    engine.close()
    assert runtime.threads == threads


def test_a_step_beside_which_another_engine_came_and_went_is_no_surprise(monkeypatch):
    """The tuner would take the machine for busy, and one thread for the first clause."""
    noted = []
    monkeypatch.setattr(StepTuner, "note", lambda self, **step: noted.append(step["tokens"]))
    runtime, computing = FakeRuntime(), Computing()
    decode = runtime.decode

    def disturbed(entries, threads):
        if len(runtime.steps) == 1:
            with computing.at_work():
                pass
        return decode(entries, threads)

    runtime.decode = disturbed
    engine = make_engine(runtime, threads=2, threads_batch=2, cores=2, computing=computing)
    client = Client(engine)
    client.reply(1, range(1, 4))
    client.text()
    engine.close()
    assert len(noted) == len(runtime.steps) - 1


def test_max_tokens_ends_a_reply_as_length(engine):
    """The last delta says that the reply was cut."""
    client = Client(engine)
    client.reply(1, [1, 2, 3], max_tokens=2)
    assert (client.next().finish_reason, client.next().finish_reason) == (None, "length")


def test_a_reply_after_a_prefill_evaluates_only_the_rest(runtime, engine):
    """The words so far are not evaluated twice, and the reply is the same."""
    client = Client(engine)
    client.reply(1, range(1, 13))
    alone = client.text()
    client.prefill(2, range(1, 11))
    client.next()
    before = engine.stats().prompt_tokens_evaluated
    client.reply(2, range(1, 13))
    assert client.text() == alone
    assert engine.stats().prompt_tokens_evaluated - before <= 2


def test_a_reply_waits_for_its_own_prefill(runtime):
    """Asked for together, the prompt is evaluated once, and the probability still comes."""
    runtime.gate = threading.Semaphore(0)
    engine = make_engine(runtime)
    words, reply = Client(engine), Client(engine)
    words.prefill(1, range(1, 11))
    reply.reply(1, [*range(1, 11), 50, 51])
    runtime.gate.release(100)
    assert words.next() == 10.0
    reply.text()
    assert engine.stats().prompt_tokens_evaluated == 12
    engine.close()


def test_replies_run_side_by_side(runtime):
    """Two replies are written in the same steps and get what each would get alone."""
    runtime.gate = threading.Semaphore(0)
    engine = make_engine(runtime)
    one, other = Client(engine), Client(engine)
    one.reply(1, [1, 2, 3])
    other.reply(2, [4, 5, 6])
    runtime.gate.release(100)
    texts = one.text(), other.text()
    assert any(len({entry.row for entry in step}) == 2 for step in runtime.steps)
    one.reply(3, [1, 2, 3])
    assert one.text() == texts[0]
    engine.close()


def test_cancel_takes_effect_before_the_next_token(runtime):
    """After a cancel at most the step under way is finished, and its row is idle."""
    runtime.gate = threading.Semaphore(0)
    runtime.reply_tokens = 1000
    engine = make_engine(runtime)
    client = Client(engine)
    request = client.reply(1, [1, 2, 3])
    runtime.gate.release(2)
    client.next(), client.next()
    engine.cancel(request)
    assert runtime.aborted.wait(WAIT_SECS)
    runtime.gate.release(100)
    engine.forget(1).result(WAIT_SECS)
    assert len(runtime.steps) <= 3
    assert engine.stats().replies_dropped == 1
    engine.close()


@pytest.mark.parametrize(("tokens", "finished"), [(4, False), (30, True)])
def test_a_prefill_that_reads_the_history_finishes_its_step(runtime, tokens, finished):
    """Words come faster than a slow machine reads a step: aborted each time, it would never end."""
    runtime.gate = threading.Semaphore(0)
    engine = make_engine(runtime, prefill_batch_tokens=32)
    client = Client(engine)
    request = client.prefill(1, range(1, tokens + 1))
    while not runtime.threads:
        time.sleep(0.001)
    engine.cancel(request)
    assert runtime.aborted.is_set() is not finished
    client.prefill(1, range(1, tokens + 2))
    runtime.gate.release(100)
    assert client.next() == tokens + 1.0
    engine.close()


def test_an_aborted_step_loses_nothing(runtime, engine):
    """What was not evaluated before an abort is evaluated afterwards."""
    runtime.script = [DecodeResult.DONE, DecodeResult.ABORTED]
    client = Client(engine)
    client.prefill(1, range(1, 11))
    assert client.next() == 10.0


def test_a_full_cache_drops_idle_rows_first():
    """A reply that does not fit beside an idle conversation takes its place."""
    runtime = FakeRuntime(cells=16)
    engine = make_engine(runtime)
    client = Client(engine)
    client.prefill(1, range(1, 11))
    client.next()
    client.reply(2, range(20, 30))
    assert len(client.text().split()) == 5
    assert engine.stats().evictions >= 1
    engine.close()


def test_a_full_cache_lets_the_newest_wait():
    """With nothing left to drop it begins anew when the other has ended, and loses no word."""
    runtime = FakeRuntime(cells=16)
    runtime.gate = threading.Semaphore(0)
    engine = make_engine(runtime)
    first, second = Client(engine), Client(engine)
    first.reply(1, range(1, 7))
    second.reply(2, range(20, 26))
    runtime.gate.release(100)
    assert len(first.text().split()) == 5
    displaced = second.text()
    assert engine.stats().displacements == 1
    second.reply(3, range(20, 26))
    assert second.text() == displaced
    engine.close()


def test_a_displaced_request_can_be_cancelled():
    """It leaves nothing behind, and the one it made room for goes on."""
    runtime = FakeRuntime()
    runtime.script = [DecodeResult.DONE, DecodeResult.NO_ROOM]
    runtime.gate = threading.Semaphore(0)
    engine = make_engine(runtime)
    first, second = Client(engine), Client(engine)
    first.reply(1, range(1, 7))
    request = second.reply(2, range(20, 26))
    runtime.gate.release(2)
    while not engine.stats().displacements:
        threading.Event().wait(0.001)
    engine.cancel(request)
    runtime.gate.release(100)
    assert len(first.text().split()) == 5
    engine.forget(2).result(WAIT_SECS)
    stats = engine.stats()
    assert (stats.replies_dropped, stats.waiting, stats.failures) == (1, 0, 0)
    engine.close()


def test_a_request_that_does_not_fit_alone_fails():
    """It waits for nobody, since there is nobody to wait for."""
    engine = make_engine(FakeRuntime(cells=16))
    client = Client(engine)
    client.reply(1, range(20, 40))
    failure = client.text()
    assert isinstance(failure, GenerationError)
    assert failure.retryable
    engine.close()


def test_a_failed_step_fails_its_requests_and_nothing_else(runtime, engine):
    """The engine goes on after an error of llama.cpp, from a clean row."""
    runtime.script = [DecodeResult.FAILED]
    client = Client(engine)
    client.reply(1, [1, 2, 3])
    assert isinstance(client.text(), GenerationError)
    client.reply(1, [1, 2, 3])
    assert len(client.text().split()) == 5


def test_nothing_is_left_after_a_hundred_cancels(runtime, engine):
    """Rows are free and the cache is empty once every conversation is forgotten."""
    client = Client(engine)
    for owner in range(100):
        engine.cancel(client.reply(owner, range(1, 2 + owner % 20)))
        engine.forget(owner).result(WAIT_SECS)
    stats = engine.stats()
    assert (stats.free_rows, stats.cached_tokens, stats.running, stats.waiting) == (6, 0, 0, 0)
    assert not any(runtime.rows.values())


def test_closing_fails_what_still_runs(runtime):
    """Running and later requests end with an error that is not worth a second try."""
    runtime.gate = threading.Semaphore(0)
    engine = make_engine(runtime)
    client = Client(engine)
    client.reply(1, [1, 2, 3])
    runtime.gate.release(100)
    engine.close()
    client.reply(1, [1, 2, 3])
    assert runtime.closed
    endings = []
    while not client.answers.empty():
        endings.append(client.next())
    assert isinstance(endings[-1], GenerationError)
    assert not endings[-1].retryable


def test_standing_aside_delays_steps_and_then_lets_them_run(runtime, engine):
    """While a guest is in, steps wait; the reply comes all the same."""
    client = Client(engine)
    with engine.stand_aside():
        client.reply(1, [1, 2, 3])
    assert len(client.text().split()) == 5

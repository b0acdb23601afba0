"""Rows of the cache are shared, kept and given back as the table says."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.llm.sequences import KEPT_PER_OWNER, SequenceTable


class FakeMemory:
    """A cache of token lists; `write` is what a decode step does."""

    def __init__(self, recurrent=False):
        self.rows = {}
        self.recurrent = recurrent

    def copy(self, source, target, length):
        assert not self.rows.get(target), "a copy must go to an empty row"
        self.rows[target] = self.rows[source][:length]

    def cut(self, row, length):
        if self.recurrent and 0 < length < len(self.rows.get(row, [])):
            return False
        self.rows[row] = self.rows.get(row, [])[:length]
        return True


@pytest.fixture
def memory():
    return FakeMemory()


@pytest.fixture
def table(memory):
    return SequenceTable(6, memory)


def evaluate(memory, sequence, prompt):
    """Bring a row up to `prompt`; the number of tokens that took."""
    rest = prompt[len(sequence.tokens) :]
    memory.rows.setdefault(sequence.row, []).extend(rest)
    sequence.tokens += rest
    return len(rest)


def run(table, memory, owner, prompt, purpose):
    sequence = table.begin(owner, prompt, purpose)
    evaluated = evaluate(memory, sequence, prompt)
    table.release(sequence)
    return evaluated


def test_a_growing_turn_evaluates_only_new_words(table, memory):
    """Each prefill goes on where the last one ended, in the same row."""
    assert run(table, memory, 1, [1, 2, 3], "trunk") == 3
    assert run(table, memory, 1, [1, 2, 3, 4, 5], "trunk") == 2
    assert table.free == 5


def test_a_change_in_the_middle_evaluates_from_there_on(table, memory):
    """An unstable transcript costs only what follows the change."""
    run(table, memory, 1, [1, 2, 3, 4], "trunk")
    assert run(table, memory, 1, [1, 2, 9, 4], "trunk") == 2


def test_a_prompt_with_another_opening_leaves_the_trunk_intact(table, memory):
    """What they share is the first tokens of any prompt."""
    run(table, memory, 1, [1, 2, 3, 4, 5], "trunk")
    assert run(table, memory, 1, [1, 7, 8, 9], "trunk") == 3
    assert run(table, memory, 1, [1, 2, 3, 4, 5, 6], "trunk") == 1
    assert run(table, memory, 1, [1, 7, 8, 9, 9], "trunk") == 1


def test_a_draft_leaves_the_trunk_intact(table, memory):
    """After a dropped draft, the user's next words cost only themselves."""
    run(table, memory, 1, [1, 2, 3], "trunk")
    assert run(table, memory, 1, [1, 2, 3, 7, 8], "draft") == 2
    assert run(table, memory, 1, [1, 2, 3, 4], "trunk") == 1


def test_a_kept_draft_is_where_the_next_turn_begins(table, memory):
    """An adopted reply needs no second evaluation."""
    run(table, memory, 1, [1, 2, 3], "trunk")
    run(table, memory, 1, [1, 2, 3, 7, 8, 9], "draft")
    assert run(table, memory, 1, [1, 2, 3, 7, 8, 9, 4], "trunk") == 1


def test_a_draft_survives_a_cough(table, memory):
    """A trunk that begins like a draft is forked from it, not cut out of it."""
    run(table, memory, 1, [1, 2, 7, 8, 9], "draft")
    run(table, memory, 1, [1, 2, 7, 5], "trunk")
    assert run(table, memory, 1, [1, 2, 7, 8, 9, 6], "draft") == 1


def test_the_last_token_is_always_evaluated_again(table, memory):
    """A prompt that is cached whole still yields logits."""
    run(table, memory, 1, [1, 2, 3], "trunk")
    assert run(table, memory, 1, [1, 2, 3], "trunk") == 1
    assert run(table, memory, 1, [1, 2], "trunk") == 1


def test_calls_share_their_common_beginning(table, memory):
    """A second call does not evaluate the system prompt again."""
    run(table, memory, 1, [1, 2, 3, 4], "trunk")
    assert run(table, memory, 2, [1, 2, 3, 9], "trunk") == 1


def test_an_owner_keeps_two_idle_rows(table, memory):
    """Older drafts are dropped when a newer one is done."""
    for reply in range(4):
        run(table, memory, 1, [1, 2, 10 + reply], "draft")
    assert table.free == 6 - KEPT_PER_OWNER


def test_a_full_table_takes_the_row_unused_for_longest(memory):
    """Idle rows of others give way, busy ones do not."""
    table = SequenceTable(2, memory)
    run(table, memory, 1, [1, 1], "trunk")
    run(table, memory, 2, [2, 2], "trunk")
    third = table.begin(3, [3, 3], "trunk")
    fourth = table.begin(4, [4, 4], "trunk")
    assert third.tokens == fourth.tokens == []
    assert table.begin(5, [5], "trunk") is None


def test_a_lone_row_is_cut_when_there_is_no_other(memory):
    """With every other row busy, a draft is written over its own source."""
    table = SequenceTable(1, memory)
    run(table, memory, 1, [1, 2, 3], "trunk")
    assert run(table, memory, 1, [1, 2, 9], "draft") == 1
    assert memory.rows[0] == [1, 2, 9]


def test_a_recurrent_model_reuses_whole_rows_only():
    """A state that cannot be rewound serves only prompts that begin with all of it."""
    memory = FakeMemory(recurrent=True)
    table = SequenceTable(4, memory, whole_rows_only=True)
    run(table, memory, 1, [1, 2, 3], "trunk")
    assert run(table, memory, 1, [1, 2, 3, 4], "trunk") == 1
    assert run(table, memory, 1, [1, 2, 9], "trunk") == 3


def test_a_forgotten_owner_leaves_nothing(table, memory):
    """All rows of a closed conversation are free and empty."""
    run(table, memory, 1, [1, 2], "trunk")
    run(table, memory, 1, [1, 2, 3], "draft")
    table.drop_owner(1)
    assert (table.free, table.cached_tokens) == (6, 0)
    assert not any(memory.rows.values())


class CountedMemory:
    """A cache of so many cells, which rows share; `write` fails where there is no room."""

    def __init__(self, cells):
        self.cells = cells
        self.rows = {}
        self._written = itertools.count()

    def copy(self, source, target, length):
        self.rows[target] = self.rows[source][:length]

    def cut(self, row, length):
        self.rows[row] = self.rows.get(row, [])[:length]
        return True

    def write(self, row, length):
        used = set().union(*self.rows.values())
        if len(used) + length > self.cells:
            return False
        self.rows.setdefault(row, []).extend(itertools.islice(self._written, length))
        return True


class LongCall:
    """A caller's turns and the bot's replies; of a full history the older half goes."""

    OPENING = tuple(range(280))
    WORDS, REPLY, MOST = 20, 27, 2_000

    def __init__(self, owner):
        self.owner = owner
        self._tokens = itertools.count(1_000_000 * (owner + 1))
        self.history = [*itertools.islice(self._tokens, 1_600)]

    def turn(self, table, memory):
        """Tokens evaluated for one turn and its reply, and whether history was dropped."""
        dropped = len(self.OPENING) + len(self.history) + self.WORDS + self.REPLY > self.MOST
        if dropped:
            del self.history[: len(self.history) // 2]
        evaluated = 0
        for purpose, length in (("trunk", self.WORDS), ("draft", self.REPLY)):
            self.history += itertools.islice(self._tokens, length)
            prompt = [*self.OPENING, *self.history]
            sequence = table.begin(self.owner, prompt, purpose)
            rest = prompt[len(sequence.tokens) :]
            while not memory.write(sequence.row, len(rest)):
                assert table.evict()
            sequence.tokens += rest
            evaluated += len(rest)
            table.release(sequence)
        return evaluated, dropped


def test_a_long_call_leaves_quiet_ones_their_history():
    """In a cache of a share for each, a call whose history has moved makes room itself."""
    calls = [LongCall(owner) for owner in range(3)]
    memory = CountedMemory(len(calls) * LongCall.MOST)
    table = SequenceTable(16, memory)
    moved = 0
    for number in range(400):
        for call in calls:
            if number % (1 + 5 * call.owner) == 0:
                evaluated, dropped = call.turn(table, memory)
                moved += dropped
                if number and not dropped:
                    assert evaluated <= LongCall.WORDS + LongCall.REPLY + 2
    assert moved > 10


prompts = st.lists(st.integers(0, 2), min_size=1, max_size=6)
requests = st.lists(
    st.tuples(st.integers(1, 3), prompts, st.sampled_from(["trunk", "draft"])), max_size=30
)


@given(requests, st.integers(1, 5))
def test_the_table_always_says_what_the_cache_holds(requests, rows):
    """Whatever is asked in whatever order, a row's tokens are the prompt it was given."""
    memory = FakeMemory()
    table = SequenceTable(rows, memory)
    for owner, prompt, purpose in requests:
        sequence = table.begin(owner, prompt, purpose)
        assert sequence.tokens == memory.rows.get(sequence.row, [])
        assert len(sequence.tokens) < len(prompt)
        assert prompt[: len(sequence.tokens)] == sequence.tokens
        evaluate(memory, sequence, prompt)
        table.release(sequence)
    while table.evict():
        pass
    assert (table.free, table.cached_tokens) == (rows, 0)

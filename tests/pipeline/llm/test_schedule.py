"""One decode step serves everybody and keeps prompts short."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from pipeline.llm.schedule import plan


@dataclass(eq=False)
class Work:
    pending: int
    writing: bool = False
    speculative: bool = False
    background: bool = False


works = st.lists(
    st.one_of(
        st.just(1).map(lambda _: Work(1, writing=True)),
        st.builds(Work, st.integers(1, 100), st.just(False), st.booleans()),
    ),
    max_size=10,
)


@given(works, st.integers(1, 64))
def test_every_reply_writes_and_prompts_share_the_budget(works, budget):
    """Replies get one token each; prompts get at most the budget and never more than they need."""
    step = plan(works, budget)
    assert {id(work) for work, _ in step} >= {id(work) for work in works if work.writing}
    prompts = [(work, share) for work, share in step if not work.writing]
    assert sum(share for _, share in prompts) == min(
        budget, sum(work.pending for work in works if not work.writing)
    )
    assert all(1 <= share <= work.pending for work, share in step)


def test_a_long_prompt_does_not_hold_up_a_short_one():
    """The shortest rest goes first."""
    long, short = Work(100), Work(5)
    assert plan([long, short], 32) == [(short, 5), (long, 27)]


def test_speculation_comes_behind_what_is_awaited():
    """A prompt nobody waits for takes what is left of the budget."""
    guess, awaited = Work(3, speculative=True), Work(40)
    assert plan([guess, awaited], 32) == [(awaited, 32)]


def test_replies_can_take_turns():
    """One after the other is served, unless a prompt makes the step long anyway."""
    one, other = Work(1, writing=True), Work(1, writing=True)
    served = [plan([one, other], 32, turn=turn) for turn in range(3)]
    assert served == [[(one, 1)], [(other, 1)], [(one, 1)]]
    prompt = Work(5)
    assert plan([one, other, prompt], 32, turn=0) == [(one, 1), (other, 1), (prompt, 5)]


@given(works, st.integers(1, 64), st.integers(1, 5))
def test_background_work_gets_only_steps_that_nobody_else_wants(works, budget, count):
    """A step with anything awaited in it carries nothing of the background."""
    idle = [Work(1, writing=True, background=True) for _ in range(count)]
    served = [work for work, _ in plan([*idle, *works], budget)]
    assert all(work.background == (not works) for work in served)
    assert served

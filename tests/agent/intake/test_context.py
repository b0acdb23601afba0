"""Clauses are judged where they stand; without the encoder the classifier judges alone."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.encoder.bundled import Judge
from agent.encoder.pieces import Pieces
from agent.intake import propose as proposing
from agent.intake.classifier import classifier
from agent.intake.context import HEAD, ContextJudge, layouts
from agent.intake.extract import ruled_turn
from agent.intake.propose import propose
from agent.intake.reader import READ_FIELDS
from agent.intake.taker import IntakeTaker

BEGIN, END, UNKNOWN = 0, 1, 2
# One piece a character, so that places can be counted.
LETTERS = "我睡不着了很累query: abc'\""
PIECES = Pieces(
    ["<s>", "</s>", "<unk>", *LETTERS],
    [0.0] * 3 + [-1.0] * len(LETTERS),
    {},
    begin=BEGIN,
    end=END,
    unknown=UNKNOWN,
)


class Named:
    """A judge that is as sure as it is told to be: what is asked of the real one is its place."""

    def __init__(self, field, log_odds):
        self.asked = []
        self._odds = np.full(len(READ_FIELDS), -99.0, np.float32)
        self._odds[READ_FIELDS.index(field)] = log_odds

    def log_odds(self, text, turn, bot_text, before):
        self.asked.append((text, bot_text, before))
        return np.tile(self._odds, (len(turn.clauses), 1))


@given(
    st.lists(st.text(LETTERS, min_size=1, max_size=200), min_size=1, max_size=40),
    st.text(LETTERS, max_size=300),
    st.text(LETTERS, max_size=300),
)
def test_every_clause_of_a_turn_of_any_length_is_read(clauses, bot, before):
    """In order, each by its own pieces, in windows that the encoder can read."""
    laid = layouts(PIECES, clauses, bot, before)
    assert all(len(one.numbers) <= 500 for one in laid)
    read = [one.numbers[start:end] for one in laid for start, end in one.spans]
    assert read == [tuple(PIECES.numbers(clause)[:80]) for clause in clauses]


def test_each_clause_is_judged_after_the_words_before_and_the_bots():
    """With an end between all."""
    (laid,) = layouts(PIECES, ["睡不着", "很累"], "我", "了")
    parts = [laid.numbers[start:end] for start, end in laid.spans]
    assert [len(part) for part in parts] == [4, 3]  # with the space that begins a text
    assert all(laid.numbers[end] == END for _, end in laid.spans)
    assert laid.numbers[0] == BEGIN


def test_a_typists_quotation_marks_are_plain_ones():
    """The pieces spell no others."""
    (curly,), (plain,) = (layouts(PIECES, [text], "", "") for text in ("c’a “b”", 'c\'a "b"'))
    assert curly == plain


def test_the_head_reads_the_mean_of_a_clause():
    """Clause by clause."""
    states = np.arange(60, dtype=np.float32)[:, None]
    encoder = SimpleNamespace(pieces=PIECES, states=lambda numbers: states[: len(numbers)])
    weights = np.ones((1, len(READ_FIELDS)), np.float32)
    bias = np.full(len(READ_FIELDS), 0.5, np.float32)
    judge = ContextJudge(Judge(encoder, {HEAD: (weights, bias)}))
    text = "睡不着，很累"
    turn = ruled_turn(text, "")
    (laid,) = layouts(PIECES, [one.span.of(text) for one in turn.clauses], "", "")
    odds = judge.log_odds(text, turn, "", "")
    assert odds.shape == (len(turn.clauses), len(READ_FIELDS))
    wanted = [np.mean(range(start, end)) + 0.5 for start, end in laid.spans]
    assert odds[:, 0] == pytest.approx(wanted)


def test_what_both_together_hold_for_told_is_taken(monkeypatch):
    """From the border on, in the caller's own words."""
    text = "我姊姊每个礼拜都来看我"
    judge = Named("supports", 60.0)
    monkeypatch.setattr(proposing, "context_judge", lambda: judge)
    found = [one for one in propose(text) if one.field == "supports"]
    assert [one.span.of(text) for one in found] == [text]
    judge = Named("supports", -60.0)
    assert all(one.field != "supports" for one in propose(text))


def test_the_judge_hears_what_was_said_before(monkeypatch):
    """The bot's words, and the caller's before them."""
    judge = Named("age", -99.0)
    monkeypatch.setattr(proposing, "context_judge", lambda: judge)
    taker = IntakeTaker("zh-Hans")
    taker.caller_text("我想说说我妈")
    taker.bot_text("她怎么了？")
    taker.caller_text("她病了")
    assert judge.asked == [("我想说说我妈", "", ""), ("她病了", "她怎么了？", "我想说说我妈")]


class Broken:
    """A judge whose engine fails in mid-call, as CTranslate2 does."""

    def log_odds(self, text, turn, bot_text, before):
        raise RuntimeError


@pytest.mark.parametrize("context", [None, Broken()])
def test_without_its_encoder_the_classifier_judges_alone(context, monkeypatch):
    """By borders of its own: where they are beyond reach nothing but rules is left."""
    text = "今年二十七岁，我叫小安"
    monkeypatch.setattr(proposing, "context_judge", lambda: context)
    judge = classifier()
    unsure = np.full(len(READ_FIELDS), 99.0, np.float32)
    sure = np.full(len(READ_FIELDS), -99.0, np.float32)
    ruled = replace(judge, borders=unsure, borders_in_context=sure)
    monkeypatch.setattr(proposing, "classifier", lambda: ruled)
    few = len(propose(text))
    taken = replace(judge, borders=sure, borders_in_context=unsure)
    monkeypatch.setattr(proposing, "classifier", lambda: taken)
    assert len(propose(text)) == len(READ_FIELDS) * 2 > few

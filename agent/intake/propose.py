"""What a turn tells, as a call takes it down: in the caller's own words, learned and ruled.

turn ─▶ clauses ─┬▶ classifier ─┬─ log-odds of a field over its border ─┬─▶ proposals ─▶ joined
                 ├▶ context ────┘                                       │
                 └▶ the rules that seldom err ──────────────────────────┘

Where the context's encoder is not there the classifier judges alone, by borders of its own.
"""

from __future__ import annotations

from contextlib import suppress

from agent.intake.classifier import Classifier, Weights, classifier
from agent.intake.context import context_judge
from agent.intake.extract import Proposal, RuledTurn, ruled_turn
from agent.intake.fields import SINGLE, Field
from agent.intake.reader import READ_FIELDS
from agent.intake.spans import Span, clauses
from pipeline.text import count_units

# A quote that is joined to more is read on a sheet, not searched: two breaths.
MAX_JOINED_UNITS = 30


def propose(text: str, bot_text: str = "", number: int = 0, before: str = "") -> list[Proposal]:
    """Propose entries for one turn; takes 15 ms of one core at the median, 40 ms for a story.

    Args:
        text: What the caller said; empty text is legal and tells nothing.
        bot_text: What the bot had said before.
        number: The caller's turns before this one.
        before: What the caller said in the last of these.

    Returns:
        Proposals in the order of the turn, at most one of a field for each clause.
    """
    ruled = ruled_turn(text, bot_text)
    if not ruled.clauses:
        return []
    judge, context = classifier(), context_judge()
    odds = judge.log_odds(ruled, number)
    if context is not None:
        with suppress(RuntimeError):  # the encoder failed: the classifier's word stands
            odds = odds + context.log_odds(text, ruled, bot_text, before)
            return believed(judge, ruled, odds, judge.borders_in_context)
    return believed(judge, ruled, odds, judge.borders)


def believed(
    judge: Classifier, turn: RuledTurn, log_odds: Weights, borders: Weights
) -> list[Proposal]:
    """The proposals for a turn whose clauses have been judged.

    Args:
        judge: Whose sure rules hold.
        turn: As the rules see it.
        log_odds: Shape (n_clauses, n_fields).
        borders: From which on a field is believed, shape (n_fields,).
    """
    found: list[Proposal] = []
    for clause, odds in zip(turn.clauses, log_odds, strict=True):
        ruled = {hit.proposal.field: hit for hit in clause.hits}
        for field, is_over in zip(READ_FIELDS, odds >= borders, strict=True):
            hit = ruled.get(field)
            if hit is not None and (is_over or hit.rule in judge.sure_rules):
                found.append(hit.proposal)  # a rule knows which words of the clause
            elif is_over:
                found.append(Proposal(field, clause.span))
    return sorted(found, key=lambda one: one.span.start)


def joined(text: str, proposals: list[Proposal]) -> list[Proposal]:
    """`proposals` with those of neighbouring clauses and one field made one, for a reader.

    Args:
        text: The turn.
        proposals: Of the turn, in its order.
    """
    places = {span: place for place, span in enumerate(clauses(text))}
    kept: list[Proposal] = []
    last: dict[Field, tuple[int, int]] = {}  # by field: index in kept, place of its last clause
    for one in proposals:
        place = places.get(one.span)
        if place is not None and one.field not in SINGLE:
            at, before = last.get(one.field, (0, -2))
            whole = Span(kept[at].span.start, one.span.end) if kept else one.span
            if before == place - 1 and count_units(whole.of(text)) <= MAX_JOINED_UNITS:
                kept[at] = Proposal(one.field, whole)
                last[one.field] = at, place
                continue
            last[one.field] = len(kept), place
        kept.append(one)
    return kept

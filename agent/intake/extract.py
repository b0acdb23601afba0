"""What a turn tells, by rules: spans of the caller's words and the fields they belong to.

    turn ─▶ clauses ─▶ about whom? ─▶ rules ─▶ proposals
                          ▲
       the bot's last words: which field did they ask about, and about whom?

Pure; under a millisecond for a spoken turn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.intake.fields import FIELDS, Field
from agent.intake.rulebook import Rule, Rulebook, rulebook
from agent.intake.spans import Span, clauses, fold, stripped
from pipeline.text import Language, language_of

# What is felt about anything else that was asked for is an answer, not a new concern.
_NOT_ASKED_FOR_CONTENT: frozenset[Field] = frozenset(("concern", "name", "age", "consent"))

_SENTENCE = re.compile(r"[^。！？!?.]+[。！？!?.]?")
_HOW_LONG = re.compile(r"多久|几年|how (?:long|many years)")
_ABOUT_OTHER = re.compile(
    r"^[那所以，,\s]*[他她]|\b(?:did|does|do|is|has|was|were|are) (?:he|she|they)\b"
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A place in a turn that tells something about a field."""

    field: Field
    span: Span


@dataclass(frozen=True, slots=True)
class Hit:
    """A proposal and the name of the rule that made it."""

    rule: str
    proposal: Proposal


@dataclass(frozen=True, slots=True)
class RuledClause:
    """A clause as the rules see it.

    Attributes:
        span: In the turn.
        words: Folded.
        about_other: Whether it goes on about somebody else.
        hits: At most one of a field.
    """

    span: Span
    words: str
    about_other: bool
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class RuledTurn:
    """A turn as the rules see it.

    Attributes:
        language: Of the caller's words.
        words: All of them, folded.
        question: What the bot asked last, folded; empty where it asked nothing.
        asked: The fields it asked about.
        clauses: In order.
    """

    language: Language
    words: str
    question: str
    asked: tuple[Field, ...]
    clauses: tuple[RuledClause, ...]


def asked_about(bot_text: str) -> tuple[Field, ...]:
    """The fields that the bot's words ask about; empty when they ask nothing."""
    question = _last_question(bot_text)
    asks = rulebook(language_of(bot_text)).questions
    return tuple(field for field in FIELDS if field in asks and asks[field].search(question))


def refuses(text: str) -> bool:
    """Whether the caller does not want to answer."""
    return rulebook(language_of(text)).refusal.search(fold(text)) is not None


def feels(text: str) -> bool:
    """Whether the caller's feelings come before any question."""
    return rulebook(language_of(text)).feelings.search(fold(text)) is not None


def extract(text: str, bot_text: str = "") -> list[Proposal]:
    """What all rules propose for one turn.

    Args:
        text: What the caller said; empty text is legal and tells nothing.
        bot_text: What the bot had said before.

    Returns:
        Proposals in the order of the turn, at most one of a field for each clause.
    """
    ruled = ruled_turn(text, bot_text)
    proposals = [hit.proposal for clause in ruled.clauses for hit in clause.hits]
    return sorted(proposals, key=lambda one: one.span.start)


def ruled_turn(text: str, bot_text: str = "") -> RuledTurn:
    """A turn, clause by clause, and the rules that hit."""
    language = language_of(text)
    book = rulebook(language)
    asked = asked_about(bot_text)
    question = _last_question(bot_text)
    about_other = _ABOUT_OTHER.search(question) is not None
    folded = fold(text)
    ruled: list[RuledClause] = []
    for number, clause in enumerate(clauses(text)):
        words = clause.of(folded)
        if book.self.search(words):
            about_other = False
        elif book.other.search(words):
            about_other = True
        hits = _of_clause(book, clause, words, asked, about_other=about_other)
        if question and "since" not in asked and (number == 0 or _HOW_LONG.search(question)):
            # 半年 in answer to how long the money lasts is not how long it has been so.
            hits = [hit for hit in hits if hit.proposal.field != "since"]
        ruled.append(RuledClause(clause, words, about_other, tuple(hits)))
    return RuledTurn(language, folded, question, asked, tuple(ruled))


def _last_question(bot_text: str) -> str:
    sentences: list[str] = _SENTENCE.findall(fold(bot_text))
    questions = [sentence.strip() for sentence in sentences if sentence.endswith("?")]
    return questions[-1] if questions else ""


def _of_clause(
    book: Rulebook, clause: Span, words: str, asked: tuple[Field, ...], *, about_other: bool
) -> list[Hit]:
    if book.nothing.search(words):
        return []
    found: dict[Field, Hit] = {}
    for rule in book.rules:
        if rule.field in found or (rule.asked and rule.field not in asked):
            continue
        if about_other and rule.about == "caller":
            continue
        if rule.field == "concern" and not _NOT_ASKED_FOR_CONTENT.issuperset(asked):
            continue
        span = _quoted(rule, clause, words)
        if span is not None:
            found[rule.field] = Hit(rule.name, Proposal(rule.field, span))
    return list(found.values())


def _quoted(rule: Rule, clause: Span, words: str) -> Span | None:
    match = rule.match.search(words)
    if match is None or (rule.unless is not None and rule.unless.search(words)):
        return None
    if "q" in rule.match.groupindex and match.group("q") is not None:
        start, end = match.span("q")
        return stripped_within(clause, words, start, end)
    return clause


def stripped_within(clause: Span, words: str, start: int, end: int) -> Span | None:
    """The span of `words[start:end]` in the turn, without spaces at its ends."""
    span = stripped(words, Span(start, end))
    return None if span is None else Span(clause.start + span.start, clause.start + span.end)

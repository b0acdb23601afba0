"""What a match means where it stands: denied, somebody else's, past, played, quoted, a joke."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from agent.safety.rulebook import Context, Pattern, Rule
from agent.safety.tiers import Tier, lowered, rank

Person: TypeAlias = Literal["self", "other", "unsaid"]

_BREAK = "，"
_NEGATION_REACH = 60  # characters before a match in which its negation may begin


@dataclass(frozen=True, slots=True)
class Place:
    """A match in its text.

    Attributes:
        before: The clause up to the match.
        matched: The match itself.
        clause: The whole clause, or clauses, that the match lies in.
        earlier: Everything before that clause.
    """

    before: str
    matched: str
    clause: str
    earlier: str


def place(text: str, start: int, end: int) -> Place:
    """Where `text[start:end]` stands."""
    opens = text.rfind(_BREAK, 0, start) + 1
    closes = text.find(_BREAK, end)
    closes = len(text) if closes < 0 else closes
    return Place(text[opens:start], text[start:end], text[opens:closes], text[:opens])


def tier_of(rule: Rule, text: str, start: int, end: int, context: Context) -> Tier:
    """The tier that is left of `rule`'s, given what stands around `text[start:end]`."""
    where = place(text, start, end)
    if _denied(rule, where, context):
        return "none"
    own_too = bool(context.own_too.search(text))
    tier = rule.tier
    if rule.about == "caller" and not own_too:
        tier = _whose(tier, where, context)
    # A child in danger may well speak of a game: that is where the stranger was met.
    if rule.category != "minor" and not own_too and _played(where, text, context):
        return "none"
    if context.past.search(where.clause) and not context.present.search(text):
        if rule.category == "medical" or _person(where, context) == "other":
            return "none"
        tier = lowered(tier, 1) if rank(tier) > 1 else tier
    # Who thinks of it up there at times is not standing there.
    if tier == "imminent" and rule.category == "suicide" and _at_times(where, text, context):
        tier = "elevated"
    if context.joke.search(text):
        tier = lowered(tier, 3 if rule.category == "harm_to_others" else 2)
    return tier


def _at_times(where: Place, text: str, context: Context) -> bool:
    return (
        context.at_times.search(where.clause) is not None
        and context.wish.search(where.clause) is not None
        and context.right_now.search(text) is None
    )


def _denied(rule: Rule, where: Place, context: Context) -> bool:
    if rule.about == "anyone" and context.inner_negation.search(where.matched):
        return True
    heads = [0, *(core.start() for core in context.core.finditer(where.matched))]
    return any(
        _negated(where.before + where.matched[:head], context)
        for head in {0, heads[-1]}
        if context.double_negation.search(where.before + where.matched) is None
    )


def _negated(before: str, context: Context) -> bool:
    return context.negation.search(before[-_NEGATION_REACH:]) is not None


def _whose(tier: Tier, where: Place, context: Context) -> Tier:
    """Somebody else's danger is one tier less to the caller, and their past is none."""
    if _person(where, context) != "other":
        return tier
    if context.past.search(where.clause + where.earlier):
        return "none"
    return lowered(tier, 1)


def _person(where: Place, context: Context) -> Person:
    """Whose match it is: the last subject before it decides."""
    found = _last_subject(where.before + where.matched[:1], context)
    if found != "unsaid":
        return found
    carried = _last_subject(where.earlier, context)
    if carried == "other" and context.reported.search(where.earlier + where.before):
        return "other"
    return "self"


def _last_subject(text: str, context: Context) -> Person:
    mine, others = _last(context.self, text), _last(context.other, text)
    if mine < 0 and others < 0:
        return "unsaid"
    return "self" if mine > others else "other"


def _last(pattern: Pattern, text: str) -> int:
    """Where the last match of `pattern` begins, −1 for none."""
    return max((match.start() for match in pattern.finditer(text)), default=-1)


def _played(where: Place, text: str, context: Context) -> bool:
    """Whether it happens in a film, a game, a lesson or a quotation."""
    if context.fiction.search(where.clause):
        return True
    quoted = where.before.count("「") > where.before.count("」")
    if quoted and "」" in text[len(where.earlier) + len(where.before) :]:
        return context.fiction.search(text) is not None
    says_self = context.self.search(where.before + where.matched) is not None
    return not says_self and context.fiction.search(where.earlier) is not None

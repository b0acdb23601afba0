"""Signs of a crisis in what a caller says: rules over folded text, outside the model.

    text ─▶ fold ─▶ benign phrases taken out ─▶ rules ─▶ context of each match ─▶ gravest
                                             └─▶ second opinion: raises where no rule holds,
                                                 lowers where a rule was probably mistaken

Pure, without state or clock, in a few milliseconds for a spoken turn; partial
transcripts are as good as final ones. Both languages' rules look at every text, since
callers mix them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.safety.by_digest import ByDigest
from agent.safety.encoder import Verdict, verdict_on
from agent.safety.fold import fold
from agent.safety.opinion import (
    FAINT_LOG_ODDS,
    RAISE_LOG_ODDS,
    STRETCH_LESS,
    TAKEN_BACK_LOG_ODDS,
    TOGETHER_LOG_ODDS,
    Opinion,
    opinion_on,
)
from agent.safety.reading import tier_of
from agent.safety.rulebook import LANGUAGES, Rulebook, rulebook
from agent.safety.tiers import Category, Tier, rank
from pipeline.text import count_units, units

# Not a character that any rule names, so that what was taken out cannot match again.
_TAKEN_OUT = "\x00"
_BREAK = "，"  # between clauses, as `fold` writes it
SECOND_OPINION = "second-opinion"  # in place of a rule's name

# The opinion was fitted on single utterances; in a story the ordinary sentences outweigh the one
# that matters. So it reads a turn as a whole and in overlapping stretches of this length: it asks
# where one of them is grave enough, and doubts a rule only where it doubts all of them. There is
# time for so many units: of a longer turn it reads the last ones, or those around a rule's match.
STRETCH_UNITS = 20
READ_UNITS = 60
AROUND_UNITS = 40
NEAR_UNITS = 3
IDIOM_UNITS = 2  # 我 and 了 beside 想死你


@dataclass(frozen=True, slots=True)
class Sign:
    """One rule that holds, or the second opinion, with the tier that its context left.

    Attributes:
        faint: The second opinion is not sure of it: to be asked about softly.
        plain: The rule's words are seldom said of anything else.
        start: Where the match begins in the folded text.
        end: Where it ends.
    """

    rule_id: str
    category: Category
    tier: Tier
    faint: bool = False
    plain: bool = False
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a text is a sign of.

    Attributes:
        tier: The gravest of all signs, "none" without any.
        category: Of the gravest sign, or None.
        signs: Everything found, gravest first; those that context took back are included
            with tier "none", so that a log can count them.
        about_minor: The caller said to be under age, or in school.
        faint: To be asked about softly, as no sign of that tier is sure.
    """

    tier: Tier
    category: Category | None
    signs: tuple[Sign, ...]
    faint: bool = False

    @property
    def about_minor(self) -> bool:
        return any(sign.category == "minor" and sign.tier != "none" for sign in self.signs)


def assess(text: str) -> Assessment:
    """Assess one utterance, in any script or mix of languages.

    Args:
        text: What was said so far in the turn; empty text is legal and "none".
    """
    return _assessed(text)


def _assess(text: str) -> Assessment:
    folded = fold(text)
    signs = rule_signs(folded)
    if all(sign.tier == "none" for sign in signs) and not _is_idiom(folded):
        heard = _heard(folded)
        if heard.log_odds >= (TAKEN_BACK_LOG_ODDS if signs else FAINT_LOG_ODDS):
            # A question, unless it is sure: nobody's whole call is scripted on a guess.
            tier: Tier = "elevated" if heard.is_sure and not signs else "concern"
            faint = heard.log_odds < RAISE_LOG_ODDS
            signs.append(Sign(SECOND_OPINION, heard.category, tier, faint))
    else:
        signs = [_doubted(sign, folded) for sign in signs]
    signs.sort(key=lambda sign: (rank(sign.tier), not sign.faint), reverse=True)
    if not signs or signs[0].tier == "none":
        return Assessment("none", None, tuple(signs))
    return Assessment(signs[0].tier, signs[0].category, tuple(signs), signs[0].faint)


def _doubted(sign: Sign, folded: str) -> Sign:
    """What the second opinion leaves of a rule's find.

    Plain words are read by themselves, too, since a story around them would outweigh them. They
    stand if they tell an emergency of the body: that is told as calmly as harmless pains are.
    """
    if sign.plain and sign.category == "medical":
        return sign
    read = folded if recent(folded) == folded else around(folded, sign.end)
    gravest = _gravest(stretches(read), verdict_on(read))
    if sign.plain:
        near = words_of(sign, folded)
        gravest = max(gravest, _opinion(near, verdict_on(near)), key=lambda one: one.log_odds)
    tier, faint = gravest.on(sign.tier, plain=sign.plain)
    return replace(sign, tier=tier, faint=faint)


# Answer, rate and notice of one turn ask about the same words.
_assessed = ByDigest(_assess, 64)


def assess_together(before: str, text: str) -> Assessment:
    """Assess two turns in a row of which neither is a sign alone: a concern or nothing.

    Only the second opinion is asked: a rule would match what a denial took back. It asks softly
    where it would of one turn.
    """
    opinion = _together(f"{before}，{text}")
    if opinion.log_odds < TOGETHER_LOG_ODDS:
        return Assessment("none", None, ())
    faint = opinion.log_odds < RAISE_LOG_ODDS
    sign = Sign(SECOND_OPINION, opinion.category, "concern", faint)
    return Assessment(sign.tier, sign.category, (sign,), faint)


def _judge_together(text: str) -> Opinion:
    folded = recent(fold(text))
    return _opinion(folded, verdict_on(folded))


_together = ByDigest(_judge_together, 64)


def _heard(folded: str) -> Opinion:
    """The second opinion on a turn in which no rule holds: on the whole, or its gravest stretch."""
    folded = recent(folded)
    verdict = verdict_on(folded)
    whole = _opinion(folded, verdict)
    read = stretches(folded)
    if whole.log_odds >= TAKEN_BACK_LOG_ODDS or read == [folded]:
        return whole
    gravest = _gravest(read, verdict)
    # A stretch out of its turn is at most asked about.
    stretch = replace(gravest, log_odds=gravest.log_odds - STRETCH_LESS, is_sure=False)
    return max(whole, stretch, key=lambda opinion: opinion.log_odds)


def _gravest(read: list[str], verdict: Verdict | None) -> Opinion:
    opinions = [_opinion(stretch, verdict) for stretch in read]
    return max(opinions, key=lambda opinion: opinion.log_odds)


def rule_signs(folded: str) -> list[Sign]:
    """What the rules of both languages find in a text that `fold` has prepared."""
    return [sign for language in LANGUAGES for sign in _signs(folded, rulebook(language))]


def recent(folded: str) -> str:
    """The last `READ_UNITS` of a text, or all of it."""
    found = units(folded)
    return folded[found[-READ_UNITS].start :] if len(found) > READ_UNITS else folded


def around(folded: str, at: int) -> str:
    """`AROUND_UNITS` of a longer text, with the place `at` in the middle of them if it can be."""
    found = units(folded)
    before = sum(unit.end <= at for unit in found)
    first = max(0, min(before - AROUND_UNITS // 2, len(found) - AROUND_UNITS))
    return folded[found[first].start : found[min(first + AROUND_UNITS, len(found)) - 1].end]


def words_of(sign: Sign, folded: str) -> str:
    """A rule's match, with `NEAR_UNITS` of its clause on either side."""
    start = folded.rfind(_BREAK, 0, sign.start) + 1
    end = folded.find(_BREAK, sign.end)
    before = units(folded[start : sign.start])[-NEAR_UNITS:]
    after = units(folded[sign.end : end if end >= 0 else len(folded)])[:NEAR_UNITS]
    first = start + before[0].start if before else sign.start
    return folded[first : sign.end + (after[-1].end if after else 0)]


def stretches(folded: str) -> list[str]:
    """The text in pieces of `STRETCH_UNITS`, each beginning in the middle of the one before."""
    found = units(folded)
    last = len(found) - STRETCH_UNITS
    if last <= 0:
        return [folded]
    starts = [*range(0, last, STRETCH_UNITS // 2), last]
    return [folded[found[at].start : found[at + STRETCH_UNITS - 1].end] for at in starts]


def _opinion(folded: str, verdict: Verdict | None) -> Opinion:
    return opinion_on(folded, without_benign(folded), verdict)


def without_benign(folded: str) -> str:
    """`folded` without what only sounds like a crisis, in either language."""
    for language in LANGUAGES:
        folded = _taken_out(folded, rulebook(language))
    return folded


def _is_idiom(folded: str) -> bool:
    """Whether it is little more than what only sounds like a crisis: 我想死你了."""
    rest = without_benign(folded)
    return rest != folded and count_units(rest.replace(_TAKEN_OUT, " ")) <= IDIOM_UNITS


def _taken_out(folded: str, book: Rulebook) -> str:
    return book.benign.sub(lambda match: _TAKEN_OUT * len(match.group()), folded)


def _signs(folded: str, book: Rulebook) -> list[Sign]:
    text = _taken_out(folded, book)
    signs = []
    for rule in book.rules:
        matches = list(rule.match.finditer(text))
        if not matches or (rule.unless is not None and rule.unless.search(text)):
            continue
        tier: Tier = "none"
        where = matches[-1]
        for match in matches:
            found = tier_of(rule, text, match.start(), match.end(), book.context)
            if rank(found) > rank(tier):
                tier, where = found, match
        start, end = where.span()
        signs.append(Sign(rule.rule_id, rule.category, tier, False, rule.plain, start, end))
    return signs

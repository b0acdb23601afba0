"""A second opinion beside the rules: how much a text resembles what callers in danger say.

    folded text ─┬▶ n-grams ─▶ one weight a gram and class ──────────────┬─▶ likeness ─┐
                 ├▶ meaning ─▶ nearness to landmarks ─▶ weights a class ─┘             ├▶ log-odds
                 └▶ tuned encoder ─▶ verdict ──────────────────────────────────────────┘

A rule knows the words of its kind; an unseen indirect wording passes it by, and an idiom may
hold one of its words. The weights were fitted on the labelled utterances and on ordinary turns
of counselling calls (`opinion_fit`, `encoder_fit`). Where no rule holds, the opinion may raise a
text to a concern: one direct question is asked, and the caller's own answer decides; where their
sum is sure and the encoder finds it grave, to elevated. Where it is sure that nothing is meant, it
makes a question of what a rule found, or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import get_args

import numpy as np

from agent.likeness.model import Likeness, from_bytes
from agent.safety.encoder import Verdict
from agent.safety.meaning import Vectors, vectors
from agent.safety.tiers import Category, Tier, rank

# Class 0 is "none", the others are the categories in their order.
CLASSES = 1 + len(get_args(Category))

# Log-odds of danger, chosen on families that neither judge had seen (`opinion_check`). From RAISE
# on a turn is asked about directly: of the grave texts that no rule finds, more than half, and of
# turns in calls 2 in a thousand. From FAINT on it is asked about in softer words, which ask an
# ordinary caller nothing strange: three in four, and 30; seven in eight of all answers are still
# right where half of the texts are hard harmless ones. A stretch of a turn counts for less, since
# there are several.
RAISE_LOG_ODDS = 2.5
FAINT_LOG_ODDS = 0.1
STRETCH_LESS = 1.0

# Where context took back what a rule found.
TAKEN_BACK_LOG_ODDS = 3.0

# What is left of a rule's find. From DOUBT on it stands: below lie 16 % of the true finds among
# texts left out, and all of those in ordinary turns. They are asked about directly, and below
# SOFTLY (8 and 83 %) in softer words; below DISMISS (2 and 46 %) not at all. A plain one, which is
# read by itself, too, stands longer: of the true finds 5 % do not, of 55 in hard harmless texts 38;
# with a border of -1.25 it was 2 % and 31, and the script took over in more ordinary calls.
DOUBT_LOG_ODDS = 1.5
SOFTLY_LOG_ODDS = -0.5
PLAIN_DOUBT_LOG_ODDS = 0.0
PLAIN_SOFTLY_LOG_ODDS = -1.75
DISMISS_LOG_ODDS = -3.5

# For two turns in a row: above it lie less than 2 % of pairs of ordinary turns.
TOGETHER_LOG_ODDS = 1.75

# What the sum of both log-odds is scaled by, so that the borders mean about the same where there
# is no encoder and the likeness judges alone.
BOTH = 0.6

# Where a turn that no rule finds is grave beyond a question: log-odds of danger, and the encoder's
# of an elevated tier. Of the turns left out there, 2 % are harmless, hardly any an ordinary one.
SURE_LOG_ODDS = 4.0
SURE_GRAVE_LOG_ODDS = 1.0


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a text resembles.

    Attributes:
        log_odds: Of any danger against none.
        category: The likeliest danger.
        is_sure: It is grave beyond a question.
    """

    log_odds: float
    category: Category
    is_sure: bool = False

    def on(self, tier: Tier, *, plain: bool) -> tuple[Tier, bool]:
        """What is left of what a rule found, and whether to ask about it softly.

        Nobody's whole call is scripted on a doubt.

        Args:
            tier: What the rule says.
            plain: Its words are seldom said of anything else.
        """
        if self.log_odds < DISMISS_LOG_ODDS:
            return "none", False
        if self.log_odds < (PLAIN_DOUBT_LOG_ODDS if plain else DOUBT_LOG_ODDS):
            softly = PLAIN_SOFTLY_LOG_ODDS if plain else SOFTLY_LOG_ODDS
            return min(tier, "concern", key=rank), self.log_odds < softly
        return tier, False


def opinion_on(folded: str, words: str, verdict: Verdict | None = None) -> Opinion:
    """Judge a text; takes a few milliseconds.

    Args:
        folded: As `fold` leaves it, for its meaning.
        words: The same without benign phrases, for its n-grams.
        verdict: The encoder's on the turn that the text is of; None where there is no encoder.
    """
    return opinion_of(model(), words, vectors([folded])[0], verdict)


def opinion_of(
    one: Likeness, words: str, vector: Vectors, verdict: Verdict | None = None
) -> Opinion:
    """Judge a text whose meaning, shape (DIMENSIONS,), is known already."""
    scores = one.scores(words, vector)
    log_odds = float(np.logaddexp.reduce(scores[1:]) - scores[0])
    is_sure = False
    if verdict is not None:
        scores = scores + verdict.kinds
        log_odds = BOTH * (log_odds + verdict.danger)
        is_sure = log_odds >= SURE_LOG_ODDS and verdict.grave >= SURE_GRAVE_LOG_ODDS
    categories: tuple[Category, ...] = get_args(Category)
    return Opinion(log_odds, categories[int(scores[1:].argmax())], is_sure)


@cache
def model() -> Likeness:
    """The weights in the package, read once; of `CLASSES` kinds."""
    return from_bytes(resources.files("agent.safety").joinpath("opinion.npz").read_bytes())

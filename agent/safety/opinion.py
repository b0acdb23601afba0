"""A second opinion beside the rules: how much a text resembles what callers in danger say.

    folded text ─┬▶ n-grams ─▶ one weight a gram and class ──────────────┬─▶ softmax ─▶ category
                 └▶ meaning ─▶ nearness to landmarks ─▶ weights a class ─┘

A rule knows the words of its kind; an unseen indirect wording passes it by, and an idiom may
hold one of its words. The weights were fitted on the labelled utterances and on ordinary turns
of counselling calls (`opinion_fit`). Where no rule holds, the opinion may raise a text to a
concern: one direct question is asked, and the caller's own answer decides. Where it is sure that
nothing is meant, it makes a question of what a rule found, or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import get_args

import numpy as np

from agent.likeness.model import Likeness, from_bytes
from agent.safety.meaning import Vectors, vectors
from agent.safety.tiers import Category, Tier, rank

# Class 0 is "none", the others are the categories in their order.
CLASSES = 1 + len(get_args(Category))

# Log-odds of danger, chosen by cross-validation (`opinion_check`). From RAISE on a turn is asked
# about directly: of the texts that no rule finds, two in five of the grave ones, and of ordinary
# turns 1.0 %. From FAINT on it is asked about in softer words, which ask an ordinary caller
# nothing strange: half of the grave ones, and 2.1 %; below, nine in ten answers would no longer
# be right. A stretch of a turn counts for less, since there are several.
RAISE_LOG_ODDS = 1.5
FAINT_LOG_ODDS = 1.0
STRETCH_LESS = 1.0

# Where context took back what a rule found. 我不想死 has 2.7; of the grave texts among them two in
# three lie above.
TAKEN_BACK_LOG_ODDS = 3.0

# Below DISMISS lie 37 % of the harmless lines in which a rule matched, and 4 % of its true finds;
# below DOUBT 41 % and 5 %. At -1.0 plain emergencies in few words were doubted.
DOUBT_LOG_ODDS = -1.75
DISMISS_LOG_ODDS = -2.0

# For two turns in a row: of 778 pairs of ordinary turns of which neither is asked about alone, four
# are together, and at 1.0 eight.
TOGETHER_LOG_ODDS = 1.5


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a text resembles.

    Attributes:
        log_odds: Of any danger against none.
        category: The likeliest danger.
    """

    log_odds: float
    category: Category

    def on(self, tier: Tier) -> Tier:
        """What is left of the tier a rule found: nobody's whole call is scripted on a doubt."""
        if self.log_odds < DISMISS_LOG_ODDS:
            return "none"
        grave = rank(tier) > rank("concern")
        return "concern" if grave and self.log_odds < DOUBT_LOG_ODDS else tier


def opinion_on(folded: str, words: str) -> Opinion:
    """Judge a text; takes a few milliseconds.

    Args:
        folded: As `fold` leaves it, for its meaning.
        words: The same without benign phrases, for its n-grams.
    """
    return opinion_of(model(), words, vectors([folded])[0])


def opinion_of(one: Likeness, words: str, vector: Vectors) -> Opinion:
    """Judge a text whose meaning, shape (DIMENSIONS,), is known already."""
    scores = one.scores(words, vector)
    categories: tuple[Category, ...] = get_args(Category)
    danger = scores[1:]
    log_odds = float(np.logaddexp.reduce(danger) - scores[0])
    return Opinion(log_odds, categories[int(danger.argmax())])


@cache
def model() -> Likeness:
    """The weights in the package, read once; of `CLASSES` kinds."""
    return from_bytes(resources.files("agent.safety").joinpath("opinion.npz").read_bytes())

"""What a turn asks for, of the things that are answered by heart; mostly nothing.

    folded text ─┬▶ rules: plain ways of asking ─────────┬─▶ what is asked, or nothing
                 └▶ likeness: unseen wordings, and doubt ─┘

A wrong set answer is worse than a poor reply of the model: it shows that nobody listened. So
a rule counts unless the classifier is sure that nothing is asked, the classifier alone only
where it is sure, and long turns, stories with a question in them, are left to the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from functools import cache, lru_cache
from importlib import resources

import numpy as np

from agent.asked.kinds import ABOUTS, About
from agent.asked.rules import plainly_asked
from agent.likeness.model import Likeness, from_bytes
from agent.safety.fold import fold
from agent.safety.meaning import Vectors, vectors
from pipeline.text import count_units

# Longer turns tell more than they ask.
MOST_UNITS = 40

# Log-odds of one thing against all else: without a rule a turn is answered from SURE on, with one
# from DOUBT on. Cross-validated with rules that did not know the turns, SURE 0.5 (1.0) answers 55 %
# (51 %) of what is asked with a precision of 0.96 (0.97). DOUBT -4 instead of -5 costs half a point
# and answers 4 of 6,600 grave utterances instead of 7.
SURE_LOG_ODDS = 1.0
DOUBT_LOG_ODDS = -4.0

N_KINDS = 1 + len(ABOUTS)  # kind 0 is "none", the others are the things in their order


@lru_cache(maxsize=64)  # answer, pace and notice of one turn ask about the same words
def asked_about(text: str) -> About | None:
    """What a turn with `text` asks for, in any script or mix of languages.

    Takes 2.2 ms of one core; the first call reads the weights, in a second.
    """
    words = fold(text)
    if not words or count_units(words) > MOST_UNITS:
        return None
    return decided(plainly_asked(words), log_odds_of(classifier(), words, vectors([words])[0]))


def log_odds_of(model: Likeness, words: str, vector: Vectors) -> dict[About, float]:
    """The log-odds that a text asks for each thing, against all else.

    Args:
        model: Of `N_KINDS` kinds.
        words: As `fold` leaves them.
        vector: What they mean, float32, shape (DIMENSIONS,).
    """
    scores = model.scores(words, vector)
    return {
        about: float(scores[kind] - np.logaddexp.reduce(np.delete(scores, kind)))
        for kind, about in enumerate(ABOUTS, start=1)
    }


def decided(
    plainly: Set[About], log_odds: Mapping[About, float], *, sure: float = SURE_LOG_ODDS
) -> About | None:
    """What is asked for, from what the rules find and how likely each thing is."""
    about = max(sorted(plainly) or ABOUTS, key=lambda one: log_odds[one])
    border = DOUBT_LOG_ODDS if plainly else sure
    return about if log_odds[about] >= border else None


@cache
def classifier() -> Likeness:
    """The weights in the package, read once."""
    return from_bytes(resources.files("agent.asked").joinpath("weights.npz").read_bytes())

"""What a turn asks for, of the things that are answered by heart; mostly nothing.

    folded text ─┬▶ at a loss: nothing else is said ─────────▶ that
                 ├▶ rules: plain ways of asking ─────────┬─▶ what is asked, or nothing
                 └▶ likeness: unseen wordings, and doubt ─┘

A wrong set answer is worse than a poor reply of the model: it shows that nobody listened. So
a rule counts unless the classifier is sure that nothing is asked, and the classifier alone only
where it is sure. Some ask in the middle of a story who will hear it, and a small model answers
that with what it does not know: so of a turn that asks nothing as a whole, what may be a question
is read by itself. There the classifier has to be surer still.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cache, lru_cache
from importlib import resources

import numpy as np

from agent.asked.kinds import BY_RULE, GROUPS, About, Asked, Group
from agent.asked.rules import plainly_asked, plainly_asked_around
from agent.at_a_loss import at_a_loss
from agent.likeness.model import Likeness, from_bytes
from agent.safety.detector import assess
from agent.safety.fold import fold
from agent.safety.meaning import Vectors, vectors
from pipeline.text import count_units

# Longer turns tell more than they ask as a whole, and shorter stretches ask nothing by themselves.
MOST_UNITS = 40
LEAST_UNITS = 4

# Log-odds of one thing against all else: without a rule a turn is answered from SURE on, with one
# from DOUBT on. Cross-validated with rules that did not know the turns, SURE 0.5 (1.0) answers 55 %
# (51 %) of what is asked of the listener with a precision of 0.96 (0.97). DOUBT -4 instead of -5
# costs half a point and answers 4 of 6,600 grave utterances instead of 7. Of the line, with rules
# that knew some of the turns, -0.5 (0.0, 1.0) answers 56 % (48, 36) with 0.98 (0.996, 1.0).
SURE_LOG_ODDS: Mapping[Group, float] = {"listener": 1.0, "line": 0.0, "manner": 1.0}
DOUBT_LOG_ODDS = -4.0

# The same, of a stretch of a turn: who hears this, and whether this is a person, are asked in
# passing. Whoever says goodbye within a turn goes on, and of illness and medicine many tell.
# `agent.asked.check` prints what is found in callers' turns.
WITHIN_LOG_ODDS: Mapping[About, float] = {"human": 2.0, "secrecy": 2.0}
PLAINLY = 1.5  # less, where a rule finds it in the stretch
# Where a question ends in Mandarin, and how long before that it may have begun: recognisers write
# no pauses there that could tell. The last ones of a turn are read, 2 ms a stretch.
_ASKING = re.compile(r"[吗吧哈喔嘛]")
_ASKING_CHARS = (8, 11, 14)
_MOST_ASKING = 4
_ASKING_SENTENCE = re.compile(r"[^.?!。？！]{4,}[?？]")
# What somebody else was asked, or said; not what is asked about somebody: 你会跟我老师说吗.
_REPORTED = re.compile(
    r"(?<![跟给和对向诉])(?<![跟给和对向诉]我)"
    r"(?:他|她|人家|医生|老师|护士|同事|老板|客服|就|又|那个)"
    r"[^你，]{0,4}(?:(?<![想问])问(?![问一下])|说|讲)"
    r"|问那|打客服|(?<!\bi )(?<!\byou )(?<!\bbe )\b(?:asked|asking|asks|said|says|told|tells)\b"
)
_BEFORE_CHARS = 20


@lru_cache(maxsize=64)  # answer, pace and notice of one turn ask about the same words
def asked_about(text: str) -> About | None:
    """What a turn with `text` asks for, in any script or mix of languages.

    Takes 2.2 ms of one core, and as much for each stretch that may be a question; the first call
    reads the weights, in a second.
    """
    return asked_as_whole(text) or max(asked_within(text), default=(0.0, None))[1]


def asked_as_whole(text: str) -> About | None:
    """What a turn of at most MOST_UNITS asks for, its rest and all."""
    words = fold(text)
    if not words or count_units(words) > MOST_UNITS:
        return None
    loss = at_a_loss(words)
    if loss is not None and assess(text).tier == "none":  # else it is for the crisis protocol
        return loss
    about = decided(plainly_asked(words), all_log_odds(words, vectors([words])[0]))
    return None if about in GROUPS["manner"] and assess(text).tier != "none" else about


def asked_within(text: str) -> list[tuple[float, About, str]]:
    """What single stretches of a turn ask for, and how likely; the words as `fold` leaves them.

    Of whoever may be in danger nothing is read: that is for the crisis protocol.
    """
    read = [
        one
        for one in dict.fromkeys(_stretches(text))
        if LEAST_UNITS <= count_units(one) <= MOST_UNITS
    ]
    if not read or assess(text).tier != "none":
        return []
    return [
        (odds, about, words)
        for words, vector in zip(read, vectors(read), strict=True)
        for about, odds in all_log_odds(words, vector).items()
        if odds >= WITHIN_LOG_ODDS.get(about, math.inf) - PLAINLY * (about in plainly_asked(words))
    ]


def _stretches(text: str) -> Iterator[str]:
    """Where a turn may ask something in passing: by a rule, in a sentence, before a particle."""
    words = fold(text)
    for stretch in plainly_asked_around(words):
        if not _is_reported(words, words.find(stretch), stretch):
            yield stretch
    for sentence in map(fold, _ASKING_SENTENCE.findall(text)[-_MOST_ASKING:]):
        if sentence != words and not _REPORTED.search(sentence):
            yield sentence
    together = words.replace("，", "")
    for particle in [*_ASKING.finditer(together)][-_MOST_ASKING:]:
        end = particle.end()
        if _is_reported(together, end, ""):
            continue
        for chars in _ASKING_CHARS:
            yield together[max(0, end - chars) : end]


def _is_reported(words: str, at: int, stretch: str) -> bool:
    return _REPORTED.search(words[max(0, at - _BEFORE_CHARS) : at + len(stretch)]) is not None


def all_log_odds(words: str, vector: Vectors) -> dict[About, float]:
    """`log_odds_of` each thing, by the weights in the package."""
    return {
        about: odds
        for group, model in classifiers().items()
        for about, odds in log_odds_of(GROUPS[group], model, words, vector).items()
    }


def log_odds_of(
    things: Sequence[About], model: Likeness, words: str, vector: Vectors
) -> dict[About, float]:
    """The log-odds that a text asks for each thing of a group, against all else.

    Args:
        things: The model's kinds in their order, after kind 0, which is none of them.
        model: Fitted on the group.
        words: As `fold` leaves them.
        vector: What they mean, float32, shape (DIMENSIONS,).
    """
    scores = model.scores(words, vector)
    return {
        about: float(scores[kind] - np.logaddexp.reduce(np.delete(scores, kind)))
        for kind, about in enumerate(things, start=1)
    }


def decided(
    plainly: Set[Asked], log_odds: Mapping[About, float], *, sure: float | None = None
) -> About | None:
    """What is asked for, from what the rules find and how likely each thing is.

    Each group decides by itself, and of two the likelier counts.

    Args:
        plainly: What rules find.
        log_odds: Of each thing.
        sure: Log-odds to answer from without a rule, instead of SURE_LOG_ODDS.
    """
    for ruled_alone in BY_RULE:
        if ruled_alone in plainly:
            return ruled_alone
    found: list[tuple[float, About]] = []
    for group, things in GROUPS.items():
        ruled = [about for about in things if about in plainly and about in log_odds]
        odds, about = max((log_odds.get(one, -math.inf), one) for one in ruled or things)
        border = SURE_LOG_ODDS[group] if sure is None else sure
        if odds >= (DOUBT_LOG_ODDS if ruled else border):
            found.append((odds, about))
    return max(found)[1] if found else None


@cache
def classifiers() -> Mapping[Group, Likeness]:
    """The weights in the package, read once."""
    folder = resources.files("agent.asked")
    return {group: from_bytes(folder.joinpath(f"{group}.npz").read_bytes()) for group in GROUPS}

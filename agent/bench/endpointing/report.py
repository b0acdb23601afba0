"""The verdicts as a table and as one JSON line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from rich.table import Table

from agent.bench.endpointing.features import Features
from agent.bench.endpointing.fit import Example, calibration_part, examples_of, speaking
from agent.bench.endpointing.judge import Verdict, judge, rules
from pipeline.text import Language
from pipeline.turn.endpointing import TurnSettings

# (language of the turns, language of the persona's prompt)
GROUPS: tuple[tuple[Language, Language], ...] = (("zh", "zh"), ("en", "en"), ("en", "zh"))


@dataclass(frozen=True, slots=True)
class Judged:
    """One rule on one group.

    Attributes:
        group: Language of the turns, with the prompt's where it is another.
        rule: Name of the rule.
        verdict: Of all items.
        cut_share_by_pause: `Verdict.cut_share` by what stands before the pause.
    """

    group: str
    rule: str
    verdict: Verdict
    cut_share_by_pause: dict[str, float]


def judged(features: Iterable[Features]) -> list[Judged]:
    """Every rule on every group of the held-out part, under `natural` pacing."""
    examples = examples_of(features)
    fitted = calibration_part(examples)
    held_out = [one for one in examples if one.features.item.turn.split == "held-out"]
    results = []
    for language, prompt in GROUPS:
        group = [one for one in speaking(held_out, language) if one.prompt == prompt]
        name = language if language == prompt else f"{language} under a {prompt} prompt"
        for rule, wait in rules(speaking(fitted, language), TurnSettings()).items():
            by_pause = {
                kind: judge(items, wait).cut_share for kind, items in _by_pause(group).items()
            }
            results.append(Judged(name, rule, judge(group, wait), by_pause))
    return results


def _by_pause(examples: Sequence[Example]) -> dict[str, list[Example]]:
    kinds: dict[str, list[Example]] = {}
    for one in examples:
        if not one.complete:
            kinds.setdefault(str(one.features.item.turn.cut_kind), []).append(one)
    return dict(sorted(kinds.items()))


def table(results: Sequence[Judged]) -> Table:
    """For the terminal."""
    kinds = sorted({kind for one in results for kind in one.cut_share_by_pause})
    drawn = Table("turns", "rule", title="Held-out turns, pauses of 0.3 to 1.2 s")
    for heading in ("pauses cut", "wait p50", "wait p95", *kinds):
        drawn.add_column(heading, justify="right")
    previous = ""
    for one in results:
        verdict = one.verdict
        if one.group != previous:
            drawn.add_section()
        drawn.add_row(
            f"{one.group}, {verdict.turns} + {verdict.parts}" if one.group != previous else "",
            one.rule,
            f"{verdict.cut_share:.1%}",
            f"{verdict.delay_p50_ms:.0f} ms",
            f"{verdict.delay_p95_ms:.0f} ms",
            *(f"{one.cut_share_by_pause[kind]:.1%}" for kind in kinds),
        )
        previous = one.group
    return drawn


def to_json(results: Sequence[Judged]) -> str:
    """One line, in the order of the table."""
    return json.dumps([asdict(one) for one in results], ensure_ascii=False)

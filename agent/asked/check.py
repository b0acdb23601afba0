"""Cross-validates what is taken for asked, and measures it: `python -m agent.asked.check`.

The log-odds from which a turn is answered are chosen on what turns get from a fit that left
them out, with all that is much like them; the rules know some of them, so only the files of
`MEASURING`, measured with what is in the package, tell how new wordings fare. Takes a minute.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agent.asked.about import (
    asked_about,
    asked_as_whole,
    asked_within,
    decided,
    log_odds_of,
)
from agent.asked.fit import MEASURING, Example, examples, fit, labelled
from agent.asked.kinds import ABOUTS, GROUPS, About, Group
from agent.asked.rules import plainly_asked
from agent.safety.fold import fold
from agent.safety.in_calls import CHOSEN_ON, FITTED, NOT_FITTED, turns_of
from agent.safety.meaning import vectors

PARTS = 5
SEED = 1
BORDERS = (-0.5, 0.0, 0.5, 1.0, 1.5)


@dataclass(frozen=True, slots=True)
class Judged:
    """A turn, and what it is taken for: None leaves it to the model."""

    example: Example
    about: About | None

    @property
    def right(self) -> bool:
        """Whether just this was asked."""
        return self.about is not None and self.about == self.example.about


def figures(judged: Sequence[Judged]) -> dict[str, float]:
    """Shares in [0, 1], each only where there is something to share.

    Returns:
        `precision`, of what was answered; `recall` of what was asked, also by thing and by
        locale; `ordinary` and `grave`, of ordinary and of grave turns that are answered.
    """
    by_hand = [one for one in judged if one.example.source == "labelled"]
    asked = [one for one in by_hand if one.example.about is not None]
    groups = {"precision": [one.right for one in by_hand if one.about is not None]}
    groups["recall"] = [one.right for one in asked]
    for about in ABOUTS:
        groups[f"recall {about}"] = [one.right for one in asked if one.example.about == about]
    for locale in sorted({one.example.locale for one in asked}):
        groups[f"recall {locale}"] = [one.right for one in asked if one.example.locale == locale]
    for source in ("ordinary", "grave"):
        turns = [one for one in judged if one.example.source == source]
        groups[source] = [one.about is not None for one in turns]
    return {name: round(float(np.mean(hits)), 4) for name, hits in groups.items() if hits}


def measured(turns: Sequence[Example]) -> dict[str, float]:
    """How the weights in the package do on turns that they were not fitted on."""
    return figures([Judged(one, asked_about(one.text)) for one in turns])


def cross_validated(group: Group) -> dict[str, dict[str, float]]:
    """Figures by the log-odds to answer from, each turn judged by a fit without its family.

    Only things of the group are asked for here, so that its own weights decide.
    """
    data = [one for one in examples(group) if one.about is None or one.about in GROUPS[group]]
    odds = log_odds_left_out(group, data)
    plainly = [plainly_asked(fold(one.text)) & {*GROUPS[group]} for one in data]
    return {
        str(border): figures(
            [
                Judged(one, decided(rules, own, sure=border))
                for one, rules, own in zip(data, plainly, odds, strict=True)
            ]
        )
        for border in BORDERS
    }


def log_odds_left_out(group: Group, data: Sequence[Example]) -> list[Mapping[About, float]]:
    """The log-odds of each thing for each turn, fitted on the other parts."""
    part = parts(data)
    words = [fold(one.text) for one in data]
    meanings = vectors(words)
    odds: dict[int, Mapping[About, float]] = {}
    for left_out in range(PARTS):
        rest = np.flatnonzero(part != left_out).tolist()
        model = fit(group, [data[row] for row in rest], meanings[rest])
        for row in np.flatnonzero(part == left_out).tolist():
            odds[row] = log_odds_of(GROUPS[group], model, words[row], meanings[row])
    return [odds[row] for row in range(len(data))]


def parts(data: Sequence[Example]) -> npt.NDArray[np.int64]:
    """In which part each turn lies, shape (n_turns,): families stay together."""
    families = {one.family: number for number, one in enumerate(data)}
    of_family = np.random.default_rng(SEED).integers(0, PARTS, len(data))
    return of_family[[families[one.family] for one in data]]


def within_stories() -> dict[str, list[str]]:
    """What callers of `tests/data/intake` ask only in a stretch of a turn, to be read.

    Returns:
        The stretches, most likely first, of every second turn, on which the borders were chosen,
        and of the turns between, by the same callers. Nobody has labelled them.
    """
    turns = [turn.text for turn in turns_of((*FITTED, *CHOSEN_ON, *NOT_FITTED))]
    found: dict[str, list[tuple[float, str, str]]] = {"chosen on": [], "between": []}
    for number, text in enumerate(turns):
        if asked_as_whole(text) is None and (inside := asked_within(text)):
            found["between" if number % 2 else "chosen on"].append(max(inside))
    return {
        f"{name}, of {len(turns) // 2} turns": [
            f"{about} {odds:.1f} {words}" for odds, about, words in sorted(stretches, reverse=True)
        ]
        for name, stretches in found.items()
    }


def main() -> None:
    """Print all three as JSON."""
    found = {
        "cross-validated": {group: cross_validated(group) for group in GROUPS},
        "measured": {one.stem: measured(labelled(one)) for one in MEASURING},
        "asked within a story": within_stories(),
    }
    print(json.dumps(found, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()

"""What the protocol makes of labelled answers: `python -m agent.safety.answer_check [FILE…]`.

Each answer is given to a protocol that has just asked its question. Without a file the sets of
tests/data/safety that nothing was learnt from are read.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from agent.config import Locale, Region
from agent.safety.answer_judge import MEANINGS, JudgedMeaning, Question
from agent.safety.protocol import CrisisProtocol, State
from agent.safety.tiers import rank

DATA = Path(__file__).parents[2] / "tests" / "data" / "safety"
UNSEEN = tuple(DATA / f"answers_{name}_sight.jsonl" for name in ("first", "second"))

Outcome: TypeAlias = Literal["graver", "asked again", "let be"]
"""Danger is taken for granted, or asked about directly after a soft question; a number is given and
the question stays open; the call goes on."""

_REGIONS: Mapping[Locale, Region] = {"zh-Hans": "CN", "zh-Hant": "TW", "en": "US"}


def outcome(question: Question, text: str, locale: Locale) -> Outcome:
    """What the protocol does about an answer to a question that it has just put."""
    protocol = CrisisProtocol(locale, _REGIONS[locale])
    before = _asked(question)
    protocol.state = before
    protocol.taken(text)
    after = protocol.state
    asked_directly = before.step == "sounded" and after.step == "opened"
    if asked_directly or rank(after.tier) > rank(before.tier):
        return "graver"
    return "asked again" if after.step in ("unanswered", "held") else "let be"


def _asked(question: Question) -> State:
    """Where the protocol stands after a question."""
    if question == "intent":
        return State("elevated", "suicide", "intent", asked=frozenset({"suicide"}))
    if question == "softly":
        return State("concern", "suicide", "sounded", asked=frozenset({"suicide"}))
    return State("concern", question, "opened", asked=frozenset({question}))


def counted(path: Path) -> dict[JudgedMeaning, Counter[Outcome]]:
    """How often each outcome follows on answers of each meaning.

    Raises:
        OSError: The file cannot be read.
        ValueError, KeyError: A line is no labelled answer.
    """
    found: dict[JudgedMeaning, Counter[Outcome]] = {meaning: Counter() for meaning in MEANINGS}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found[row["label"]][outcome(row["asked"], row["text"], row["locale"])] += 1
    return found


def main(paths: Iterable[str]) -> None:
    """Print a table for each file."""
    for path in [Path(path) for path in paths] or UNSEEN:
        outcomes = get_args(Outcome)
        print(f"{path.name:30}" + "".join(f"{name:>13}" for name in outcomes))
        for meaning, counts in counted(path).items():
            print(f"  {meaning:28}" + "".join(f"{counts[name]:13}" for name in outcomes))


if __name__ == "__main__":
    main(sys.argv[1:])

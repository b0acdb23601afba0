"""What is asked about danger in whole first calls: `python -m agent.safety.in_calls`.

    tests/data/intake/…            callers, few of them in danger
    tests/data/safety/calls.jsonl  which of their turns a reader held for a sign, and of what

Of labelled utterances half are grave; of what is said in a call hardly any is, and a question about
death that nothing called for is heard as not being listened to. So the detector is also measured
by how often it asks where it should not, in calls that nothing was fitted on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from agent.config import Locale, Region
from agent.intake.evaluation import read_callers
from agent.safety.protocol import CrisisProtocol
from agent.safety.tiers import TIERS, Category, Tier

DATA = Path(__file__).parents[2] / "tests" / "data"
SIGNS = DATA / "safety" / "calls.jsonl"
FITTED = ("callers", "more_callers", "later_callers", "ordinary_callers")
CHOSEN_ON = ("again", "sight", "blind", "borders")  # the borders, with a look at these
# Neither; but the figures of the first were seen when borders were chosen, and on those of the
# second weights that had learnt the first were not kept.
NOT_FITTED = ("further_callers", "evening_callers", "morning_callers")

Asked: TypeAlias = Literal["nothing", "softly", "directly", "scripted"]
_NO_SIGN: tuple[Tier | None, Category | None] = ("none", None)
_REGION: dict[Locale, Region] = {"zh-Hant": "TW", "zh-Hans": "CN", "en": "US"}


@dataclass(frozen=True, slots=True)
class CallTurn:
    """One turn of a caller.

    Attributes:
        caller: Whose it is: the id in the file of callers.
        text: The caller's words.
        before: The words of the turn before, "" at first.
        label: What it is a sign of by a reader; None where it is a matter of taste whether a
            listener asks.
        kind: Of what, None without a sign.
    """

    caller: str
    locale: Locale
    text: str
    before: str
    label: Tier | None
    kind: Category | None


@cache
def signs_in_calls() -> dict[tuple[str, int], tuple[Tier | None, Category | None]]:
    """Label and kind of the turns that are no plain "none", by caller and turn."""
    rows = map(json.loads, SIGNS.read_text("utf-8").splitlines())
    return {
        (row["caller"], row["turn"]): (
            None if row["label"] == "taste" else row["label"],
            row["kind"],
        )
        for row in rows
    }


def turns_of(names: Iterable[str]) -> Iterator[CallTurn]:
    """All turns of some files of callers, in their order."""
    found = signs_in_calls()
    for name in names:
        for caller in read_callers(DATA / "intake" / f"{name}.jsonl"):
            for turn in caller.turns:
                label, kind = found.get((caller.caller_id, turn.number), _NO_SIGN)
                yield CallTurn(
                    caller.caller_id, caller.locale, turn.caller, turn.before, label, kind
                )


def asked(turn: CallTurn) -> Asked:
    """What the protocol does at a turn when nothing was asked about before."""
    protocol = CrisisProtocol(turn.locale, _REGION[turn.locale])
    if protocol.answer(turn.before) is None:
        protocol.taken(turn.before)
    protocol.taken(turn.text)
    if protocol.in_force:
        return "scripted"
    if protocol.state.tier == "none":
        return "nothing"
    return "softly" if protocol.state.step == "sounded" else "directly"


def figures(turns: Sequence[CallTurn]) -> dict[str, Any]:
    """Counts and shares, ready for JSON.

    Returns:
        `per_100_turns` of those that are no sign, how many are answered and how; `of_calls`
        without any sign, the share in which anything is asked, asked directly or scripted;
        `answered`, by tier, the signs.
    """
    found = [(turn, asked(turn)) for turn in turns]
    calm = [answer for turn, answer in found if turn.label == "none"]
    by_call: dict[str, set[Asked]] = {}
    signs = {turn.caller for turn, _ in found if turn.label != "none"}
    for turn, answer in found:
        if turn.caller not in signs:
            by_call.setdefault(turn.caller, set()).add(answer)

    def share_of_calls(*answers: Asked) -> float:
        return round(sum(not of.isdisjoint(answers) for of in by_call.values()) / len(by_call), 3)

    told = {tier: [a for turn, a in found if turn.label == tier] for tier in TIERS[1:]}
    return {
        "turns": len(found),
        "calls_without_sign": len(by_call),
        "per_100_turns": {
            answer: round(100 * calm.count(answer) / len(calm), 2)
            for answer in ("softly", "directly", "scripted")
        },
        "of_calls": {
            "anything": share_of_calls("softly", "directly", "scripted"),
            "directly": share_of_calls("directly", "scripted"),
            "scripted": share_of_calls("scripted"),
        },
        "answered": {
            tier: {"signs": len(of), "share": round(1 - of.count("nothing") / len(of), 3)}
            for tier, of in told.items()
            if of
        },
    }


if __name__ == "__main__":
    sets = (CHOSEN_ON, *((one,) for one in NOT_FITTED))
    found = {", ".join(names): figures([*turns_of(names)]) for names in sets}
    print(json.dumps(found, indent=1))

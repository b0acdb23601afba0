"""How well ends are told from pauses: `python -m agent.turn_ends.check`, some seconds.

On the calls of `tests/data/turn_ends/measure.jsonl`, to which no weight is fitted, as they were
written and as they were heard, and on the scripts of `qingting bench`, as written: the area under
the encoder's curve, and what the rule of calls makes of each call in its order, what the caller's
silences add included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from agent.bench.scripts import load_calls
from agent.turn_ends.judge import EndJudge, end_judge
from agent.turn_ends.turns import (
    MEASURE,
    Beginning,
    beginnings_of,
    calls_in,
    heard_beginnings_of,
    heard_in,
)
from pipeline.text import join, language_of
from pipeline.turn import lexicon
from pipeline.turn.endpointing import Evidence, PauseRhythm, TurnSettings, wait_secs

LENGTHS_SECS = (0.3, 0.5, 0.75, 1.0, 1.2)  # of a pause that has none of its own
AT_ONCE_SECS = 0.5


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence of a caller.

    Attributes:
        before: The words so far.
        lengths_secs: As long as the pause may be; empty behind a whole turn.
    """

    before: Beginning
    lengths_secs: tuple[float, ...] = ()


def of_measure() -> list[list[Silence]]:
    """The measuring calls, turn by turn, as written."""
    return [
        [_silence(one) for turn in call["turns"] for one in beginnings_of(turn)]
        for call in calls_in(MEASURE)
    ]


def of_measure_heard() -> list[list[Silence]]:
    """The same as they were heard."""
    return [
        [
            _silence(one)
            for turn, words in zip(call["turns"], heard, strict=True)
            for one in heard_beginnings_of(turn, words)
        ]
        for call, heard in zip(calls_in(MEASURE), heard_in(MEASURE), strict=True)
    ]


def _silence(before: Beginning) -> Silence:
    return Silence(before, () if before.complete else LENGTHS_SECS)


def of_scripts() -> list[list[Silence]]:
    """The scripts of the bench, as written."""
    calls = []
    for call in load_calls():
        silences = []
        for turn in call.turns:
            words = ""
            for number, passage in enumerate(turn.passages, start=1):
                words = join(words, passage.text)
                last = number == len(turn.passages)
                length = () if last else (passage.pause_secs,)
                silences.append(Silence(Beginning("", words, complete=last), length))
        calls.append(silences)
    return calls


def report(name: str, calls: Sequence[Sequence[Silence]], judge: EndJudge) -> str:
    """One line on what the encoder and the rule make of some calls."""
    ends: list[float] = []
    pauses: list[float] = []
    waits: list[float] = []
    asked: list[float] = []
    cut, asked_cut, asked_pauses = 0.0, 0.0, 0
    for call in calls:
        rhythm = PauseRhythm()
        for silence in call:
            evidence = _evidence(silence.before, judge)
            wait = wait_secs(evidence, rhythm, TurnSettings())
            (ends if silence.before.complete else pauses).append(evidence.complete or 0.0)
            is_question = evidence.ending == "question"
            if silence.before.complete:
                waits.append(wait)
                asked += [wait] if is_question else []
                rhythm.note_end()
            else:
                share = float(np.mean([wait < length for length in silence.lengths_secs]))
                cut += share
                asked_cut += share if is_question else 0.0
                asked_pauses += is_question
                rhythm.note_inner_pause(float(np.mean(silence.lengths_secs)))
    return (
        f"{name}: area under the curve {_area(ends, pauses):.3f}; "
        f"{cut:.0f} of {len(pauses)} pauses cut; "
        f"{_at_once(waits):.0%} of {len(waits)} turns taken within {AT_ONCE_SECS} s, "
        f"wait {np.mean(waits) * 1000:.0f} ms at the mean; of what asks "
        f"{asked_cut:.0f} of {asked_pauses} pauses and {_at_once(asked):.0%} of {len(asked)} turns"
    )


def _at_once(waits: Sequence[float]) -> float:
    return sum(wait <= AT_ONCE_SECS for wait in waits) / max(len(waits), 1)


def _evidence(before: Beginning, judge: EndJudge) -> Evidence:
    words = before.words
    return Evidence(
        complete=judge.probability(before.bot_text, words),
        judge="encoder",
        ending=lexicon.ending_of(words),
        mark=lexicon.mark_of(words),
        language=language_of(words),
        asks_for_time=lexicon.asks_for_time(words),
        discloses_feeling=lexicon.discloses_feeling(words),
    )


def _area(ends: Iterable[float], pauses: Iterable[float]) -> float:
    above = np.array(list(ends))[:, None] - np.array(list(pauses))[None, :]
    return float(np.mean((above > 0) + 0.5 * (above == 0)))


def main() -> None:
    """Print a line on each."""
    judge = end_judge()
    if judge is None:
        raise SystemExit("the encoder is not there; the log says why")
    for name, calls in (
        ("measure", of_measure()),
        ("measure, as heard", of_measure_heard()),
        ("scripts", of_scripts()),
    ):
        print(report(name, calls, judge))


if __name__ == "__main__":
    main()

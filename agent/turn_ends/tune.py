"""Tunes the encoder of `agent.turn_ends.judge`: `python -m agent.turn_ends.tune`.

    callers' turns up to their pauses and whole (`turns`)
    half of the labelled set of agent/bench/endpointing, as recognised
    ─▶ low-rank sums and a head ─▶ turn_ends.npz

Runs in a checkout, in the environment of `make setup-train`, in a quarter of an hour of two cores.
On the other half of the labelled set the votes are weighed and judged.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional

from agent.encoder.tune import Course, TunedEncoder, frozen_weights, tune
from agent.turn_ends.judge import HEAD, TUNING_FILE, numbers_of
from agent.turn_ends.turns import CALLS, Beginning, of_calls, of_dialogues, of_labelled_set

RESULT = Path(__file__).with_name(TUNING_FILE)
COURSE = Course(epochs=3, batch=32, rate=7e-4)
# Against turns of the dialogues, which are broken off at places drawn by lot.
CALLS_COUNT_FOR = 1.5
LABELLED_COUNTS_FOR = 3.0  # with a recogniser's errors
WITHOUT_BOT = 0.3  # of the texts: the first words of a call, and a bot that was cut off


@dataclass(frozen=True, slots=True)
class Learnt:
    """One text to learn.

    Attributes:
        numbers: Its pieces, with what the bot said.
        alone: Its pieces without.
        complete: 1.0 for a whole turn.
        counts_for: Texts that it counts for.
    """

    numbers: list[int]
    alone: list[int]
    complete: float
    counts_for: float


def main() -> None:
    """Tune on all calls but those that measure, and write."""
    weights = frozen_weights()

    def learnt(found: Sequence[Beginning], counts_for: float) -> list[Learnt]:
        return [
            Learnt(
                numbers_of(weights.pieces, one.bot_text, one.words),
                numbers_of(weights.pieces, "", one.words),
                float(one.complete),
                counts_for,
            )
            for one in found
        ]

    examples = [
        *learnt(of_dialogues(), 1.0),
        *learnt(of_calls(CALLS / "callers.jsonl"), CALLS_COUNT_FOR),
        *learnt(of_labelled_set(), LABELLED_COUNTS_FOR),
    ]
    encoder = TunedEncoder(weights, {HEAD: 1})
    dice = random.Random(0)

    def loss(batch: Sequence[Learnt]) -> torch.Tensor:
        texts = [one.alone if dice.random() < WITHOUT_BOT else one.numbers for one in batch]
        states, seen = encoder(texts)
        there = seen[..., None].float()
        odds = encoder.heads[HEAD]((states * there).sum(1) / there.sum(1))[:, 0]
        counts = torch.tensor([one.counts_for for one in batch])
        wanted = torch.tensor([one.complete for one in batch])
        surprise = functional.binary_cross_entropy_with_logits(odds, wanted, reduction="none")
        return (surprise * counts).sum() / counts.sum()

    tune(encoder, examples, length=lambda one: len(one.numbers), loss=loss, course=COURSE)
    encoder.save(RESULT)


if __name__ == "__main__":
    main()

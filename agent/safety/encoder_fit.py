"""Tunes the encoder of `agent.safety.encoder`: `python -m agent.safety.encoder_fit`.

    tests/data/safety/{development,wordings,situations}.jsonl   labelled utterances
    train/data/counsellor              callers' turns in ordinary calls, as none
    tests/data/intake, safety/calls    other callers' turns, as a reader marked them
    ─▶ without a fifth of their families
    ─▶ low-rank sums and two heads: which danger, and how grave ─▶ encoder.npz

Runs in a checkout, in the environment of `make setup-train`, in ten minutes of two cores. It goes
on from the tuning that is there: from nothing it learns nothing since long turns are learnt.
Nothing of the sets that measure is fitted on. On the fifth left out `opinion_check` chooses the
borders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional

from agent.encoder.pieces import Pieces
from agent.encoder.tune import Course, TunedEncoder, frozen_weights, tune
from agent.safety.encoder import HEADS, TUNING_FILE, numbers_of
from agent.safety.fold import fold
from agent.safety.opinion_check import LEFT_OUT, parts
from agent.safety.opinion_fit import ORDINARY_COUNTS_FOR, Example, all_examples, joined
from agent.safety.tiers import rank

RESULT = Path(__file__).with_name(TUNING_FILE)
COURSE = Course(epochs=1, batch=32, rate=3e-4)


@dataclass(frozen=True, slots=True)
class Learnt:
    """One text to learn.

    Attributes:
        numbers: Its pieces.
        kind: Its class for the head of kinds.
        tier: Its class for the head of tiers.
        counts_for: Texts that it counts for.
    """

    numbers: list[int]
    kind: int
    tier: int
    counts_for: float


def learnt(pieces: Pieces, data: Sequence[Example]) -> list[Learnt]:
    """The texts as the encoder reads them."""
    return [
        Learnt(
            numbers_of(pieces, fold(one.text)),
            one.kind,
            rank(one.label),
            ORDINARY_COUNTS_FOR if one.is_ordinary else 1.0,
        )
        for one in data
    ]


def loss_by(encoder: TunedEncoder, batch: Sequence[Learnt]) -> torch.Tensor:
    """How much the two heads are surprised by some texts, on the mean."""
    states, seen = encoder([one.numbers for one in batch])
    there = seen[..., None].float()
    means = (states * there).sum(1) / there.sum(1)
    counts = torch.tensor([one.counts_for for one in batch])
    surprise = torch.zeros(len(batch))
    for name in HEADS:
        wanted = torch.tensor([getattr(one, name) for one in batch])
        surprise = surprise + functional.cross_entropy(
            encoder.heads[name](means), wanted, reduction="none"
        )
    return (surprise * counts).sum() / counts.sum()


def main() -> None:
    """Tune on all but the part left out, and write."""
    weights = frozen_weights()
    data = all_examples()
    kept = [one for one, part in zip(data, parts(data), strict=True) if part != LEFT_OUT]
    encoder = TunedEncoder(weights, HEADS)
    encoder.load(RESULT)
    examples = learnt(weights.pieces, joined(kept))
    tune(
        encoder,
        examples,
        length=lambda one: len(one.numbers),
        loss=lambda batch: loss_by(encoder, batch),
        course=COURSE,
    )
    encoder.save(RESULT)


if __name__ == "__main__":
    main()

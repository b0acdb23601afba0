"""Tunes the encoder of `agent.safety.answer_judge`: `python -m agent.safety.answer_tune`.

    tests/data/safety/answers.jsonl   answers to the protocol's questions, labelled
    train/data/counsellor             some turns of ordinary calls, which are no answers
    encoder.npz                       what the crisis detector knows of danger, to begin with
    ─▶ low-rank sums and a head ─▶ answers.npz

Runs in a checkout, in the environment of `make setup-train`, in some minutes of two cores.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import torch
from torch import nn
from torch.nn import functional

from agent.encoder.tune import Course, TunedEncoder, frozen_weights, tune
from agent.safety.answer_judge import (
    HEAD,
    MEANINGS,
    TUNING_FILE,
    JudgedMeaning,
    Question,
    numbers_of,
)
from agent.safety.encoder import HEADS
from agent.safety.encoder import TUNING_FILE as KNOWS_DANGER
from agent.safety.opinion_fit import ordinary

DATA = Path(__file__).parents[2] / "tests" / "data" / "safety" / "answers.jsonl"
RESULT = Path(__file__).with_name(TUNING_FILE)
COURSE = Course(epochs=4, batch=16, rate=5e-4)
_SMOOTHED = 0.05  # authors differ on one label in ten
ORDINARY_ONE_IN = 40


@dataclass(frozen=True, slots=True)
class Learnt:
    """One answer to learn: its pieces, and the place of its meaning among MEANINGS."""

    numbers: list[int]
    meaning: int


def labelled() -> Iterator[tuple[Question, str, JudgedMeaning]]:
    """What was asked, the answers, and what they mean."""
    for line in DATA.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield row["asked"], row["text"], row["label"]


def beside_the_question() -> Iterator[tuple[Question, str, JudgedMeaning]]:
    """What callers say in ordinary calls, as if they had been asked."""
    questions: tuple[Question, ...] = get_args(Question)
    for one in ordinary():
        lot = zlib.crc32(one.text.encode())
        if lot % ORDINARY_ONE_IN == 0:
            yield questions[lot // ORDINARY_ONE_IN % len(questions)], one.text, "other"


def main() -> None:
    """Tune on all of the file, and write."""
    weights = frozen_weights()
    examples = [
        Learnt(numbers_of(weights.pieces, question, text), MEANINGS.index(meaning))
        for question, text, meaning in [*labelled(), *beside_the_question()]
    ]
    encoder = TunedEncoder(weights, HEADS)
    encoder.load(RESULT.with_name(KNOWS_DANGER))
    encoder.heads = nn.ModuleDict({HEAD: nn.Linear(weights.width, len(MEANINGS))})

    def loss(batch: Sequence[Learnt]) -> torch.Tensor:
        states, seen = encoder([one.numbers for one in batch])
        there = seen[..., None].float()
        scores = encoder.heads[HEAD]((states * there).sum(1) / there.sum(1))
        wanted = torch.tensor([one.meaning for one in batch])
        return functional.cross_entropy(scores, wanted, label_smoothing=_SMOOTHED)

    tune(encoder, examples, length=lambda one: len(one.numbers), loss=loss, course=COURSE)
    encoder.save(RESULT)


if __name__ == "__main__":
    main()

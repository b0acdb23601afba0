"""Trains the tuning of `agent.intake.context`: `python -m agent.intake.tune`.

    tests/data/intake/two_readers, of which `fit.LABELLED`
    ─▶ low-rank sums, biases and normalisations of the encoder, and a head ─▶ context.npz

A mark that is a matter of taste counts as two fifths of one. Runs in a checkout, in the environment
of `make setup-train`, in forty minutes of two cores; `agent.intake.fit` then chooses the
borders, on callers of authors that neither has seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from agent.encoder.pieces import Pieces
from agent.encoder.tune import Course, TunedEncoder, frozen_weights, tune
from agent.intake.context import HEAD, TUNING_FILE, Layout, layouts
from agent.intake.evaluation import ScriptedCaller, ScriptedTurn
from agent.intake.extract import ruled_turn
from agent.intake.fit import labelled_callers
from agent.intake.reader import READ_FIELDS
from agent.intake.regression import told

RESULT = Path(__file__).with_name(TUNING_FILE)
COURSE = Course(epochs=5, batch=16, rate=1e-3)
TASTE = 0.4  # what a mark counts for that may be left out
RARE_LOG_ODDS = -3.0  # of a field, before anything is learnt


@dataclass(frozen=True, slots=True)
class Learnt:
    """One turn to learn.

    Attributes:
        laid: As the encoder reads it.
        told: How surely each clause tells each field, 0 to 1: shape (n_clauses, n_fields).
    """

    laid: Layout
    told: torch.Tensor


def learnt(pieces: Pieces, callers: Sequence[ScriptedCaller]) -> list[Learnt]:
    """The turns that have a clause, the longest in several windows."""
    return [one for caller in callers for turn in caller.turns for one in _learnt(pieces, turn)]


def _learnt(pieces: Pieces, turn: ScriptedTurn) -> Iterator[Learnt]:
    clauses = ruled_turn(turn.caller, turn.bot).clauses
    words = [clause.span.of(turn.caller) for clause in clauses]
    wanted = np.array([told(clause, turn.answers) for clause in clauses], np.float32)
    done = 0
    for laid in layouts(pieces, words, turn.bot, turn.before) if clauses else ():
        own = wanted[done : done + len(laid.spans)]
        done += len(laid.spans)
        yield Learnt(laid, torch.from_numpy(np.where(np.isnan(own), np.float32(TASTE), own)))


def loss_by(encoder: TunedEncoder, batch: Sequence[Learnt]) -> torch.Tensor:
    """How much the head is surprised by some turns, on the mean of their clauses."""
    states, _ = encoder([one.laid.numbers for one in batch])
    means = [
        states[at, start:end].mean(0)
        for at, one in enumerate(batch)
        for start, end in one.laid.spans
    ]
    odds = encoder.heads[HEAD](torch.stack(means))
    wanted = torch.cat([one.told for one in batch])
    return functional.binary_cross_entropy_with_logits(odds, wanted, reduction="sum") / len(wanted)


def main() -> None:
    """Tune and write."""
    weights = frozen_weights()
    encoder = TunedEncoder(weights, {HEAD: len(READ_FIELDS)}, bias=RARE_LOG_ODDS)
    tune(
        encoder,
        learnt(weights.pieces, labelled_callers()),
        length=lambda one: len(one.laid.numbers),
        loss=lambda batch: loss_by(encoder, batch),
        course=COURSE,
    )
    encoder.save(RESULT)


if __name__ == "__main__":
    main()

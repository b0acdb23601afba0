"""A second judge of clauses, which reads each where it stands in the conversation.

    caller's turn before │ bot's words │ clause │ clause │ … ─▶ encoder ─▶ mean of each clause's
                                                  pieces ─▶ log-odds of each field

Its log-odds are added to those of `classifier`: the one knows what its few words and meanings told
elsewhere, the other what they mean here. The tuning was trained on callers of several authors
(`tune`); the borders were chosen on those of another one (`fit`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from agent.encoder.bundled import Judge, tuned_encoder
from agent.encoder.pieces import Pieces
from agent.intake.classifier import Weights
from agent.intake.extract import RuledTurn

# Most pieces of each part; the encoder reads 512 at once.
_BEFORE_CHARACTERS = 60
_BEFORE_PIECES = 40
_BOT_PIECES = 60
_CLAUSE_PIECES = 80
_MOST_PIECES = 500

_MARKS = str.maketrans("‘’“”", "''\"\"")

TUNING_FILE = "context.npz"
HEAD = "field"


@dataclass(frozen=True, slots=True)
class Layout:
    """A turn, or as much of it as the encoder reads at once.

    Attributes:
        numbers: Its pieces, what was said before it first.
        spans: First piece of each clause and the one after its last.
    """

    numbers: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]


def layouts(pieces: Pieces, clauses: Sequence[str], bot_text: str, before: str) -> list[Layout]:
    """Lay a turn out: one window for all but the longest, which go on behind the same words.

    Args:
        pieces: Of the encoder.
        clauses: The caller's words, clause by clause.
        bot_text: What the bot said before them.
        before: What the caller said before that.
    """
    lead = pieces.numbers(_plain("query: " + before[-_BEFORE_CHARACTERS:]))[-_BEFORE_PIECES:]
    opening = [pieces.begin, *lead, pieces.end]
    opening += [*pieces.numbers(_plain(bot_text))[-_BOT_PIECES:], pieces.end]
    found: list[Layout] = []
    numbers, spans = list(opening), list[tuple[int, int]]()
    for clause in clauses:
        own = pieces.numbers(_plain(clause))[:_CLAUSE_PIECES]
        if len(numbers) + len(own) + 1 > _MOST_PIECES:
            found.append(Layout(tuple(numbers), tuple(spans)))
            numbers, spans = list(opening), []
        spans.append((len(numbers), len(numbers) + len(own)))
        numbers += [*own, pieces.end]
    return [*found, Layout(tuple(numbers), tuple(spans))]


def _plain(text: str) -> str:
    """With the quotation marks that the encoder's pieces spell."""
    return text.translate(_MARKS)


class ContextJudge:
    """The tuned encoder as a judge of clauses; any thread may use it."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def log_odds(self, text: str, turn: RuledTurn, bot_text: str, before: str) -> Weights:
        """Judge the clauses of a turn; takes 3 ms of one core for twenty pieces.

        Args:
            text: The turn, with at least one clause.
            turn: The same as the rules see it.
            bot_text: What the bot said before it.
            before: What the caller said before that; empty at first.

        Returns:
            float32, shape (n_clauses, n_fields).

        Raises:
            RuntimeError: CTranslate2 failed.
        """
        clauses = [clause.span.of(text) for clause in turn.clauses]
        means = []
        for laid in layouts(self._judge.encoder.pieces, clauses, bot_text, before):
            states = self._judge.encoder.states(laid.numbers)
            means += [states[start:end].mean(axis=0) for start, end in laid.spans]
        return self._judge.scores(HEAD, np.array(means, np.float32))


@cache
def context_judge() -> ContextJudge | None:
    """The judge, read once, in two seconds; None where the encoder's weights are not there."""
    judge = tuned_encoder(__package__, TUNING_FILE, (HEAD,))
    return None if judge is None else ContextJudge(judge)

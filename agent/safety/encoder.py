"""What a turn says as a whole: the judgement of an encoder tuned on the labelled utterances.

    folded text ─▶ pieces ─▶ tuned encoder ─▶ mean ─┬▶ kind: which danger, or none
                                                    └▶ tier: how grave

Word counts and the meanings of single sentences pass by what only the order of words tells:
药都数好了 and 药都吃完了 要再去拿. The encoder reads the words where they stand. It was tuned
without a fifth of the labelled families (`encoder_fit`), on which `opinion_check` measures it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from agent.encoder.bundled import tuned_encoder
from agent.encoder.pieces import Pieces
from agent.safety.by_digest import ByDigest
from agent.safety.tiers import TIERS, Category, rank

logger = logging.getLogger(__name__)

Scores: TypeAlias = npt.NDArray[np.float64]

TUNING_FILE = "encoder.npz"

# What the heads tell apart: none and the categories in their order; the tiers in theirs.
HEADS = {"kind": 1 + len(get_args(Category)), "tier": len(TIERS)}

MOST_PIECES = 128  # of a text; what the detector reads of a turn has half as many
_PREFIX = "query: "  # what the encoder was pretrained with


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the encoder holds a text for.

    Attributes:
        danger: Log-odds of any tier against none.
        grave: Log-odds of elevated or imminent against less.
        kinds: How much it is like each kind, float64, shape (n_kinds,), none first.
    """

    danger: float
    grave: float
    kinds: Scores


def numbers_of(pieces: Pieces, folded: str) -> list[int]:
    """The pieces of a text with the signs around it, at most MOST_PIECES."""
    return [pieces.begin, *pieces.numbers(_PREFIX + folded)[: MOST_PIECES - 2], pieces.end]


def verdict_on(folded: str) -> Verdict | None:
    """Judge a text, as `fold` leaves it; 3 ms of one core for a spoken turn, then remembered.

    Returns:
        None where the encoder is not there or fails, which is remembered like a verdict:
        everybody does without, then.
    """
    return _verdict(folded)


def _judged(folded: str) -> Verdict | None:
    judge = tuned_encoder(__package__, TUNING_FILE, tuple(HEADS))
    if judge is None:
        return None
    try:
        states = judge.encoder.states(numbers_of(judge.encoder.pieces, folded))
    except RuntimeError as error:  # what CTranslate2 raises
        logger.warning("the encoder failed on a text: %s", type(error).__name__)
        return None
    mean = states.mean(axis=0, keepdims=True)
    kinds, tiers = (judge.scores(head, mean)[0].astype(np.float64) for head in HEADS)
    kinds.setflags(write=False)
    return Verdict(_log_odds(tiers, 1), _log_odds(tiers, rank("elevated")), kinds)


# As many as `meaning` remembers: a chat program sends its whole chat again with every message.
_verdict = ByDigest(_judged, 2_048)


def _log_odds(scores: Scores, start: int) -> float:
    """Of the classes from `start` on against those before."""
    return float(np.logaddexp.reduce(scores[start:]) - np.logaddexp.reduce(scores[:start]))

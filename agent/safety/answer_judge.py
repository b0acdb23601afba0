"""What an answer to a question of the protocol means: the judgement of an encoder tuned on answers.

    question │ folded answer ─▶ pieces ─▶ tuned encoder ─▶ mean ─▶ how likely each meaning is

People seldom say yes: 药瓶就在床头, "who else would ring at this hour", 猪还等着我喂.
Rules know what answers begin with (`yes_or_no`); this reads them as a whole.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

import numpy as np

from agent.encoder.bundled import tuned_encoder
from agent.encoder.pieces import Pieces
from agent.safety.by_digest import ByDigest
from agent.safety.fold import fold
from pipeline.text import Language, language_of

logger = logging.getLogger(__name__)

TUNING_FILE = "answers.npz"
HEAD = "meaning"

Question: TypeAlias = Literal[
    "softly", "suicide", "self_harm", "harm_to_others", "abuse", "medical", "intent"
]
"""What was asked: softly, directly about a danger, or whether they mean to act on it."""

JudgedMeaning: TypeAlias = Literal["yes", "thoughts", "no", "unsure", "refused", "other"]
"""As in `yes_or_no`; other: they tell something else."""

MEANINGS: tuple[JudgedMeaning, ...] = get_args(JudgedMeaning)

# What the encoder is told was asked, whatever the script's words are.
ASKED: Mapping[Question, Mapping[Language, str]] = {
    "softly": {"zh": "你会觉得不想撑下去吗", "en": "do you feel you can not go on"},
    "suicide": {"zh": "你想过结束自己的生命吗", "en": "have you thought about ending your life"},
    "self_harm": {"zh": "你伤害过自己的身体吗", "en": "have you hurt yourself"},
    "harm_to_others": {"zh": "你想过要伤害谁吗", "en": "have you thought of hurting somebody"},
    "abuse": {"zh": "有人在伤害你吗", "en": "is somebody hurting you"},
    "medical": {"zh": "你现在需要马上有人帮忙吗", "en": "do you need help at once"},
    "intent": {
        "zh": "你打算真的去做吗东西在身边吗",
        "en": "do you intend to act on it is it at hand",
    },
}

MOST_PIECES = 96  # of an answer; its beginning tells
_PREFIX = "query: "  # what the encoder was pretrained with


def numbers_of(pieces: Pieces, question: Question, text: str) -> list[int]:
    """The pieces of a question and an answer, with the signs around and between."""
    asked = pieces.numbers(_PREFIX + ASKED[question][language_of(text)])
    answer = pieces.numbers(_PREFIX + fold(text))[:MOST_PIECES]
    return [pieces.begin, *asked, pieces.end, *answer, pieces.end]


def judged(question: Question, text: str) -> Mapping[JudgedMeaning, float] | None:
    """How likely each meaning is; 3 ms of one core for a spoken answer, then remembered.

    Args:
        question: What was asked.
        text: The answer as recognised, in either script or language.

    Returns:
        Probabilities, together 1; None where the encoder is not there or fails.
    """
    return _judged(f"{question}\n{text}")


def _judge(asked: str) -> Mapping[JudgedMeaning, float] | None:
    question, _, text = asked.partition("\n")
    judge = tuned_encoder(__package__, TUNING_FILE, (HEAD,))
    if judge is None:
        return None
    try:
        states = judge.encoder.states(numbers_of(judge.encoder.pieces, question, text))  # type: ignore[arg-type]
    except RuntimeError as error:  # what CTranslate2 raises
        logger.warning("the judge of answers failed: %s", type(error).__name__)
        return None
    scores = judge.scores(HEAD, states.mean(axis=0, keepdims=True))[0].astype(np.float64)
    shares = np.exp(scores - np.logaddexp.reduce(scores))
    return dict(zip(MEANINGS, shares.tolist(), strict=True))


_judged = ByDigest(_judge, 256)

"""Whether the words so far are a whole turn: the judgement of the encoder, tuned to it.

    bot's last words │ caller's words ─▶ pieces ─▶ tuned encoder ─▶ mean ─▶ log-odds of an end

It has read where people pause and where they have finished (`tune`), which the language model
behind the call has not: 昨天老师打电话来 is a whole sentence, and the beginning of a story. And it
answers as soon as the words are known, without a step of the language model.
"""

from __future__ import annotations

import logging
import math

from agent.encoder.bundled import Judge, tuned_encoder
from agent.encoder.pieces import Pieces
from pipeline.llm.turn_end import without_trailing_punctuation

logger = logging.getLogger(__name__)

TUNING_FILE = "turn_ends.npz"
HEAD = "end"

# Most of either; the end of a turn is what tells.
_BOT_PIECES = 40
_WORDS_PIECES = 64
_CHARACTERS_A_PIECE = 16  # no piece has more; a long turn is not read from its beginning
_PREFIX = "query:"  # what the encoder was pretrained with
_MARKS = str.maketrans("‘’“”", "''\"\"")  # as the encoder's pieces spell them


def numbers_of(pieces: Pieces, bot_text: str, words: str) -> list[int]:
    """The pieces of what is judged, with the signs around and between.

    Args:
        pieces: Of the encoder.
        bot_text: What the bot said last; may be empty.
        words: The caller's since then. Their last mark does not count: a recogniser puts a full
            stop wherever the sound ends.
    """
    said = _last(pieces, bot_text, _BOT_PIECES)
    own = _last(pieces, without_trailing_punctuation(words).lower(), _WORDS_PIECES)
    between = [*said, pieces.end] if said else []
    return [pieces.begin, *between, *pieces.numbers(_PREFIX), *own, pieces.end]


def _last(pieces: Pieces, text: str, most: int) -> list[int]:
    """The last pieces of a text."""
    end = text[-most * _CHARACTERS_A_PIECE :].translate(_MARKS)
    return pieces.numbers(end)[-most:] if end else []


class EndJudge:
    """Implements `pipeline.turn.stage.WordsJudge`; any thread may use it."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def probability(self, bot_text: str, words: str) -> float | None:
        """Probability that the turn is over; takes 3 ms of one core for twenty pieces.

        Args:
            bot_text: What the bot said before the words; may be empty.
            words: The caller's so far.

        Returns:
            0.0 to 1.0, an end being as likely as not beforehand; None if CTranslate2 failed.
        """
        encoder = self._judge.encoder
        try:
            states = encoder.states(numbers_of(encoder.pieces, bot_text, words))
        except RuntimeError as error:
            logger.warning("the judge of turn ends failed: %s", type(error).__name__)
            return None
        log_odds = float(self._judge.scores(HEAD, states.mean(axis=0, keepdims=True))[0, 0])
        return 1.0 / (1.0 + math.exp(-log_odds))


def end_judge() -> EndJudge | None:
    """The judge, loaded once, in two seconds; None where the encoder's weights are not there."""
    judge = tuned_encoder(__package__, TUNING_FILE, (HEAD,))
    return None if judge is None else EndJudge(judge)

"""How likely the model finds it that the user's turn ends here.

An encoder tuned to turn ends says so better (`agent.turn_ends`). This is the rule where there is
none: after the words so far, without their last punctuation, the model's next-token
probabilities tell whether the thought is complete. Three of their sums count:

    E = P(. 。 ? ！) + END_SHARE · P(the template's end-of-turn token)
    C = P(, ， ; ： …)           a clause is over, the sentence is not
    J = P(吗 了 and but 所以 …)   what only follows a clause that could stand alone

    log-odds = BIAS + END_WEIGHT·log E + PAUSE_WEIGHT·log C + JOIN_WEIGHT·log J

A comma must count against the end: after "when I got home last night" the untuned model
gives a full stop 0.5, as after a whole sentence, and only the comma beside it tells them
apart. The end-of-turn token says little before tuning, so it has only a share.

The weights are fitted over Mandarin and English turns under prompts of both languages, so
that an English caller of a Mandarin persona is not judged by how rare English is there.
Area under the curve over the 1,450 items of `agent/bench/endpointing`, as recognised: 0.86
in Mandarin, 0.83 in English under either prompt. As written, without the recogniser's
errors, an earlier fit gave 0.90 and 0.86, and P(E) / (1 − P(C)) with the end-of-turn token
in full 0.88 and 0.75.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.audio import FloatArray
from pipeline.llm.vocabulary import Vocabulary

SENTENCE_MARKS = frozenset("。．.？?！!")
CLAUSE_MARKS = frozenset("，,、；;：:…—–-")

_PARTICLES = {"吗", "吧", "呢", "啊", "呀", "了", "嘛", "哦", "啦"}  # close a clause
_CONJUNCTIONS = {"但", "但是", "可是", "不过", "所以", "然后", "而且", "因为", "也"} | {
    "and",
    "but",
    "or",
    "so",
    "because",
}
JOINING = frozenset(_PARTICLES | _CONJUNCTIONS)

END_SHARE = 0.3
# Printed by `qingting bench endpointing --calibrate`, for the embedded Qwen2.5-Coder 0.5B.
BIAS = 1.36
END_WEIGHT = 0.7
PAUSE_WEIGHT = -0.17
JOIN_WEIGHT = 0.09
FAINTEST = 1e-5  # smaller sums count as this much; a tuned model may rule them out

_TRAILING = "".join(SENTENCE_MARKS | CLAUSE_MARKS) + " \t\n\u3000"

_IndexArray = npt.NDArray[np.intp]


def without_trailing_punctuation(text: str) -> str:
    """The words so far as the probability wants them: no white space or mark at the end."""
    return text.rstrip(_TRAILING)


@dataclass(frozen=True, slots=True)
class Continuations:
    """What may come next, as probabilities.

    Attributes:
        end: E of the module's formula.
        pause: C.
        join: J.
    """

    end: float
    pause: float
    join: float

    def probability(self) -> float:
        """Probability that the turn ends here, 0.0 to 1.0, ends being as likely as not."""
        log_odds = (
            BIAS
            + END_WEIGHT * math.log(max(self.end, FAINTEST))
            + PAUSE_WEIGHT * math.log(max(self.pause, FAINTEST))
            + JOIN_WEIGHT * math.log(max(self.join, FAINTEST))
        )
        return 1.0 / (1.0 + math.exp(-log_odds))


class TurnEnd:
    """The tokens behind E, C and J for one vocabulary. Read-only once built."""

    def __init__(self, vocabulary: Vocabulary, turn_end: str) -> None:
        """Sort the vocabulary, once per model (0.1 s for 150,000 tokens).

        Args:
            vocabulary: The model's.
            turn_end: What the chat template writes after a user's words.
        """
        over = {
            token
            for token in vocabulary.prompt_tokens(turn_end)
            if vocabulary.ends_generation(token)
        }
        ending, pausing, joining = set[int](), set[int](), set[int]()
        for token in range(vocabulary.size):
            text = vocabulary.piece(token).decode(errors="ignore").strip()
            if text.casefold() in JOINING:
                joining.add(token)
            elif not text or any(character.isalnum() for character in text):
                continue
            elif text[0] in SENTENCE_MARKS:
                ending.add(token)
            elif text[0] in CLAUSE_MARKS:
                pausing.add(token)
        self._over = _indices(over)
        self._ending = _indices(ending)
        self._pausing = _indices(pausing)
        self._joining = _indices(joining)

    def continuations(self, logits: FloatArray) -> Continuations:
        """The sums over the logits after the last word.

        Args:
            logits: float32, shape (vocabulary size,).
        """
        weights = np.exp(logits - logits.max())
        total = float(weights.sum(dtype=np.float64))

        def share(tokens: _IndexArray) -> float:
            return float(weights[tokens].sum(dtype=np.float64)) / total

        return Continuations(
            end=share(self._ending) + END_SHARE * share(self._over),
            pause=share(self._pausing),
            join=share(self._joining),
        )

    def probability(self, logits: FloatArray) -> float:
        """Probability of an end after the words so far."""
        return self.continuations(logits).probability()


def _indices(tokens: set[int]) -> _IndexArray:
    return np.array(sorted(tokens), dtype=np.intp)

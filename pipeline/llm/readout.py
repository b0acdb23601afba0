"""A trained judgement of a turn's end, read off the logits after the words so far.

    log-odds = bias + Σ weight · (logit − mean of the logits read)

What the model holds of the sentence is a vector of some hundred numbers, and every logit is a
weighted sum of it. A weighted sum of enough logits can therefore be any linear judgement of
that vector: here, whether the turn is over. It costs nothing beside the prefill.

The weights belong to one model, with or without one adapter, beside whose file they then lie.
`qingting bench endpointing --train` makes them, from callers' turns of `train/data/counsellor`,
whole and broken off, and from the calibration half of the labelled set; `turn_end.py` has the rule
for every other model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.audio import FloatArray

READOUT_FILE = "readout.npz"


@dataclass(frozen=True, slots=True)
class Readout:
    """The fitted sum.

    Attributes:
        model: What the GGUF calls the model it was fitted to.
        vocabulary: Tokens of that model.
        tokens: int32, shape (n,); whose logits are read.
        weights: float32, shape (n,).
        bias: Log-odds at logits that are all alike.
    """

    model: str
    vocabulary: int
    tokens: npt.NDArray[np.int32]
    weights: FloatArray
    bias: float

    def log_odds(self, logits: FloatArray) -> float:
        """Log-odds that the turn ends here, an end being as likely as not beforehand.

        Args:
            logits: float32, shape (vocabulary size,), after the last word.
        """
        read = logits[self.tokens]
        return self.bias + float((read - read.mean()) @ self.weights)

    def fits(self, model: str, vocabulary: int) -> bool:
        """Whether it was made for this model."""
        return (model, vocabulary) == (self.model, self.vocabulary)

    def save(self, file: Path) -> None:
        """Write it for `load_readout`."""
        np.savez_compressed(
            file,
            model=self.model,
            vocabulary=self.vocabulary,
            tokens=self.tokens,
            weights=self.weights,
            bias=self.bias,
        )


def readout_path(adapter: Path | None = None) -> Path:
    """Where the one for the embedded model stands, or the one for a model with `adapter`."""
    return adapter.with_suffix(".npz") if adapter else Path(__file__).with_name(READOUT_FILE)


def load_readout(file: Path) -> Readout:
    """Read one.

    Raises:
        OSError: There is none.
        ValueError: It is something else.
    """
    with np.load(file, allow_pickle=False) as found:
        return Readout(
            str(found["model"]),
            int(found["vocabulary"]),
            found["tokens"],
            found["weights"],
            float(found["bias"]),
        )

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.llm import readout as readout_module
from pipeline.llm.readout import Readout, load_readout, readout_path
from pipeline.llm.turn_end import TurnEnd

LOGITS = np.array([0.5, -1.0, 2.0, 3.0, 0.0], np.float32)


@pytest.fixture
def readout() -> Readout:
    return Readout(
        "small", 5, np.array([0, 2, 3], np.int32), np.array([1.0, -2.0, 0.5], np.float32), 0.25
    )


def test_the_log_odds_are_a_weighted_sum_of_the_logits_read(readout):
    """0.25 + (0.5 − m) − 2 (2 − m) + 0.5 (3 − m), with m their mean."""
    mean = (0.5 + 2.0 + 3.0) / 3
    expected = 0.25 + (0.5 - mean) - 2.0 * (2.0 - mean) + 0.5 * (3.0 - mean)
    assert readout.log_odds(LOGITS) == pytest.approx(expected, abs=1e-5)


@given(st.floats(-50.0, 50.0))
def test_logits_need_not_be_normalised(shift):
    """A constant added to all of them changes nothing."""
    readout = Readout("small", 5, np.array([1, 4], np.int32), np.array([3, 1], np.float32), 0.0)
    shifted = (LOGITS + np.float32(shift)).astype(np.float32)
    assert readout.log_odds(shifted) == pytest.approx(readout.log_odds(LOGITS), abs=1e-3)


def test_what_is_saved_is_what_is_read(readout, tmp_path):
    """The file holds the model's name, the tokens and the numbers."""
    readout.save(tmp_path / "readout.npz")
    found = load_readout(tmp_path / "readout.npz")
    assert found.fits("small", 5)
    assert not found.fits("small", 6)
    assert not found.fits("large", 5)
    assert found.log_odds(LOGITS) == readout.log_odds(LOGITS)


def test_the_packaged_one_reads_tokens_of_its_vocabulary():
    """Every token once, each with a finite weight."""
    found = load_readout(readout_path())
    assert len(np.unique(found.tokens)) == len(found.tokens) == len(found.weights)
    assert 0 <= found.tokens.min() <= found.tokens.max() < found.vocabulary
    assert np.isfinite(found.weights).all()


def test_the_readout_of_an_adapter_lies_beside_it():
    """The packaged one is of the model without any."""
    assert readout_path(Path("runs/mine/adapter.gguf")) == Path("runs/mine/adapter.npz")
    assert readout_path().parent == Path(readout_module.__file__).parent


def test_a_readout_takes_the_place_of_the_sums(readout):
    """Its log-odds become the probability of an end."""

    class NoTokens:
        """The sums are not asked for, so no vocabulary is needed."""

        size = 0

        def prompt_tokens(self, prompt: str) -> list[int]:
            return []

    turn_end = TurnEnd(NoTokens(), "", readout)  # type: ignore[arg-type]
    odds = readout.log_odds(LOGITS)
    assert turn_end.probability(LOGITS) == pytest.approx(1.0 / (1.0 + np.exp(-odds)))

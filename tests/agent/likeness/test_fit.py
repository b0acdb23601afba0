"""A fit, its file, and what holds for any text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.likeness.model import Likeness, from_bytes, to_bytes
from agent.safety.meaning import vectors

pytest.importorskip("scipy", reason="only the fit needs scipy, which the train extra brings")
from agent.likeness.fit import fit

WORDS = [f"{said}{end}" for said in ("想走", "吃饭") for end in "甲乙丙丁"]
KINDS = [1] * 4 + [0] * 4


@pytest.fixture(scope="module")
def fitted() -> Likeness:
    return fit(WORDS, vectors(WORDS), KINDS, range(8), n_kinds=3)


def test_a_fit_tells_its_kinds_apart_also_after_its_file(fitted: Likeness) -> None:
    """What was written and read again decides alike; a kind without a text is never likely."""
    assert fitted.bias.shape == (3,)
    for model in (fitted, from_bytes(to_bytes(fitted))):
        best = [int(model.scores(text, vectors([text])[0]).argmax()) for text in WORDS]
        assert best == KINDS


def test_a_fit_is_deterministic(fitted: Likeness) -> None:
    """The same texts give the same file, byte for byte."""
    again = fit(WORDS, vectors(WORDS), KINDS, range(8), n_kinds=3)
    assert to_bytes(again) == to_bytes(fitted)


@given(st.text(max_size=40))
def test_any_words_have_scores(fitted: Likeness, words: str) -> None:
    """Unknown n-grams weigh nothing, and no words are legal."""
    assert np.isfinite(fitted.scores(words, np.zeros(512, np.float32))).all()


def test_a_text_that_counts_for_more_has_its_way() -> None:
    """Of one wording under two kinds, the kind with the greater weight is the likelier."""
    words = [*WORDS, *WORDS]
    kinds = [*[0] * 8, *[1] * 8]
    for weights, likelier in (([3.0] * 8 + [1.0] * 8, 0), ([1.0] * 8 + [3.0] * 8, 1)):
        model = fit(words, vectors(words), kinds, range(16), n_kinds=2, counts_for=weights)
        assert int(model.scores(WORDS[0], vectors(WORDS[:1])[0]).argmax()) == likelier

"""When the rows that tell a name outweigh the person."""

from __future__ import annotations

import re

import pytest

from train.mix.blend import overweight


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"own": 6, "identity": 258}, r"258 identity rows to 6 .*43\.0 for each, 98% of the set"),
        ({"own": 0, "identity": 80}, "with none beside them"),
        ({"own": 100, "spoken": 30, "identity": 80, "general": 15, "general wanted": 20}, "36%"),
    ],
)
def test_too_many_identity_rows_are_told(counts, said):
    """How many there are for each of the person's, and what share of the set."""
    warning = overweight(counts)
    assert warning is not None
    assert re.search(said, warning)


@pytest.mark.parametrize(
    "counts",
    [{"own": 6}, {"own": 1000, "identity": 240}, {"own": 400, "identity": 80, "spoken": 1}],
)
def test_few_are_fine(counts):
    """Up to a fifth of the set, as published sets have them."""
    assert overweight(counts) is None

"""Packing loses nothing and keeps to the limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from train.packing import pack


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(50, 120))
def test_every_row_is_in_one_pack_that_fits(lengths, limit):
    """No row is lost or doubled, no pack is longer than the limit."""
    packs = pack(lengths, limit)
    assert sorted(index for group in packs for index in group) == list(range(len(lengths)))
    assert all(sum(lengths[index] for index in group) <= limit for group in packs)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60))
def test_packs_are_at_most_twice_what_they_need(lengths):
    """First fit leaves at most one pack less than half full."""
    packs = pack(lengths, 100)
    assert len(packs) <= 2 * sum(lengths) / 100 + 1

from __future__ import annotations

import pytest

from agent.bench.endpointing.labelled import LANGUAGES, items_of, load_turns
from pipeline.text import count_units, keys, language_of


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_enough_of_both_labels(language):
    """At least 300 complete and 300 incomplete turns in each language, in every split."""
    turns = load_turns(language)
    parts = [turn for turn in turns if turn.cut is not None]
    assert len(turns) >= 300
    assert len(parts) >= 300
    for split, least in (("learnt", 120), ("calibration", 60), ("held-out", 60)):
        assert sum(turn.split == split for turn in parts) >= least


@pytest.mark.parametrize("language", LANGUAGES)
def test_half_of_the_pauses_are_hard(language):
    """Parts that end in a whole phrase or clause are as many as those that end in the middle."""
    kinds = [turn.cut_kind for turn in load_turns(language) if turn.cut is not None]
    hard = sum(kind in ("phrase", "clause") for kind in kinds)
    assert hard / len(kinds) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("language", LANGUAGES)
def test_turns_are_what_they_are_said_to_be(language):
    """Identifiers and texts differ, the language is right, and a cut leaves words on both sides."""
    turns = load_turns(language)
    assert len({turn.id for turn in turns}) == len({keys(turn.text) for turn in turns})
    for turn in turns:
        assert language_of(turn.text) == language
        assert (turn.cut is None) == (turn.cut_kind is None)
        for item in items_of([turn]):
            assert count_units(item.text) > 0
            assert item.complete == (item.text == turn.text)


def test_a_turn_and_its_part_stay_together():
    """A turn and its part share a split, and the splits never change."""
    turns = load_turns("zh")
    whole, part = items_of(turns[:1])
    assert whole.turn.split == part.turn.split
    assert "".join(turn.split[0] for turn in turns[:8]) == "hlchllhl"

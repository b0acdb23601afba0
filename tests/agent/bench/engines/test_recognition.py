"""Incremental recognition beside one decode, on engines that follow a script."""

from __future__ import annotations

import pytest

from agent.bench.engines.recognition import TurnHeard, summarise


def heard(
    language: str = "zh", incremental: int = 0, one_shot: int = 0, final_ms: float = 20.0
) -> TurnHeard:
    return TurnHeard(language, 3.0, (final_ms,), 10, incremental, one_shot)  # type: ignore[arg-type]


def test_errors_are_edits_per_unit_of_a_language() -> None:
    """Long turns weigh more than short ones, languages stand apart."""
    found = summarise([heard(incremental=1), heard(one_shot=2), heard("en", 5, 5)])
    assert found.error_rates["zh"].incremental == pytest.approx(0.05)
    assert found.error_rates["zh"].one_shot == pytest.approx(0.1)
    assert found.error_rates["en"].units == 10


def test_every_soft_end_counts_for_the_delay() -> None:
    """A turn with an inner pause is asked for its words twice."""
    turn = TurnHeard("zh", 9.0, (10.0, 30.0), 10, 0, 0)
    found = summarise([turn, heard(final_ms=50.0)])
    assert (found.final_ms.p50, found.longest_secs) == (30.0, 9.0)

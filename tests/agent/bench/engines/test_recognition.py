"""Incremental recognition beside one decode, on engines that follow a script."""

from __future__ import annotations

import numpy as np
import pytest

from agent.bench.engines.recognition import TurnHeard, hear_on_stream_time, summarise
from pipeline.audio import INPUT_RATE_HZ
from tests.fakes.engines import FakeRecogniser, FakeVoiceActivity
from tests.fakes.speech import speak
from tests.virtual_time import run_virtual


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


def test_words_on_stream_time_do_not_depend_on_the_speed_of_decodes() -> None:
    """A turn with a pause is heard whole, by the same decodes, on the slowest machine too."""
    pause = np.zeros(INPUT_RATE_HZ // 2, dtype=np.int16)
    turn = (speak("我最近很累", INPUT_RATE_HZ), pause, speak("晚上睡不好", INPUT_RATE_HZ))
    decodes = []
    for decode_secs in (0.0, 2.0):
        recogniser = FakeRecogniser(decode_secs)
        hearing = hear_on_stream_time(np.concatenate(turn), recogniser, FakeVoiceActivity())
        assert run_virtual(hearing) == "我最近很累晚上睡不好"
        decodes.append(recogniser.decodes)
    assert decodes[0] == decodes[1]

"""The echo floor finds an echo where there is one, and only there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.audio import WINDOW_SECS
from pipeline.echo import SLOT_SECS, EchoFloor

NOISE_DBFS = -62.0
SECS = 6.0
Levels = npt.NDArray[np.float64]


def speech(secs: float, seed: int = 0) -> Levels:
    """Levels of a voice, one for each slot: syllables of 0.2 s that rise and fall."""
    rng = np.random.default_rng(seed)
    peaks = rng.uniform(-32.0, -18.0, round(secs / 0.2))
    shape = np.array([-14.0, -6.0, -2.0, 0.0, 0.0, -1.0, -3.0, -6.0, -10.0, -18.0])
    return (peaks[:, np.newaxis] + shape).ravel()


def hear(
    floor: EchoFloor,
    voice: Levels,
    *,
    coupling_db: float | None,
    delay_secs: float = 0.16,
    caller: dict[int, float] | None = None,
) -> list[tuple[float, float | None]]:
    """Level and prediction of every window while the bot speaks; `caller` speaks in some."""
    rng = np.random.default_rng(1)
    heard = []
    for window in range(round(len(voice) * SLOT_SECS / WINDOW_SECS)):
        at = window * WINDOW_SECS
        slot = round(at / SLOT_SECS)
        floor.note_voice(at, voice[slot : slot + 7])
        powers = [10 ** (NOISE_DBFS / 10)]
        if coupling_db is not None:
            late = round((at - delay_secs) / SLOT_SECS)
            for index in (late - 1, late):
                if 0 <= index < len(voice):
                    powers.append(10 ** ((voice[index] + coupling_db) / 10) / 2)
        if caller and window in caller:
            powers.append(10 ** (caller[window] / 10))
        level = 10 * np.log10(sum(powers)) + rng.normal(0.0, 1.0)
        heard.append((level, floor.hear(at, level)))
    return heard


@pytest.mark.parametrize("coupling_db", [0.0, -10.0, -20.0])
@pytest.mark.parametrize("delay_secs", [0.04, 0.16, 0.36])
def test_an_echo_is_predicted_from_the_second_second_on(
    coupling_db: float, delay_secs: float
) -> None:
    """Nearly every window of a plain echo lies below what is predicted plus 6 dB."""
    floor = EchoFloor()
    heard = hear(floor, speech(SECS), coupling_db=coupling_db, delay_secs=delay_secs)
    assert floor.coupling_db == pytest.approx(coupling_db, abs=4.0)
    assert floor.delay_secs == pytest.approx(delay_secs, abs=2.5 * SLOT_SECS)
    late = [(level, echo) for level, echo in heard[round(1.0 / WINDOW_SECS) :]]
    above = [level for level, echo in late if echo is None or level > echo + 6.0]
    assert len(above) <= 0.02 * len(late)


def test_without_an_echo_nothing_is_predicted() -> None:
    """Microphone noise alone hides no caller."""
    floor = EchoFloor()
    heard = hear(floor, speech(SECS), coupling_db=None)
    predicted = [echo for _, echo in heard if echo is not None]
    assert len(predicted) <= 0.05 * len(heard)
    assert floor.coupling_db is None


def test_a_caller_over_the_echo_stands_out() -> None:
    """Somebody speaking up is above the floor, and does not move it."""
    floor = EchoFloor()
    speaking = dict.fromkeys(range(100, 125), -24.0)
    heard = hear(floor, speech(SECS), coupling_db=-25.0, caller=speaking)
    above = [level > (echo or -200.0) + 6.0 for level, echo in heard[100:125]]
    assert above[0]
    assert sum(above) >= 20
    assert floor.coupling_db == pytest.approx(-25.0, abs=4.0)


def test_a_silent_bot_has_no_echo() -> None:
    """Between replies nothing is predicted, whatever was learnt."""
    floor = EchoFloor()
    hear(floor, speech(SECS), coupling_db=-10.0)
    assert floor.hear(SECS + 2.0, -30.0) is None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-90.0, 0.0), max_size=60), st.floats(-90.0, 0.0))
def test_any_levels_are_taken(levels: list[float], microphone: float) -> None:
    """No sequence of levels raises, and a prediction is a plain number."""
    floor = EchoFloor()
    for window in range(len(levels)):
        at = window * WINDOW_SECS
        floor.note_voice(at, levels[window : window + 3])
        echo = floor.hear(at, microphone)
        assert echo is None or np.isfinite(echo)

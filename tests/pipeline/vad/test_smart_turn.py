"""The bundled end-of-turn model, shared by threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.audio import INPUT_RATE_HZ, FloatArray
from pipeline.vad.smart_turn import HORIZON_SAMPLES, SmartTurn

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def smart_turn() -> SmartTurn:
    return SmartTurn()


@pytest.fixture(scope="module")
def english() -> FloatArray:
    audio, _ = soundfile.read(DATA / "librispeech-1995-1837-0001.wav", dtype="float32")
    return audio


def test_it_agrees_with_pipecat(smart_turn: SmartTurn, english: FloatArray):
    """The same model on the same features gives pipecat's probability."""
    from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3

    for audio in (english, english[: 3 * INPUT_RATE_HZ]):
        expected = LocalSmartTurnAnalyzerV3()._predict_endpoint(audio)["probability"]
        assert smart_turn.probability(audio) == pytest.approx(expected, abs=1e-4)


def test_only_the_last_eight_seconds_count(smart_turn: SmartTurn, english: FloatArray):
    """Longer turns are heard from their end."""
    whole = smart_turn.probability(english)
    assert whole == smart_turn.probability(english[-HORIZON_SAMPLES:])


def test_empty_audio_is_legal(smart_turn: SmartTurn):
    """No audio has a probability too."""
    assert 0.0 <= smart_turn.probability(np.zeros(0, dtype=np.float32)) <= 1.0


def test_threads_share_one_session(smart_turn: SmartTurn, english: FloatArray):
    """Concurrent calls give what each would give alone."""
    pieces = [english[: n * INPUT_RATE_HZ] for n in (1, 2, 3, 4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(smart_turn.probability, pieces))
    assert together == [smart_turn.probability(piece) for piece in pieces]

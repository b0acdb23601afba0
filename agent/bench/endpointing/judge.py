"""What each way of ending turns costs on the part that nothing was fitted to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agent.bench.endpointing.fit import Example, fit_slope, voted
from agent.bench.endpointing.pauses import share_cut
from pipeline.turn.calibration import Voters
from pipeline.turn.endpointing import PauseRhythm, TurnSettings, share_of_wait, wait_secs

Array = npt.NDArray[np.float64]

# pipecat's defaults: the audio model is asked after 0.2 s of silence, believed from 0.5 on,
# and a turn that it holds for unfinished ends after 3 s (`SmartTurnParams.stop_secs`).
STOCK_ASKED_SECS, STOCK_THRESHOLD, STOCK_UNFINISHED_SECS = 0.2, 0.5, 3.0
SILENCES_SECS = (0.8, 0.5)
_SUREST = 1e-4  # to which the kept answers are rounded


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule does to one group of items.

    Attributes:
        turns: Complete turns judged.
        parts: Turns stopped at an inner pause.
        cut_share: Share of inner pauses that are taken for the end, 0.0 to 1.0.
        delay_p50_ms: Silence before a complete turn is taken, median.
        delay_p95_ms: The same, 95th percentile.
    """

    turns: int
    parts: int
    cut_share: float
    delay_p50_ms: float
    delay_p95_ms: float


def rules(
    calibration: Sequence[Example], settings: TurnSettings
) -> Mapping[str, Callable[[Example], float]]:
    """Every rule that is compared, by name: an item in, silence to wait out.

    Args:
        calibration: Examples of the language, not the ones to be judged: where the
            encoder alone is sure is found on them.
        settings: Waits and pacing.
    """

    def voting(voters: Voters) -> Callable[[Example], float]:
        return lambda example: wait_secs(voted(example, voters), PauseRhythm(), settings)

    def silent(secs: float) -> Callable[[Example], float]:
        return lambda example: secs

    odds = np.array([_encoder_odds(one) for one in calibration])
    slope = fit_slope(odds, calibration, settings)
    room = settings.patience_secs - settings.min_wait_secs
    return {
        "fused": voting("encoder+audio"),
        "without smart-turn": voting("encoder"),
        "encoder alone": lambda example: (
            settings.min_wait_secs + room * share_of_wait(_encoder_odds(example), slope)
        ),
        "language model for encoder": voting("llm+audio"),
        "endings alone": voting("neither"),
        "smart-turn alone": _stock,
        **{f"{secs} s of silence": silent(secs) for secs in SILENCES_SECS},
    }


def _encoder_odds(example: Example) -> float:
    probability = min(max(example.features.encoder, _SUREST), 1.0 - _SUREST)
    return math.log(probability / (1.0 - probability))


def _stock(example: Example) -> float:
    finished = example.features.smart_turn > STOCK_THRESHOLD
    return STOCK_ASKED_SECS if finished else STOCK_UNFINISHED_SECS


def judge(examples: Sequence[Example], rule: Callable[[Example], float]) -> Verdict:
    """Apply a rule to items that are all weighed alike."""
    waits = np.array([rule(one) for one in examples])
    complete = np.array([one.complete for one in examples], dtype=bool)
    cut = share_cut(waits[~complete])
    delays = waits[complete] * 1000.0
    return Verdict(
        turns=int(complete.sum()),
        parts=int((~complete).sum()),
        cut_share=round(float(cut.mean()), 4) if len(cut) else 0.0,
        delay_p50_ms=round(float(np.percentile(delays, 50))) if len(delays) else 0.0,
        delay_p95_ms=round(float(np.percentile(delays, 95))) if len(delays) else 0.0,
    )

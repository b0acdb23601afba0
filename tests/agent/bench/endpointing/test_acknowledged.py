"""Where acknowledgements would fall, on the half of the labelled set that nothing was fitted to."""

from __future__ import annotations

import pytest

from agent.bench.endpointing.features import load_features
from agent.bench.endpointing.fit import examples_of
from pipeline.text import Language
from pipeline.turn.acknowledge import Acknowledgement, Acknowledger, InnerPause
from pipeline.turn.endpointing import Evidence, PauseRhythm, TurnSettings, wait_secs

SETTINGS = TurnSettings()
SAID = Acknowledgement("嗯", bytes(2 * 12_000))  # 0.5 s


def acknowledged(evidence: Evidence) -> bool:
    """Whether a long turn with this evidence is acknowledged before it is taken."""
    one = Acknowledger(SETTINGS, {"zh": [SAID], "en": [SAID]})
    wait = wait_secs(evidence, PauseRhythm(), SETTINGS)
    return any(
        one.choose(InnerPause(60.0, silence_secs, wait, 60.0, "…", evidence)) is not None
        for silence_secs in (0.3, 0.4, 0.5, 0.6)
        if silence_secs < wait
    )


@pytest.mark.parametrize(
    ("language", "least_of_pauses", "most_of_ends"), [("zh", 0.4, 0.08), ("en", 0.65, 0.03)]
)
def test_pauses_are_acknowledged_and_ends_are_not(
    language: Language, least_of_pauses: float, most_of_ends: float
):
    """Every other pause is enough for a story; at an end the reply follows the 嗯."""
    shares: dict[bool, list[bool]] = {True: [], False: []}
    for example in examples_of(load_features()):
        if example.evidence.language == language and example.features.item.turn.split == "held-out":
            shares[example.complete].append(acknowledged(example.evidence))
    assert sum(shares[False]) / len(shares[False]) >= least_of_pauses
    assert sum(shares[True]) / len(shares[True]) <= most_of_ends

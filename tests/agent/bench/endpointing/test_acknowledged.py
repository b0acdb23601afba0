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
    """Whether a turn with this evidence is acknowledged before it is taken."""
    one = Acknowledger(SETTINGS, {"zh": [SAID], "en": [SAID]})
    wait = wait_secs(evidence, PauseRhythm(), SETTINGS)
    return any(
        one.choose(InnerPause(60.0, silence_secs, wait, 2.0, "…", evidence)) is not None
        for silence_secs in (0.3, 0.4, 0.5, 0.6)
        if silence_secs < wait
    )


@pytest.mark.parametrize(("language", "least"), [("zh", 0.9), ("en", 0.6)])
def test_an_end_that_is_waited_for_is_acknowledged(language: Language, least: float):
    """All but questions: whoever has finished hears something at once."""
    waited_for = [
        acknowledged(example.evidence)
        for example in examples_of(load_features())
        if example.evidence.language == language
        and example.features.item.turn.split == "held-out"
        and example.complete
        and example.evidence.ending not in ("question", "answer")
        and wait_secs(example.evidence, PauseRhythm(), SETTINGS) >= 1.2
    ]
    assert sum(waited_for) / len(waited_for) >= least

"""When to say 嗯 while the caller tells a long story, and which. Pure.

    story   ▁▇▇▇▇▇▇▇▁▇▇▇▇▇▇▇▁▁▁▁▁▁▁▁▁▁▇▇▇▇▇▇
                            ├──── wait ────┤ the turn would be taken here
    bot                         嗯
                            │  │└─┘└────┘
                            │  │     └ never closer to a reply than `CLEAR_SECS`
                            │  └ the words are known, and do not say that this is all
                            └ the caller falls silent

An acknowledgement takes nothing: it is no reply and no turn, drafts go on being written,
and a caller who goes on over it interrupts nobody. Time is stream time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from pipeline.audio import OUTPUT_RATE_HZ, SAMPLE_BYTES, level_dbfs, pcm_to_int16
from pipeline.text import Language
from pipeline.turn.endpointing import (
    Evidence,
    Pacing,
    TurnSettings,
    audio_may_decide,
    log_odds,
)

# From our decision to the first sample in the air, as `pipeline.playout.clock` assumes.
START_SECS = 0.08
# Between its last sample and the first that a reply could have: less sounds like one breath.
CLEAR_SECS = 0.2
# smart-turn answers within this silence, or is too late to be waited for; its no would shorten
# the wait, and then the reply would come into the acknowledgement.
AUDIO_OPINION_SECS = 0.5
# The caller goes on: at these log-odds for the end, or less. On the half of the labelled set of
# `agent/bench/endpointing` that was not fitted to, 48 % of the pauses inside Mandarin turns and
# 74 % of English ones lie there, and 6 % and 2 % of the ends; at 0.0 it is 13 % of Mandarin ends.
GOES_ON_LOG_ODDS = -1.5
# An echo that is further below the voice stays under `GateSettings.min_level_dbfs` (-62): an
# acknowledgement is played at about -26 dBFS.
AUDIBLE_ECHO_DB = -36.0


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """One that is ready to be played.

    Attributes:
        text: As it is shown.
        pcm: PCM16 little-endian, mono, 24 kHz.
    """

    text: str
    pcm: bytes

    @property
    def secs(self) -> float:
        """How long it sounds."""
        return len(self.pcm) / SAMPLE_BYTES / OUTPUT_RATE_HZ

    def levels_dbfs(self, slot_secs: float) -> tuple[float, ...]:
        """Level of each `slot_secs` of it; the rest of the last slot is silent."""
        slot_samples = round(slot_secs * OUTPUT_RATE_HZ)
        samples = pcm_to_int16(self.pcm)
        padded = np.pad(samples, (0, -len(samples) % slot_samples))
        return tuple(level_dbfs(slot) for slot in padded.reshape(-1, slot_samples))


Acknowledgements: TypeAlias = Mapping[Language, Sequence[Acknowledgement]]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often.

    Attributes:
        story_secs: Voice in the turn before the first.
        apart_secs: From one to the next.
    """

    story_secs: float
    apart_secs: float


# People acknowledge a story every five to ten seconds; one who does it through a loudspeaker
# a quarter of a second late had better do it less. Pacing "quick" answers instead.
RHYTHMS: Mapping[Pacing, Rhythm] = {
    "natural": Rhythm(story_secs=8.0, apart_secs=12.0),
    "counsellor": Rhythm(story_secs=5.0, apart_secs=8.0),
}


@dataclass(frozen=True, slots=True)
class InnerPause:
    """A silence in a turn that has not been taken, after one more window.

    Attributes:
        at_secs: Stream time.
        silence_secs: Since the last voiced sample.
        wait_secs: Silence at which the turn will be taken, as the evidence stands.
        voiced_secs: Voice in the turn so far.
        text: Its words.
        evidence: What is known about its end.
    """

    at_secs: float
    silence_secs: float
    wait_secs: float
    voiced_secs: float
    text: str
    evidence: Evidence


@dataclass
class Acknowledger:
    """Chooses the moment and the words of one call's acknowledgements.

    Attributes:
        settings: Pacing, and how smart-turn may move the wait.
        ready: What can be said, by language; no language says nothing. May change at any time.
        hushed: Whether words belong to a script, as those of a crisis do: nothing is said
            before its answer. Asked once for each pause that could be acknowledged.
        echoes: The microphone hears the loudspeaker: an acknowledgement would come back as
            the caller's own words, so none is said.
    """

    settings: TurnSettings
    ready: Acknowledgements = field(default_factory=dict)
    hushed: Callable[[str], bool] = lambda text: False
    echoes: bool = False
    _not_before_secs: float = 0.0
    _recent: list[str] = field(default_factory=list)  # texts, the latest last

    def choose(self, pause: InnerPause) -> Acknowledgement | None:
        """What to say into a pause now; None for nothing.

        The choice is noted as said.
        """
        rhythm = RHYTHMS.get(self.settings.pacing)
        if rhythm is None or self.echoes or pause.at_secs < self._not_before_secs:
            return None
        if pause.voiced_secs < rhythm.story_secs or not self._goes_on(pause):
            return None
        chosen = self._next(pause)
        if chosen is None:
            return None
        self._not_before_secs = pause.at_secs + rhythm.apart_secs
        if self.hushed(pause.text):
            return None
        self._recent = [*(text for text in self._recent if text != chosen.text), chosen.text]
        return chosen

    def _goes_on(self, pause: InnerPause) -> bool:
        """All opinions are in, and none says that the caller has finished or asks something."""
        evidence = pause.evidence
        if evidence.llm is None or evidence.ending in ("question", "answer"):
            return False
        outstanding = (
            evidence.smart_turn is None
            and pause.silence_secs < AUDIO_OPINION_SECS
            and audio_may_decide(evidence, self.settings)
        )
        return not outstanding and log_odds(evidence) <= GOES_ON_LOG_ODDS

    def _next(self, pause: InnerPause) -> Acknowledgement | None:
        """The one that was said longest ago, of those that are over in time; never the last."""
        room_secs = pause.wait_secs - pause.silence_secs - START_SECS - CLEAR_SECS
        last = self._recent[-1:]
        fitting = [
            one
            for one in self.ready.get(pause.evidence.language, ())
            if one.secs <= room_secs and one.text not in last
        ]
        return min(fitting, key=self._said_ago, default=None)

    def _said_ago(self, one: Acknowledgement) -> int:
        """Falls with the time since it was said; -1 if it never was."""
        return self._recent.index(one.text) if one.text in self._recent else -1

"""How long to wait in a silence before the turn is taken: pure arithmetic over evidence.

    p  = how complete the words and the voice sound, 0 … 1
    wait = max_wait − (max_wait − min_wait) · confidence(p)     + pacing

The language model's end-of-turn probability is the strongest vote; smart-turn hears the
melody but is unreliable on short Mandarin, so it only nudges; the last words can veto.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Pacing: TypeAlias = Literal["quick", "natural", "counsellor"]
Ending: TypeAlias = Literal["open", "question", "plain"]


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """Times of the turn machine, in seconds of stream time.

    Attributes:
        soft_end_secs: Silence after which a draft begins.
        min_wait_secs: Silence before any turn is taken.
        max_wait_secs: Silence after which the turn is taken whatever the evidence, unless
            pacing holds it.
        hold_secs: Added when the caller asked for time or opened up, by pacing.
        discard_secs: Silence after which an utterance without words is forgotten.
        reply_owed_secs: Longest silence of the bot while it owes an answer.
        unheard_speech_secs: Voiced length from which wordless speech is answered with a
            request to repeat.
        speculation: Draft at the soft end rather than at the commit.
        pacing: How eagerly to answer what could be answered.
    """

    soft_end_secs: float = 0.1
    min_wait_secs: float = 0.25
    max_wait_secs: float = 1.6
    hold_secs: float = 1.2
    discard_secs: float = 0.7
    reply_owed_secs: float = 4.0
    unheard_speech_secs: float = 1.5
    speculation: bool = True
    pacing: Pacing = "natural"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about the end of the turn.

    Attributes:
        llm: End-of-turn probability of the words, None while unknown.
        smart_turn: The audio model's probability, None while unknown.
        ending: What the last words say: "open" (因为…, and …), "question", "plain".
        asks_for_time: 让我想想, let me think.
        discloses_feeling: The turn opens up emotionally.
        units: Length of the turn so far in text units.
    """

    llm: float | None = None
    smart_turn: float | None = None
    ending: Ending = "plain"
    asks_for_time: bool = False
    discloses_feeling: bool = False
    units: int = 0


# Log-odds weights of the votes. The language model's vote is taken relative to the border
# between complete and incomplete turns that was measured for the untuned Qwen 0.5B
# (`pipeline.llm.turn_end`): complete 0.28 at the median, 90 % of incomplete under 0.005.
LLM_BORDER = 0.04
LLM_WEIGHT = 1.0
SMART_TURN_WEIGHT = 0.25
QUESTION_WEIGHT = 1.5
OPEN_WEIGHT = -4.0
LOGIT_LIMIT = 5.0

# From this probability on the turn is taken after the minimum wait, and below its
# complement only after the maximum; between them the wait falls with the log-odds.
SURE = 0.85


def completeness(evidence: Evidence) -> float:
    """Probability that the caller has finished, 0 … 1; unknown votes abstain."""
    logit = 0.0
    if evidence.llm is not None:
        logit += LLM_WEIGHT * (_logit(evidence.llm) - _logit(LLM_BORDER))
    if evidence.smart_turn is not None:
        logit += SMART_TURN_WEIGHT * _logit(evidence.smart_turn)
    if evidence.ending == "question":
        logit += QUESTION_WEIGHT
    elif evidence.ending == "open":
        logit += OPEN_WEIGHT
    return 1.0 / (1.0 + math.exp(-logit))


def _logit(probability: float) -> float:
    clipped = min(max(probability, 1e-6), 1 - 1e-6)
    return min(max(math.log(clipped / (1 - clipped)), -LOGIT_LIMIT), LOGIT_LIMIT)


@dataclass
class PauseRhythm:
    """This caller's own pauses inside turns, learned within the call.

    The floor rises to just above the pauses they make while they go on, so that a slow
    speaker is not cut off twice in the same way; it forgets after `MEMORY` pauses.
    """

    MEMORY = 8
    MARGIN = 1.15
    inner_pauses_secs: deque[float] = field(
        default_factory=lambda: deque(maxlen=PauseRhythm.MEMORY)
    )

    def note_inner_pause(self, secs: float) -> None:
        """They paused for `secs` and went on in the same turn."""
        self.inner_pauses_secs.append(secs)

    def floor_secs(self, min_wait_secs: float, max_wait_secs: float) -> float:
        """Wait below which a doubtful end is not believed."""
        if len(self.inner_pauses_secs) < 2:
            return min_wait_secs
        ordered = sorted(self.inner_pauses_secs)
        typical = ordered[len(ordered) // 2]
        return min(max(min_wait_secs, typical * self.MARGIN), max_wait_secs)


def wait_secs(evidence: Evidence, rhythm: PauseRhythm, settings: TurnSettings) -> float:
    """Silence after which the turn is taken; between the minimum and the maximum wait.

    Only an explicit wish for time, or a disclosure under `counsellor` pacing, may exceed
    `max_wait_secs`, by `hold_secs`.
    """
    complete = completeness(evidence)
    shortest, longest = settings.min_wait_secs, settings.max_wait_secs
    if settings.pacing == "quick":
        longest *= 0.75
    doubt = 0.5 - _logit(complete) / (2.0 * _logit(SURE))
    wait = shortest + (longest - shortest) * min(max(doubt, 0.0), 1.0)
    if complete < SURE:
        wait = max(wait, rhythm.floor_secs(shortest, longest))
    wait = min(wait, longest)
    return wait + _hold_secs(evidence, settings)


def _hold_secs(evidence: Evidence, settings: TurnSettings) -> float:
    if settings.pacing == "quick":
        return 0.0
    if evidence.asks_for_time:
        return settings.hold_secs
    if not evidence.discloses_feeling:
        return 0.0
    return settings.hold_secs if settings.pacing == "counsellor" else settings.hold_secs / 8

"""How long to wait in a silence before the turn is taken: pure arithmetic over evidence.

    log-odds = bias + Σ weight · vote            that the caller has finished; 0 is even
             + the caller's lean                 by their silences so far
             + a question's lean, or - caution
    wait                                         falls as the log-odds rise

    patience ──────┐
                    ╲
                      ╲
                        └────────── min_wait
                 doubt   sure       log-odds

Votes: what is thought of the words as a whole, by an encoder tuned to it or else by the language
model, which is the strongest; smart-turn, which hears the melody and is worth little in
Mandarin; how the words end; and the recogniser's last mark. Their weights are fitted, per
language and for every set of votes that is in (`calibration`); `agent/bench/endpointing` makes
and judges them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from pipeline.text import Language
from pipeline.turn.calibration import JudgedBy, Rule, Slope, load_calibration, voters_of
from pipeline.turn.lexicon import Ending, Mark

Pacing: TypeAlias = Literal["quick", "natural", "counsellor"]


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """Times of the turn machine, in seconds of stream time.

    Attributes:
        soft_end_secs: Silence after which a draft begins.
        min_wait_secs: Silence before any turn is taken.
        patience_secs: Longest wait for words that do not plainly ask for more; a little
            above the inner pauses of 1.2 s that must be survived.
        max_wait_secs: Silence after which the turn is taken whatever the evidence, unless
            the caller asked for time.
        hold_secs: Added when the caller asked for time.
        discard_secs: Silence after which an utterance without words is forgotten.
        reply_owed_secs: Longest silence of the bot while it owes an answer.
        stalled_transcript_secs: The recogniser is given this long beyond the maximum wait
            before its last partial is used.
        unheard_speech_secs: Voiced length from which wordless speech is answered with a
            request to repeat.
        speculation: Draft at the soft end rather than at the commit.
        pacing: How eagerly to answer what could be answered.
        check_in_secs: Silences after which the bot says that it is there; see `silence`.
    """

    soft_end_secs: float = 0.1
    min_wait_secs: float = 0.25
    patience_secs: float = 1.25
    max_wait_secs: float = 1.6
    hold_secs: float = 1.2
    discard_secs: float = 0.7
    reply_owed_secs: float = 4.0
    stalled_transcript_secs: float = 1.0
    unheard_speech_secs: float = 1.5
    speculation: bool = True
    pacing: Pacing = "natural"
    check_in_secs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about the end of the turn.

    Attributes:
        complete: Probability that the words are a whole turn, None while unknown.
        judge: Whose it is.
        smart_turn: The audio model's probability, None while unknown.
        ending: What the last words say; see `lexicon.ending_of`.
        mark: The recogniser's last punctuation; see `lexicon.mark_of`.
        language: Language of the turn.
        asks_for_time: 让我想想, let me think.
        discloses_feeling: The turn opens up emotionally.
    """

    complete: float | None = None
    judge: JudgedBy = "llm"
    smart_turn: float | None = None
    ending: Ending = "plain"
    mark: Mark = "none"
    language: Language = "zh"
    asks_for_time: bool = False
    discloses_feeling: bool = False


# No model is believed beyond these log-odds. smart-turn's are narrower: it was calibrated
# on synthesised speech, and on recorded English it is wrong far more often
# (35 % of inner pauses at 300 ms).
WORDS_LIMIT = 5.0
SMART_TURN_LIMIT = 3.0

CALIBRATION = load_calibration()

# Words that ask for more (因为, 就是, um) are not overruled: this share of the slope at least;
# where the models agree with them, the maximum wait.
OPEN_SHARE = 0.85
# Whoever asks wants to hear, and gets no 嗯 while they wait: of the questions that end turns in
# whole calls as they are heard 91 % are taken within half a second. The price: of 23 pauses behind
# what sounds like one 18 are taken for ends (`python -m agent.turn_ends.check`).
QUESTION_LEAN = 1.0
# What is no question has to be surer than the weights say, which are fitted to turns that stand
# alone. In whole calls as they are heard 13 % of the pauses were taken for ends; with 1.0 it is
# 6 %, and 15 % of the turns are taken at once instead of 29 % (0.5: 9 and 23 %; 1.5: 4 and 10 %;
# `python -m agent.turn_ends.check`; chosen on its calls, and on the scripts of the bench, where 2
# of 56 pauses are cut instead of 4 with 0.5). Whoever waits gets a 嗯; whoever wants quick answers
# is cut off more often.
CAUTION: Mapping[Pacing, float] = {"quick": 0.0, "natural": 1.0, "counsellor": 1.0}
# Of the caution, where smart-turn has heard the end as well: two judges err together less often.
# Not fitted: it keeps English as it was, of whose held-out pauses 1.2 % were cut with 0.5.
HEARD_CAUTION_SHARE = 0.5
# Of `hold_secs`, by pacing, for an explicit wish for time.
TIME_SHARE = {"quick": 0.5, "natural": 1.0, "counsellor": 1.0}
# A counsellor leaves more of the room between the shortest and the longest wait.
STRETCH = {"quick": 0.75, "natural": 1.0, "counsellor": 1.3}
DISCLOSURE_SECS = 0.6  # by which a counsellor lets a feeling stand
# What smart-turn must be able to add to or take from the wait to be worth its 45 ms of a core.
WORTH_SECS = 0.2
WORTH_WEIGHT = 0.3  # in Mandarin its area under the curve is 0.57, and its weight under 0.1


def completeness(evidence: Evidence) -> float:
    """Probability that the caller has finished, 0 … 1, both being as likely beforehand."""
    return 1.0 / (1.0 + math.exp(-log_odds(evidence)))


def log_odds(evidence: Evidence) -> float:
    """`completeness` on the scale on which the votes add up."""
    return _rule_for(evidence).weights.log_odds(votes_of(evidence))


def _rule_for(evidence: Evidence) -> Rule:
    words = None if evidence.complete is None else evidence.judge
    voters = voters_of(words, audio=evidence.smart_turn is not None)
    return CALIBRATION.rules[evidence.language][voters]


def votes_of(evidence: Evidence) -> dict[str, float]:
    """What each weight is multiplied with, by the weight's name; an unknown vote is 0."""
    return {
        "bias": 1.0,
        "words": _logit(evidence.complete, WORDS_LIMIT),
        "smart_turn": _logit(evidence.smart_turn, SMART_TURN_LIMIT),
        "open": float(evidence.ending == "open"),
        "leading": float(evidence.ending == "leading"),
        "question": float(evidence.ending == "question"),
        "answer": float(evidence.ending == "answer"),
        "unmarked": float(evidence.mark == "none"),
        "paused": float(evidence.mark == "pause"),
        "asked": float(evidence.mark == "question"),
    }


def _logit(probability: float | None, limit: float) -> float:
    if probability is None:
        return 0.0
    clipped = min(max(probability, 1e-9), 1 - 1e-9)
    return min(max(math.log(clipped / (1 - clipped)), -limit), limit)


def _caution(evidence: Evidence, settings: TurnSettings) -> float:
    heard = evidence.smart_turn is not None
    return CAUTION[settings.pacing] * (HEARD_CAUTION_SHARE if heard else 1.0)


def share_of_wait(odds: float, slope: Slope) -> float:
    """Where on the slope a turn stands: 0.0 waits the minimum, 1.0 is as patient as can be."""
    return min(max((slope.sure - odds) / (slope.sure - slope.doubt), 0.0), 1.0)


def audio_may_decide(evidence: Evidence, settings: TurnSettings) -> bool:
    """Whether smart-turn's opinion could move the wait by `WORTH_SECS`.

    Never in a language in which it hardly counts.
    """
    if _rule_for(replace(evidence, smart_turn=0.5)).weights.smart_turn < WORTH_WEIGHT:
        return False
    rhythm = PauseRhythm()
    longest, shortest = (
        wait_secs(replace(evidence, smart_turn=opinion), rhythm, settings) for opinion in (0.0, 1.0)
    )
    return longest - shortest >= WORTH_SECS


@dataclass
class PauseRhythm:
    """Whether this caller's silences end turns or lie inside them, learned within the call.

        lean = ln (ends + PRIOR) / (pauses + PRIOR)      of the last MEMORY silences

    The votes are weighed as if either were as likely. Who tells a story pauses three times
    before each end, and is waited for; who asks and answers in single sentences is taken at
    their word. Without it 7 % of the pauses of whole calls as they are heard would be cut instead
    of 6, and 4 of the 56 in the scripts of `qingting bench` instead of 2
    (`python -m agent.turn_ends.check`).
    """

    MEMORY = 8
    PRIOR = 3.0
    SHORTEST_SECS = 0.25  # shorter ones are no choice between an end and a pause

    silences: deque[bool] = field(default_factory=lambda: deque(maxlen=PauseRhythm.MEMORY))

    def note_inner_pause(self, secs: float) -> None:
        """They paused for `secs` and went on in the same turn."""
        if secs >= self.SHORTEST_SECS:
            self.silences.append(False)

    def note_end(self) -> None:
        """A silence was taken for the end of a turn."""
        self.silences.append(True)

    def note_mistake(self) -> None:
        """They went on after all: the silence taken last was a pause."""
        if self.silences:
            self.silences[-1] = False

    @property
    def lean(self) -> float:
        """Log-odds that a silence of theirs ends a turn, before any word is looked at."""
        ends = sum(self.silences)
        return math.log((ends + self.PRIOR) / (len(self.silences) - ends + self.PRIOR))


def wait_secs(evidence: Evidence, rhythm: PauseRhythm, settings: TurnSettings) -> float:
    """Silence after which the turn is taken; between the minimum and the maximum wait.

    Only an explicit wish for time exceeds `max_wait_secs`, by up to `hold_secs`.
    """
    shortest, longest = settings.min_wait_secs, settings.max_wait_secs
    patience = min(max(shortest, settings.patience_secs), longest)
    asked = evidence.ending == "question"
    odds = log_odds(evidence) + rhythm.lean
    odds += QUESTION_LEAN if asked else -_caution(evidence, settings)
    share = share_of_wait(odds, _rule_for(evidence).slope)
    if evidence.ending == "open":
        share = max(share, OPEN_SHARE)
        patience = longest
    wait = shortest + (patience - shortest) * share * STRETCH[settings.pacing]
    if settings.pacing == "counsellor":
        if evidence.ending == "open":
            wait = longest
        elif evidence.discloses_feeling:
            wait += DISCLOSURE_SECS
    held = settings.hold_secs * TIME_SHARE[settings.pacing] if evidence.asks_for_time else 0.0
    return min(wait, longest) + held

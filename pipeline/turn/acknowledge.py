"""When to say 嗯 into a caller's silence without taking the turn, and which. Pure.

    story   ▁▇▇▇▇▇▇▇▁▇▇▇▇▇▇▇▁▁▁▁▁▁▁▁▁▁▇▇▇▇▇▇
                            ├──── wait ────┤ the turn would be taken here
    bot                         嗯
                            │  │└─┘└────┘
                            │  │     └ never closer to a reply than `CLEAR_SECS`
                            │  └ the words are known, and leave it open whether this is all
                            └ the caller falls silent

In a *story* all that is known says that the caller goes on; they are told now and then that
somebody is there. In *doubt* they may have finished or may go on: a person would not leave
them in silence for the second that it takes to be sure, so the first sound comes early, the
earlier the *likelier* the end, and the reply when the wait is over. Where a story's silence
*lasts*, the caller is looking for words, and is told as well. Nothing is said where they ask for
time, and into a silence that is meant. To a question 嗯 would be a yes: one that asks for counsel
(我该怎么办) gets a sound of *thinking*, 呃…… or "hmm", others nothing.

An acknowledgement takes nothing: it is no reply and no turn, drafts go on being written,
and a caller who goes on over it interrupts nobody.

One may also *cover* the wait for a reply that the machine has not ready when the turn is over, or
is not expected to have by then.
Time is stream time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Literal, TypeAlias

import numpy as np

from pipeline.audio import OUTPUT_RATE_HZ, SAMPLE_BYTES, level_dbfs, pcm_to_int16
from pipeline.text import Language
from pipeline.turn import lexicon
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
CLEAR_SECS = 0.15
# smart-turn answers within this silence, or is too late to be waited for; its no would shorten
# the wait, and then the reply would come into the acknowledgement.
AUDIO_OPINION_SECS = 0.5
# Up to here the log-odds for the end say that the caller goes on: on the half of the labelled
# set of `agent/bench/endpointing` that the encoder has not learnt, 33 % of the pauses inside
# Mandarin turns and 60 % of English ones lie there, and less than 1 % of the ends.
GOES_ON_LOG_ODDS = -3.0
# From here on it is rather the end: 25 % and 13 % of the pauses, 89 % and 97 % of the ends.
LIKELY_LOG_ODDS = -0.5
# A reply that is expected sooner needs no word before it.
COVERED_SECS = 0.3
# By so much may a word that covers a wait lengthen it. With a reply 0.4 s away 嗯 (0.4 s) fits;
# 我在听 (0.65 s), which asks to go on, does not.
COVER_DELAY_SECS = 0.25
# An echo that is further below the voice stays under `GateSettings.min_level_dbfs` (-62): an
# acknowledgement is played at about -26 dBFS.
AUDIBLE_ECHO_DB = -36.0
# A room makes an echo longer, and the gate rounds it up, but not to twice its length.
ECHO_LENGTHS = 2.0


# It tells that somebody listens, or that they think about what was asked.
AcknowledgementKind: TypeAlias = Literal["listening", "thinking"]


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """One that is ready to be played.

    Attributes:
        text: As it is shown.
        pcm: PCM16 little-endian, mono, 24 kHz.
        kind: What it tells the caller.
    """

    text: str
    pcm: bytes
    kind: AcknowledgementKind = "listening"

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
class Occasion:
    """When something is said, if there is one.

    Attributes:
        silence_secs: Shorter ones are breath.
        apart_secs: From any acknowledgement to this one.
        voiced_secs: Voice in the turn before.
    """

    silence_secs: float
    apart_secs: float
    voiced_secs: float = 0.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often, by what is known of the silence.

    Attributes:
        story: The caller goes on.
        doubt: They may have finished; they are left some time to go on by themselves.
        likely: They rather have: 嗯 is half the answer, and missed more than it disturbs.
        lasting: Their words want more, and for a while nothing has come.
    """

    story: Occasion
    doubt: Occasion = Occasion(silence_secs=0.35, apart_secs=2.0)
    likely: Occasion = Occasion(silence_secs=0.25, apart_secs=1.5)
    lasting: Occasion = Occasion(silence_secs=0.6, apart_secs=3.0)


# People acknowledge a story every five to ten seconds, in whatever pause there is; one who does it
# through a loudspeaker a quarter of a second late had better do it less there. A pause that lasts,
# or that may be the end, is where one is missed. Pacing "quick" answers instead.
RHYTHMS: Mapping[Pacing, Rhythm] = {
    "natural": Rhythm(Occasion(silence_secs=0.0, apart_secs=12.0, voiced_secs=8.0)),
    "counsellor": Rhythm(Occasion(silence_secs=0.0, apart_secs=8.0, voiced_secs=5.0)),
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
        unproved: The bot has not spoken in this call, so nobody knows whether the microphone
            hears it.
    """

    at_secs: float
    silence_secs: float
    wait_secs: float
    voiced_secs: float
    text: str
    evidence: Evidence
    unproved: bool = False


def clear_at_secs(at_secs: float, said: Acknowledgement) -> float:
    """Stream time from which a reply may follow what is said at `at_secs`."""
    # A nanosecond of tolerance: window times are sums of floats.
    return at_secs + START_SECS + said.secs + CLEAR_SECS - 1e-9


@dataclass
class Acknowledger:
    """Chooses the moment and the words of one call's acknowledgements.

    Attributes:
        settings: Pacing, and how smart-turn may move the wait.
        ready: What can be said, by language; no language says nothing. May change at any time.
        hushed: Whether words are too grave for it, as those of a crisis are: nothing is said
            before their answer. Asked once for each pause that could be acknowledged.
        echoes: The microphone hears the loudspeaker: an acknowledgement would come back as
            the caller's own words, so none is said.
    """

    settings: TurnSettings
    ready: Acknowledgements = field(default_factory=dict)
    hushed: Callable[[str, AcknowledgementKind], bool] = lambda text, kind: False
    echoes: bool = False
    _last_secs: float = -inf
    _more_than_echo_secs: float = 0.0  # voice in the turn from which it is the caller's again
    _recent: list[str] = field(default_factory=list)  # texts, the latest last

    def choose(self, pause: InnerPause, reply_in_secs: float = 0.0) -> Acknowledgement | None:
        """What to say into a pause now; None for nothing.

        Args:
            pause: The silence.
            reply_in_secs: Until the reply's first sound is expected, if its turn is taken.

        The choice is noted as said.
        """
        if self.echoes or self._may_be_echoed(pause) or not self._is_due(pause):
            return None
        until_secs = pause.wait_secs
        if reply_in_secs >= COVERED_SECS:
            until_secs = max(until_secs, self._covered_until_secs(pause, reply_in_secs))
        return self._say(self._next(pause, until_secs), pause)

    def cover(self, pause: InnerPause, reply_in_secs: float) -> Acknowledgement | None:
        """What to say where the turn is over; None where its reply may as well begin.

        Args:
            pause: The silence, at whose end the turn would be taken now.
            reply_in_secs: Until the reply's first sound is expected.

        The choice is noted as said.
        """
        rhythm = RHYTHMS.get(self.settings.pacing)
        if self.echoes or rhythm is None or reply_in_secs < COVERED_SECS:
            return None
        too_soon = pause.at_secs - self._last_secs < rhythm.likely.apart_secs
        if too_soon or self._may_be_echoed(pause) or pause.evidence.complete is None:
            return None
        return self._say(self._next(pause, self._covered_until_secs(pause, reply_in_secs)), pause)

    def _covered_until_secs(self, pause: InnerPause, reply_in_secs: float) -> float:
        """Silence at whose end the reply may as well begin."""
        until_secs = pause.silence_secs + reply_in_secs + COVER_DELAY_SECS
        return min(until_secs, self.settings.max_wait_secs)

    def _say(self, chosen: Acknowledgement | None, pause: InnerPause) -> Acknowledgement | None:
        """Note it as said, unless the words are too grave for it."""
        if chosen is None:
            return None
        self._last_secs = pause.at_secs
        self._more_than_echo_secs = pause.voiced_secs + ECHO_LENGTHS * chosen.secs
        if self.hushed(pause.text, chosen.kind):
            return None
        self._recent = [*(text for text in self._recent if text != chosen.text), chosen.text]
        return chosen

    def _is_due(self, pause: InnerPause) -> bool:
        return any(
            pause.silence_secs >= occasion.silence_secs
            and pause.voiced_secs >= occasion.voiced_secs
            and pause.at_secs - self._last_secs >= occasion.apart_secs
            for occasion in self._occasions(pause)
        )

    def _may_be_echoed(self, pause: InnerPause) -> bool:
        """All that was heard since the last one may be its echo, which would call for the next."""
        return pause.unproved and pause.voiced_secs < self._more_than_echo_secs

    def _kind(self, pause: InnerPause) -> AcknowledgementKind | None:
        """What to tell the caller; None leaves them alone.

        To what asks 嗯 would be a yes. Alone is left, too, who asks for time or says nothing but a
        嗯 themselves (就是这样 is made of such words and is none), and by a counsellor who opens up
        and may have said all.
        """
        evidence, text = pause.evidence, pause.text
        meant = evidence.discloses_feeling and self.settings.pacing == "counsellor"
        if evidence.asks_for_time or (meant and log_odds(evidence) >= LIKELY_LOG_ODDS):
            return None
        answers = evidence.ending == "answer" and not lexicon.rounds_off(text)
        if answers and lexicon.is_backchannel(text):
            return None
        if evidence.ending == "question" or (answers and lexicon.ends_as_question(text)):
            return "thinking" if lexicon.asks_for_counsel(text) else None
        return "listening"

    def _occasions(self, pause: InnerPause) -> tuple[Occasion, ...]:
        """What the evidence makes of the silence; nothing before all opinions are in."""
        evidence, rhythm = pause.evidence, RHYTHMS.get(self.settings.pacing)
        kind = self._kind(pause)
        if rhythm is None or evidence.complete is None or kind is None:
            return ()
        outstanding = (
            evidence.smart_turn is None
            and pause.silence_secs < AUDIO_OPINION_SECS
            and audio_may_decide(evidence, self.settings)
        )
        if outstanding or self._last_secs > pause.at_secs - pause.silence_secs:
            return ()
        odds = log_odds(evidence)
        if odds <= GOES_ON_LOG_ODDS or evidence.ending == "open":
            # Nobody thinks about a question inside a story: 他就问我为什么.
            return () if kind == "thinking" else (rhythm.story, rhythm.lasting)
        return (rhythm.likely if odds >= LIKELY_LOG_ODDS else rhythm.doubt,)

    def _next(self, pause: InnerPause, until_secs: float) -> Acknowledgement | None:
        """The one that was said longest ago, of those over within a silence of `until_secs`."""
        kind = self._kind(pause)
        room_secs = until_secs - pause.silence_secs - START_SECS - CLEAR_SECS
        fitting = [
            one
            for one in self.ready.get(pause.evidence.language, ())
            if one.kind == kind and one.secs <= room_secs
        ]
        return min(fitting, key=self._said_ago, default=None)

    def _said_ago(self, one: Acknowledgement) -> int:
        """Falls with the time since it was said; -1 if it never was."""
        return self._recent.index(one.text) if one.text in self._recent else -1

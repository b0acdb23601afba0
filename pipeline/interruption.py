"""Polite barge-in: pause at once, weigh what was heard, then resume or give up the floor.

    a sound over the bot
    ────────▶ pause ────────▶ weighing ─┬─▶ resume(reason) ─▶ judged ─▶ its end
                                        └─▶ commit(reason)       │
                                                    ▲─ its words ┘

    verdict  reason       evidence
    commit   command      等一下, 不是, wait … at the beginning of the words
    commit   words        more than `commit_units` units that are not the bot's echo, or
                          fewer once the caller has finished
    commit   speech       a voice above a known echo goes on, and no word about it yet
    commit   instant      mode "instant": any voice at all
    commit   answer       any words of the caller's, once the bot has said all of its own
    resume   backchannel  嗯, 对, mm-hm; noted, no turn
    resume   echo         the words are those the bot is saying
    resume   noise        a short sound, or one in which the recogniser found no words

A resume can be taken back, since words of the same sound that come in later still commit;
a commit cannot. So what is unclear resumes, and only plain evidence commits.

Once the bot has said all its words, the floor is free: nothing is left to pause, and 嗯 is
an answer. The bot's last words may still come back as an echo, so they are compared until
half a second later. So are those of the reply before, with a sound that began over it.

The policy is pure. Times are stream seconds and never fall from one call to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from pipeline.echo_words import RUN_UNITS, BotWords, after_echo, without_echo
from pipeline.text import count_units
from pipeline.turn import lexicon

InterruptionMode: TypeAlias = Literal["polite", "instant", "off"]
DecisionKind: TypeAlias = Literal["wait", "pause", "resume", "commit"]

SHORTEST_TURN_UNITS = 2  # a lone unit that is no command is more often noise than a turn
# A sound is noticed up to so long after it began; one that was the echo's or another room's
# for longer before it rose is a new one.
NOTICE_SECS = 0.1
# A sound that goes on for so long before it rises above the echo began as the echo.
ECHO_LEAD_SECS = 0.3
# After so many pauses for nothing within so long, without a reference that tells an echo,
# the bot plays on and waits for words: an echo would make it stutter, and is learnt sooner.
VAIN_PAUSES = 2
VAIN_SECS = 10.0


class InterruptionParams(BaseModel):
    """On what evidence the caller gets the floor.

    Attributes:
        decide_secs: Longest time from the first voiced sample to the verdict on words.
        patience_secs: Likewise to the verdict on a sound that goes on without a word.
            On the bench's clips, with decodes of 0.12 s, 95 % of the verdicts are in after
            0.49 s. A word that comes late still commits: six of 34 cut-ins hear the bot
            for a window in between.
        quiet_secs: Silence after which a sound counts as over.
        gone_secs: A sound that was judged and has not been louder than the echo, or than
            another room, for so long is over, even if the echo still keeps the gate open.
            The next one pauses again. Words come in within a decode and its interval.
        noise_secs: A wordless sound that was voiced for less, after the gate opened, is a
            cough or a click; longer ones wait for the recogniser, since 停 is hardly longer.
        speech_secs: A sound above a known echo that goes on and was voiced for this long by
            then is speech, even if the recogniser has not answered yet. Without a reference
            it might be an echo, and its words are waited for.
        commit_units: Words beyond this many text units are an interruption even while
            the caller goes on speaking.
        turn_end_probability: From this probability on, fewer words than that are already
            a complete turn.
        echo_margin_db: A sound must stand this far above the echo that the reference
            predicts to be taken for the caller's.
        clear_margin_db: From this far above it on, the words are the caller's even if the
            bot has just said the same.
        distant_db: A sound this far below the caller's usual level is someone else's. A
            voice in another room at -24 dB rises to -14 dB in its loudest vowels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    decide_secs: float = Field(default=0.43, gt=0.0)
    patience_secs: float = Field(default=0.45, gt=0.0)
    quiet_secs: float = Field(default=0.2, gt=0.0)
    gone_secs: float = Field(default=0.5, gt=0.0)
    noise_secs: float = Field(default=0.25, ge=0.0)
    speech_secs: float = Field(default=0.33, ge=0.0)
    commit_units: int = Field(default=3, ge=1)
    turn_end_probability: float = Field(default=0.6, ge=0.0, le=1.0)
    echo_margin_db: float = 6.0
    clear_margin_db: float = 15.0
    distant_db: float = Field(default=14.0, gt=0.0)


@dataclass(frozen=True, slots=True)
class OverlapDecision:
    """What to do with the bot's voice now.

    Attributes:
        kind: "wait" goes on as before; "pause" fades out and holds; "resume" fades in
            from the last clause or word border; "commit" gives the caller the floor.
        reason: Why, for resume and commit; see the table above.
    """

    kind: DecisionKind
    reason: str = ""


WAIT = OverlapDecision("wait")
PAUSE = OverlapDecision("pause")


@dataclass(frozen=True, slots=True)
class _Evidence:
    """One call of `InterruptionPolicy.judge`, and the loudest window of the sound so far.

    Attributes:
        over_echo_db: How far that window stood above the predicted echo, None without one.
        expired: `decide_secs` have passed since the first voiced sample.
        out_of_patience: `patience_secs` have.
    """

    voiced_secs: float
    silence_secs: float
    over_echo_db: float | None
    text: str | None
    text_is_final: bool
    end_of_turn: float | None
    expired: bool
    out_of_patience: bool
    floor_is_free: bool


class InterruptionPolicy:
    """Decides what a sound over the bot's voice does to it.

    Call `begin` when the speech gate opens over a reply, then `judge` for every window,
    silent ones too, until it says resume or commit. Between two pauses there is always
    one of both. A sound that goes on after its resume may `begin` again: it is not
    weighed, and does not pause, a second time, but its words can still commit.

    Args:
        mode: "polite" weighs, "instant" stops for any voice, "off" never stops, but takes
            what was said as a turn when the bot has finished. May be changed between sounds.
        params: Thresholds.
        is_backchannel: Whether a text is nothing but a sign of listening.
        begins_backchannel: Whether it may still become one: 原来 of 原来如此.
        is_command: Whether a text asks the bot to stop or contradicts it.
        sound_of: The sound of one unit, by which words and echo are compared; written
            forms by default, so a homophone counts as another word.
    """

    def __init__(
        self,
        mode: InterruptionMode = "polite",
        params: InterruptionParams | None = None,
        *,
        is_backchannel: Callable[[str], bool] = lexicon.is_backchannel,
        begins_backchannel: Callable[[str], bool] = lexicon.begins_backchannel,
        is_command: Callable[[str], bool] = lexicon.is_command,
        sound_of: Callable[[str], str] = str.casefold,
    ) -> None:
        self.mode: InterruptionMode = mode
        self._params = params or InterruptionParams()
        self._is_backchannel = is_backchannel
        self._begins_backchannel = begins_backchannel
        self._is_command = is_command
        self._sound_of = sound_of
        self._state: Literal["fresh", "weighing", "judged", "committed"] = "fresh"
        self._onset_at = 0.0
        self._decided_from = 0.0
        self._loud_at = 0.0  # end of the last window that could be the caller's
        self._over_echo_db: float | None = None
        self._backchannel_units = 0  # of the longest one that the sound was heard as
        self._bot_words = BotWords()
        self._began_free: bool | None = None  # the bot had said all when the sound was noticed
        self._vain_pauses = 0

    @property
    def deadline(self) -> float | None:
        """Stream time from which on `judge` brings the verdict; None if nothing is weighed."""
        weighing = self._state == "weighing"
        return self._decided_from + self._params.patience_secs if weighing else None

    @property
    def has_heard_caller(self) -> bool:
        """Whether the sound had a window that could be the caller's."""
        return self._state != "fresh"

    def may_be_caller(
        self, level_dbfs: float, *, echo_dbfs: float | None, usual_dbfs: float | None
    ) -> bool:
        """Whether the level of a window lets it be the caller's; what is unknown does.

        Args:
            level_dbfs: Of the window, 0 being full scale.
            echo_dbfs: Echo level that the reference predicts, None if unknown.
            usual_dbfs: The caller's usual level, None if unknown.
        """
        params = self._params
        above_echo = echo_dbfs is None or level_dbfs >= echo_dbfs + params.echo_margin_db
        return above_echo and (usual_dbfs is None or level_dbfs > usual_dbfs - params.distant_db)

    def is_done(self, at: float) -> bool:
        """Whether the sound was judged, and nothing since then could be the caller's."""
        return self._state == "judged" and at - self._loud_at >= self._params.gone_secs

    def note_bot_text(self, heard_text: str, upcoming_text: str) -> None:
        """What the bot has said of its reply from the beginning, and what it is about to say."""
        self._bot_words.note(heard_text, upcoming_text)

    def caller_words(self, began_at: float) -> Callable[[str], str]:
        """What of the present sound's transcripts is the caller's, in this and later ones.

        Nobody can quote what is only just being said: words of the bot's at the beginning
        are the caller's own, unless they came before the caller did.

        Args:
            began_at: Stream time at which the sound began.
        """
        if self._decided_from - began_at < ECHO_LEAD_SECS:
            return str
        bot_text = self._bot_words.in_the_room()
        return partial(after_echo, bot_text=bot_text, sound_of=self._sound_of)

    def is_more_than_echo(self, text: str) -> bool:
        """Whether none of the words are the bot's, or so many are not that it heard somebody.

        Told by the text alone: a canceller that fails for a moment makes an echo as loud as
        a caller.
        """
        words = without_echo(text, self._bot_words.in_the_room(), self._sound_of)
        return words == text or count_units(words) > self._params.commit_units

    def begin(self, at: float, onset_at: float) -> None:
        """A new sound, noticed at `at` while the bot was speaking; voiced from `onset_at` on."""
        self._bot_words.forget_reply_before()
        self._began_free = None
        self.go_on(at, onset_at)

    def go_on(self, at: float, onset_at: float) -> None:
        """Voice again within the same sound, noticed at `at`, from `onset_at` on.

        After less than `quiet_secs` of silence a sound that was judged goes on as judged.
        """
        if self._state == "judged" and at - self._loud_at < self._params.quiet_secs:
            return
        self._state = "fresh"
        self._onset_at = onset_at
        self._over_echo_db = None
        self._backchannel_units = 0

    def judge(
        self,
        at: float,
        *,
        voiced_secs: float,
        silence_secs: float,
        level_dbfs: float,
        text: str | None = None,
        text_is_final: bool = False,
        end_of_turn: float | None = None,
        echo_dbfs: float | None = None,
        usual_dbfs: float | None = None,
        floor_is_free: bool = False,
    ) -> OverlapDecision:
        """Weigh all that is known about the sound after one more window.

        Args:
            at: End of the window, stream seconds.
            voiced_secs: Voice in the sound so far.
            silence_secs: Silence since its last voiced sample, 0.0 in a voiced window.
            level_dbfs: Level of the window, 0 being full scale.
            text: Words of the sound so far; None before the recogniser has answered, empty
                if it found none.
            text_is_final: The sound is over and no more words will come.
            end_of_turn: Probability 0 … 1 that the words are a complete turn, None if unknown.
            echo_dbfs: Echo level that the reference predicts, None if unknown.
            usual_dbfs: The caller's usual level, None if unknown.
            floor_is_free: The bot has said all its words.

        Returns:
            What to do now: "pause", "resume" and "commit" at most once for a sound, in the
            window that decides it, and "wait" in all others.
        """
        if self._state == "committed":
            return WAIT
        if self._began_free is None:
            self._began_free = floor_is_free
        if at - self._decided_from > VAIN_SECS:
            self._vain_pauses = 0
        in_vain = self._vain_pauses >= VAIN_PAUSES and echo_dbfs is None
        holds_still = floor_is_free or self.mode == "off" or in_vain
        voiced = silence_secs == 0.0
        near = self.may_be_caller(level_dbfs, echo_dbfs=echo_dbfs, usual_dbfs=usual_dbfs)
        learnt = voiced and echo_dbfs is not None and self._over_echo_db is None
        if voiced and near:
            self._loud_at = at
            if echo_dbfs is not None:
                self._over_echo_db = max(level_dbfs - echo_dbfs, self._over_echo_db or 0.0)
            if self.mode == "instant":
                return self._commit("instant")
            if self._state == "fresh":
                self._state = "judged" if holds_still else "weighing"
                self._decided_from = max(self._onset_at, at - NOTICE_SECS)
                return WAIT if holds_still else PAUSE
        elif self._state == "judged" and learnt:
            # It began before the echo was known, and does not stand out of it.
            self._state = "fresh"
        if self._state == "fresh" or (self.mode == "off" and not floor_is_free):
            return WAIT
        evidence = _Evidence(
            voiced_secs,
            silence_secs,
            self._over_echo_db,
            text,
            text_is_final,
            end_of_turn,
            expired=self._has_passed(at, self._params.decide_secs),
            out_of_patience=self._has_passed(at, self._params.patience_secs),
            floor_is_free=floor_is_free,
        )
        return self._settle(self._verdict(evidence))

    def _has_passed(self, at: float, secs: float) -> bool:
        # Half a millisecond of tolerance: window times are sums of floats.
        return at > self._decided_from + secs - 0.0005

    def _settle(self, verdict: OverlapDecision) -> OverlapDecision:
        weighing = self._state == "weighing"
        # Once a sound has been judged, only words can change the judgement.
        if verdict.kind == "commit" and (weighing or verdict.reason != "speech"):
            return self._commit(verdict.reason)
        if verdict.kind == "resume" and weighing:
            self._state = "judged"
            in_vain = verdict.reason in ("noise", "echo")
            self._vain_pauses = self._vain_pauses + 1 if in_vain else 0
            return verdict
        return WAIT

    def _commit(self, reason: str) -> OverlapDecision:
        self._vain_pauses = 0
        self._state = "committed"
        return OverlapDecision("commit", reason)

    def _verdict(self, evidence: _Evidence) -> OverlapDecision:
        """What the evidence says so far; never "wait" once the time has passed."""
        params = self._params
        over = evidence.text_is_final or evidence.silence_secs >= params.quiet_secs
        settled = over or evidence.expired
        if not evidence.text:
            steady = evidence.text is None and evidence.voiced_secs >= params.speech_secs
            no_echo = evidence.over_echo_db is not None
            if evidence.out_of_patience and steady and no_echo and not over:
                return OverlapDecision("commit", "speech")
            brief = over and (evidence.expired or evidence.voiced_secs < params.noise_secs)
            done = evidence.out_of_patience or brief or evidence.text_is_final
            return OverlapDecision("resume", "noise") if done else WAIT
        words = self._own_words(evidence)
        if not words:
            return OverlapDecision("resume", "echo")
        if self._is_command(words):
            return OverlapDecision("commit", "command")
        if evidence.floor_is_free and (settled or count_units(words) >= SHORTEST_TURN_UNITS):
            return OverlapDecision("commit", "answer")
        if self._heard_as_backchannel(words):
            # 对 may be the beginning of 对，可是…: let the sound end first.
            return OverlapDecision("resume", "backchannel") if settled else WAIT
        if self._begins_backchannel(words) and not over:
            return OverlapDecision("resume", "noise") if evidence.out_of_patience else WAIT
        complete = settled or (evidence.end_of_turn or 0.0) >= params.turn_end_probability
        # What is left beside an echo may be echo heard wrongly, and must be longer.
        few_suffice = complete and words == evidence.text
        needed = SHORTEST_TURN_UNITS if few_suffice else params.commit_units + 1
        if count_units(words) >= needed:
            return OverlapDecision("commit", "words")
        # A first word, and the sound goes on: the next one is due soon.
        ended = evidence.out_of_patience or (over and evidence.expired) or evidence.text_is_final
        return OverlapDecision("resume", "noise") if ended else WAIT

    def _heard_as_backchannel(self, words: str) -> bool:
        """Whether the words are one, or no longer than one that the same sound was heard as.

        The recogniser writes 好的 in one decode and 好灯 in the next.
        """
        if self._is_backchannel(words):
            self._backchannel_units = max(self._backchannel_units, count_units(words))
        return count_units(words) <= self._backchannel_units

    def _own_words(self, evidence: _Evidence) -> str:
        """The words of the sound that are not the bot's, told by level or by text."""
        text, level = evidence.text or "", evidence.over_echo_db
        if level is not None and level >= self._params.clear_margin_db:
            return text
        if evidence.floor_is_free and self._bot_words.ends_with(text, self._sound_of):
            return ""
        if self._began_free and count_units(text) < RUN_UNITS:
            return text  # no echo of its last words: 想过 answers 你想过要怎么做吗
        return without_echo(text, self._bot_words.in_the_room(), self._sound_of)

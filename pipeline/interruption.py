"""Polite barge-in: pause at once, weigh what was heard, then resume or give up the floor.

    on_voice              text, silence, level, deadline            end of the sound
    idle ────▶ Pause ────▶ weighing ─┬─▶ Resume(reason) ─▶ judged ────▶ idle
      │                              └─▶ Commit(reason) ─▶ committed
      └──────── words that come in late ────────────────▶ committed

    reason     verdict   evidence
    command    commit    等一下, 不是, wait … at the beginning of the words
    words      commit    more than `commit_units` units that are nobody's echo, or fewer
                         and the caller has finished
    speech     commit    a steady voice up to the deadline, and no word about it yet
    instant    commit    mode "instant": any voice at all
    backchannel resume   嗯, 对, mm-hm; noted, no turn
    echo       resume    the words are those the bot is saying
    noise      resume    a short sound, or one in which the recogniser found no words

A Resume can be taken back, since words that arrive later still commit; a Commit cannot.
So what is unclear resumes, and only plain evidence commits.

The policy is pure. Times are stream seconds and never fall from one call to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from pipeline.text import count_units, units

InterruptionMode: TypeAlias = Literal["polite", "instant", "off"]
ResumeReason: TypeAlias = Literal["backchannel", "echo", "noise"]
CommitReason: TypeAlias = Literal["command", "words", "speech", "instant"]

SHORTEST_TURN_UNITS = 2  # a lone unit that is no command is more often noise than a turn
ECHO_RUN_UNITS = 3  # two units in a row coincide by chance: 觉得, 这样, "I am"


class InterruptionParams(BaseModel):
    """How quickly and on what evidence the caller gets the floor.

    Attributes:
        mode: "polite" weighs, "instant" stops for any voice, "off" never stops.
        pause_secs: Voice needed before playout pauses. One VAD window (0.032 s) may be a
            keystroke; every window more delays every pause.
        decide_secs: Longest time from the first voiced sample to the verdict.
        quiet_secs: Silence after which a sound counts as over.
        noise_secs: A wordless sound that was voiced for less is a cough or a click; a
            short 停 lasts about as long, so its words may still commit.
        speech_secs: A sound voiced for this long by the deadline is speech, if the
            recogniser has not said anything about it yet.
        commit_units: Words beyond this many text units are an interruption even while
            the caller goes on speaking.
        turn_end_probability: From this probability on, fewer words than that are already
            a complete turn.
        echo_margin_db: A sound must stand this far above the echo expected from the
            reference to pause playout.
        clear_margin_db: From this far above the echo on, the words are the caller's even
            if the bot has just said the same.
        distant_db: A sound this far below the caller's usual level is someone else.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: InterruptionMode = "polite"
    pause_secs: float = Field(default=0.06, ge=0.0)
    decide_secs: float = Field(default=0.5, gt=0.0)
    quiet_secs: float = Field(default=0.2, gt=0.0)
    noise_secs: float = Field(default=0.3, ge=0.0)
    speech_secs: float = Field(default=0.45, ge=0.0)
    commit_units: int = Field(default=3, ge=1)
    turn_end_probability: float = Field(default=0.6, ge=0.0, le=1.0)
    echo_margin_db: float = 6.0
    clear_margin_db: float = 15.0
    distant_db: float = Field(default=18.0, gt=0.0)


@dataclass(frozen=True, slots=True)
class Wait:
    """Go on as you are."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Fade playout out and hold it."""


@dataclass(frozen=True, slots=True)
class Resume:
    """It was no interruption: fade in again from the last clause or word border."""

    reason: ResumeReason


@dataclass(frozen=True, slots=True)
class Commit:
    """The caller has the floor: stop the model and the voice, flush the client."""

    reason: CommitReason


Decision: TypeAlias = Wait | Pause | Resume | Commit


@dataclass(slots=True)
class _Sound:
    """All that is known about the sound under way, or the last one.

    Attributes:
        since: Stream time of its first voiced sample.
        until: Stream time of its last voiced sample so far.
        voiced_secs: Voice in it, without its gaps.
        silence_secs: Silence after it so far.
        over_echo_db: Highest level above the expected echo, or None if unknown.
        text: Its words as last recognised, None before any transcript came in.
        bot_text: What the bot was saying around it.
        end_probability: Probability that the words are a complete turn.
    """

    since: float
    until: float
    voiced_secs: float = 0.0
    silence_secs: float = 0.0
    over_echo_db: float | None = None
    text: str | None = None
    bot_text: str = ""
    end_probability: float = 0.0


class InterruptionPolicy:
    """Decides what a sound over the bot's voice does to it.

    Feed it while a reply plays, from `begin_reply` on: every VAD window through
    `on_voice` or `on_silence`, every hypothesis about what these windows hold through
    `on_transcript`. Each call answers with one decision, to be carried out before the
    next call. Between two Pauses there is always a Resume or a Commit, and after a Commit
    only Wait until the next reply.

    Args:
        params: Thresholds.
        is_backchannel: Whether a text is nothing but a sign of listening.
        is_command: Whether a text asks the bot to stop or contradicts it.
        sound_of: The sound of one unit, by which words and echo are compared; written
            forms by default, so a homophone counts as another word.
    """

    def __init__(
        self,
        params: InterruptionParams,
        *,
        is_backchannel: Callable[[str], bool],
        is_command: Callable[[str], bool],
        sound_of: Callable[[str], str] = str.casefold,
    ) -> None:
        self._params = params
        self._is_backchannel = is_backchannel
        self._is_command = is_command
        self._sound_of = sound_of
        self._state: Literal["idle", "weighing", "judged", "committed"] = "idle"
        self._sound: _Sound | None = None

    @property
    def deadline(self) -> float | None:
        """Stream time from which on every call brings the verdict; None if nothing is weighed."""
        if self._state != "weighing" or self._sound is None:
            return None
        return self._sound.since + self._params.decide_secs

    def begin_reply(self) -> None:
        """A reply begins to play; what was heard before it concerns it no more."""
        self._state = "idle"
        self._sound = None

    def on_voice(
        self,
        at: float,
        window_secs: float,
        *,
        over_echo_db: float | None = None,
        over_usual_db: float | None = None,
    ) -> Decision:
        """A voiced window ended.

        Args:
            at: End of the window.
            window_secs: Its length.
            over_echo_db: Its level above the echo that the reference predicts.
            over_usual_db: Its level above the caller's usual one, negative when below.

        An unknown level (None) is taken for the caller's; a window that is too quiet to be
        the caller's counts as silence.
        """
        if not self._is_near(over_echo_db, over_usual_db):
            return self.on_silence(at)
        sound = self._sound
        if sound is None or (self._state != "weighing" and self._is_over(sound)):
            sound = self._sound = _Sound(since=at - window_secs, until=at)
        sound.until, sound.silence_secs = at, 0.0
        sound.voiced_secs += window_secs
        sound.over_echo_db = _highest(sound.over_echo_db, over_echo_db)
        if self._state == "idle":
            if self._params.mode == "instant":
                return self._commit("instant")
            if self._params.mode == "polite" and sound.voiced_secs >= self._params.pause_secs:
                self._state = "weighing"
                return Pause()
        return self._weigh(at)

    def on_silence(self, at: float) -> Decision:
        """An unvoiced window ended."""
        if self._sound is not None:
            self._sound.silence_secs = at - self._sound.until
        return self._weigh(at)

    def on_transcript(
        self, at: float, text: str, *, bot_text: str = "", end_probability: float = 0.0
    ) -> Decision:
        """A hypothesis about the sound came in; one that comes late counts too.

        Args:
            at: Stream time now, not that of the audio decoded.
            text: All words of the sound so far; empty if the recogniser found none.
            bot_text: What the bot said in the last seconds and is about to say.
            end_probability: Probability that these words are a complete turn.
        """
        if self._sound is not None:
            self._sound.text = text
            self._sound.bot_text = bot_text
            self._sound.end_probability = end_probability
        return self._weigh(at)

    def tick(self, at: float) -> Decision:
        """Time passed without a window; brings the verdict once `deadline` is reached."""
        return self._weigh(at)

    def _weigh(self, at: float) -> Decision:
        sound = self._sound
        if sound is None or self._state == "committed" or self._params.mode != "polite":
            return Wait()
        if self._state == "judged" and self._is_over(sound):
            self._state = "idle"
        weighing = self._state == "weighing"
        verdict = self._verdict(sound, expired=at >= sound.since + self._params.decide_secs)
        # Once a sound has been judged, only words can change the judgement.
        if isinstance(verdict, Commit) and (weighing or verdict.reason != "speech"):
            return self._commit(verdict.reason)
        if isinstance(verdict, Resume) and weighing:
            self._state = "judged"
            return verdict
        return Wait()

    def _commit(self, reason: CommitReason) -> Commit:
        self._state = "committed"
        return Commit(reason)

    def _verdict(self, sound: _Sound, *, expired: bool) -> Wait | Resume | Commit:
        """What the evidence says so far; never Wait once the time has expired."""
        over = self._is_over(sound)
        if not sound.text:
            steady = sound.voiced_secs >= self._params.speech_secs
            if expired and steady and sound.text is None:
                return Commit("speech")
            brief = over and sound.voiced_secs < self._params.noise_secs
            return Resume("noise") if expired or brief else Wait()
        words = self._own_words(sound)
        if not words:
            return Resume("echo")
        if self._is_command(words):
            return Commit("command")
        if self._is_backchannel(words):
            # 对 may be the beginning of 对，可是…: let the sound end first.
            return Resume("backchannel") if over or expired else Wait()
        if count_units(words) >= self._units_needed(sound, words, expired=expired):
            return Commit("words")
        return Resume("noise") if expired else Wait()

    def _units_needed(self, sound: _Sound, words: str, *, expired: bool) -> int:
        complete = sound.end_probability >= self._params.turn_end_probability
        mixed_with_echo = words != sound.text  # what is left may be echo heard wrongly
        settled = (complete or expired or self._is_over(sound)) and not mixed_with_echo
        return SHORTEST_TURN_UNITS if settled else self._params.commit_units + 1

    def _own_words(self, sound: _Sound) -> str:
        """The words of the sound that are not the bot's, told by level or by text."""
        text, level = sound.text or "", sound.over_echo_db
        if level is not None and level >= self._params.clear_margin_db:
            return text
        return without_echo(text, sound.bot_text, self._sound_of)

    def _is_near(self, over_echo_db: float | None, over_usual_db: float | None) -> bool:
        params = self._params
        above_echo = over_echo_db is None or over_echo_db >= params.echo_margin_db
        return above_echo and (over_usual_db is None or over_usual_db > -params.distant_db)

    def _is_over(self, sound: _Sound) -> bool:
        # Half a millisecond of tolerance: window times are sums of floats.
        return sound.silence_secs > self._params.quiet_secs - 0.0005


def without_echo(text: str, bot_text: str, sound_of: Callable[[str], str] = str.casefold) -> str:
    """What is left of a transcript when the bot's own words are taken out.

    A run of at least three units that the bot also says is its echo, as long as such runs
    make up half of the text or more; one or two units between two runs are echo heard
    wrongly. A text of two units is echo when the bot says it as it stands; a single unit
    never is, since the bot says 不 and 是 all the time.

    Args:
        text: What the recogniser heard.
        bot_text: What the bot said in the last seconds and is about to say.
        sound_of: The sound of one unit.

    Returns:
        `text` itself if there is no echo in it, "" if there is nothing else, and
        otherwise the units that are left, separated by spaces.
    """
    heard = [unit.text for unit in units(text)]
    sounds = [sound_of(unit) for unit in heard]
    said = [sound_of(unit.text) for unit in units(bot_text)]
    shortest = min(ECHO_RUN_UNITS, len(sounds))
    matcher = SequenceMatcher(None, sounds, said, autojunk=False)
    runs = [run for run in matcher.get_matching_blocks() if run.size >= shortest]
    if len(sounds) < 2 or 2 * sum(run.size for run in runs) < len(sounds):
        return text
    gaps, position = [], 0
    for run in runs:
        gaps.append(heard[position : run.a])
        position = run.a + run.size
    between = [gap for gap in gaps[1:] if len(gap) >= ECHO_RUN_UNITS]
    return " ".join(unit for gap in [gaps[0], *between, heard[position:]] for unit in gap)


def _highest(known: float | None, new: float | None) -> float | None:
    return new if known is None or (new is not None and new > known) else known

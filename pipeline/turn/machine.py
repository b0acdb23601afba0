"""Who has the floor: a pure state machine over windows, words and playout.

    user   idle ──voice──▶ speaking ──silence ≥ soft_end──▶ waiting ──long enough──▶ idle
                               ▲                               │         (taken)
                               └──────────── voice ────────────┘
    reply  none ──taken──▶ owed ──first sample──▶ playing ──all played──▶ none
    Voice while a reply is owed or playing is an *overlap*: the interruption policy pauses
    the reply at once and decides later whether it goes on or the turn is the caller's.
    A sound that is neither is dismissed when it is over and its words are known.

Every state has a bounded exit. `waiting` ends by commit, voice, or discard; a reply that
is owed sounds within `reply_owed_secs` or an apology does; a pause ends by the policy's
deadline. Time is stream time: seconds of audio received.

A turn that is long, that halts, or of which it is not known whether it is over, may be
acknowledged (嗯) while it is `waiting`; that changes neither row. So may one that is over, where
the reply will not be ready for a while: it is taken when the word has been said, unless the
caller goes on.

Here is the way of an ordinary turn. `overlap` has what happens when both speak, `requests`
what the client may ask for; all play on one `floor`, which knows the `utterance` under way
and the latest `reply`.
"""

from __future__ import annotations

from math import inf

from pipeline.audio import INPUT_RATE_HZ
from pipeline.events import ReplyStatus
from pipeline.interruption import InterruptionPolicy
from pipeline.text import Language, count_units
from pipeline.turn import overlap, requests
from pipeline.turn.acknowledge import Acknowledger, InnerPause, clear_at_secs
from pipeline.turn.actions import Acknowledge, Action, BeginUtterance, Commit, Drop
from pipeline.turn.calibration import JudgedBy
from pipeline.turn.endpointing import Evidence, PauseRhythm, TurnSettings, wait_secs
from pipeline.turn.floor import Floor, Phase
from pipeline.turn.reply import ReplyPhase
from pipeline.turn.reply_pace import ReplyPace
from pipeline.turn.silence import CheckInLadder
from pipeline.turn.utterance import Utterance

# Who speaks so soon after their turn was taken had not finished: a pause, not an end.
GOES_ON_SECS = 1.2
# A partial transcript with this many units more than the draft's makes the draft stale.
STALE_DRAFT_UNITS = 1


class TurnMachine:
    """Decides when the caller has finished, and what happens when voices overlap.

    Every method returns what is to be done, in order. Late results are recognised by
    their generation and change nothing.

    Args:
        settings: Times and pacing.
        policy: What to do when the caller speaks over the bot.
        take_turns: False leaves the end of a turn to `force_end` (push-to-talk). May be
            changed between turns.
        acknowledger: What is said into silences that are not the end, or may not be; None says
            nothing.
        pace: How long replies take on this machine; None learns it within the call.
    """

    def __init__(
        self,
        settings: TurnSettings,
        policy: InterruptionPolicy,
        *,
        take_turns: bool = True,
        acknowledger: Acknowledger | None = None,
        pace: ReplyPace | None = None,
    ) -> None:
        self.settings = settings
        self.policy = policy
        self.take_turns = take_turns
        self.floor = Floor(settings, settings.speculation, pace=pace or ReplyPace())
        self.rhythm = PauseRhythm()
        self._taken_at_secs = -inf
        self._clear_at_secs = -inf
        self.check_ins = CheckInLadder(settings.check_in_secs)
        self.acknowledger = acknowledger or Acknowledger(settings)

    @property
    def phase(self) -> Phase:
        """What the caller does."""
        return self.floor.phase

    @property
    def reply(self) -> ReplyPhase:
        """What the bot does."""
        return self.floor.reply.phase

    @property
    def speculation(self) -> bool:
        """Draft at the soft end rather than at the commit; may be changed at any time."""
        return self.floor.speculation

    @speculation.setter
    def speculation(self, on: bool) -> None:
        self.floor.speculation = on

    # -- the stream -------------------------------------------------------------------

    def on_window(
        self,
        at_secs: float,
        *,
        speaking: bool,
        silence_secs: float,
        onset_sample: int | None,
        last_voiced_sample: int,
        level_dbfs: float,
        echo_dbfs: float | None = None,
    ) -> list[Action]:
        """One more window of audio, 32 ms of stream time.

        Args:
            at_secs: Stream time after the window.
            speaking: The speech gate is open; it closes at the first short silence.
            silence_secs: Confirmed silence since the last voiced sample.
            onset_sample: Where speech began, in the window that opens the gate.
            last_voiced_sample: End of the last voiced audio.
            level_dbfs: Level of the window.
            echo_dbfs: Up to this level it may be the bot's echo; None if there is none.
        """
        floor, utterance = self.floor, self.floor.utterance
        window_secs, floor.at_secs = at_secs - floor.at_secs, at_secs
        pause_secs, floor.silence_secs = floor.silence_secs, silence_secs
        actions: list[Action] = []
        floor.ignored &= speaking
        if utterance is None:
            if speaking and overlap.is_somebody(
                floor, self.policy, level_dbfs=level_dbfs, echo_dbfs=echo_dbfs
            ):
                actions += self._begin(last_voiced_sample if onset_sample is None else onset_sample)
        elif utterance.phase == "speaking":
            if not speaking:
                actions.append(floor.soft_end(utterance, last_voiced_sample))
        elif speaking and not utterance.forced:
            self._go_on(utterance, pause_secs)
        utterance = floor.utterance
        if utterance is not None:
            if speaking and silence_secs == 0.0 and not utterance.forced:
                utterance.note_voice(window_secs, level_dbfs)
            if utterance.overlap:
                actions += overlap.judge(
                    floor, utterance, self.policy, level_dbfs=level_dbfs, echo_dbfs=echo_dbfs
                )
                if not utterance.overlap and self._went_on(utterance):
                    self.rhythm.note_mistake()
            elif utterance.phase == "waiting":
                actions += self._consider(utterance)
        return [*actions, *self._watch_owed(), *self._watch_silence()]

    def _begin(self, onset_sample: int) -> list[Action]:
        utterance = self.floor.begin_utterance()
        begun = BeginUtterance(utterance.turn_id, onset_sample, utterance.overlap)
        if utterance.overlap:
            self.policy.begin(self.floor.at_secs, onset_sample / INPUT_RATE_HZ)
            return [begun]
        return [begun, self.floor.begin_turn(utterance)]

    def _go_on(self, utterance: Utterance, pause_secs: float) -> None:
        """The caller went on before the turn was taken; a draft holds until new words come."""
        utterance.phase = "speaking"
        self.rhythm.note_inner_pause(pause_secs)
        if utterance.overlap:
            overlap.go_on(self.floor, utterance, self.policy)

    def _went_on(self, turn: Utterance) -> bool:
        """Whether it is the rest of the turn that was taken last."""
        return turn.began_secs - self._taken_at_secs < GOES_ON_SECS

    # -- words and opinions -----------------------------------------------------------

    def on_transcript(
        self, turn_id: str, generation: int | None, text: str, language: Language
    ) -> list[Action]:
        """Recognised so far; `generation` is the soft end it completes, None for a partial."""
        floor, utterance = self.floor, self.floor.utterance
        if utterance is None or utterance.turn_id != turn_id:
            return []
        if generation is not None and generation != utterance.soft_end:
            return []
        utterance.note_words(text, language)
        if generation is None:
            return self._drop_stale_draft(utterance.text)
        if utterance.phase != "waiting":
            return []
        utterance.is_final = True
        if utterance.forced:
            return requests.finish_forced(floor, utterance, answer=self.take_turns)
        if not (utterance.text and floor.speculation and self.take_turns) or utterance.overlap:
            return []
        if floor.reply.phase != "none":
            return []  # typed words are being answered: one reply at a time can be written
        return floor.draft_reply(utterance, speculative=True)

    def caller_words(self, transcript: str) -> str:
        """What of the utterance's transcript is the caller's: all of it, or its end."""
        utterance = self.floor.utterance
        return transcript if utterance is None else utterance.words_of(transcript)

    def _drop_stale_draft(self, text: str) -> list[Action]:
        draft = self.floor.draft
        if draft is None or count_units(text) < count_units(draft.text) + STALE_DRAFT_UNITS:
            return []
        return self.floor.drop_draft("resumed")

    @property
    def words_in_question(self) -> str:
        """The words of which it matters whether they are all; empty where nobody asks.

        In a silence, or over the bot, and until an encoder has judged them.
        """
        utterance = self.floor.utterance
        if utterance is None or utterance.forced or utterance.is_judged_by_encoder:
            return ""
        in_silence = utterance.phase == "waiting" and utterance.is_final and self.take_turns
        return utterance.text if in_silence or utterance.overlap else ""

    def on_end_of_turn(
        self, text: str, probability: float, judge: JudgedBy = "llm"
    ) -> list[Action]:
        """An opinion of the turn's words `text`, 0 … 1."""
        if self.floor.utterance is not None:
            self.floor.utterance.note_judged(text, probability, judge)
        return []

    def on_smart_turn(self, generation: int, probability: float) -> list[Action]:
        """The audio model's opinion of the silence that `generation` began with, 0 … 1."""
        if self.floor.utterance is not None:
            self.floor.utterance.note_smart_turn(generation, probability)
        return []

    # -- taking the turn --------------------------------------------------------------

    def evidence(self) -> Evidence:
        """What is known about the end of the utterance under way."""
        utterance = self.floor.utterance
        return Evidence() if utterance is None else utterance.evidence()

    def _consider(self, utterance: Utterance) -> list[Action]:
        """Whether a silence was long enough."""
        floor, settings = self.floor, self.settings
        silence_secs = floor.silence_secs
        # Others may speak on after a turn that the client ended: there silence says nothing.
        forced_at_secs = utterance.forced_at_secs
        waited_secs = silence_secs if forced_at_secs is None else floor.at_secs - forced_at_secs
        stalled = waited_secs >= settings.max_wait_secs + settings.stalled_transcript_secs
        if utterance.forced:
            if not stalled:
                return []
            return requests.finish_forced(floor, utterance, answer=self.take_turns)
        if not self.take_turns or not (utterance.is_final or stalled):
            return []
        if not utterance.text:
            over = silence_secs >= settings.discard_secs
            return floor.discard_wordless(utterance) if over else []
        evidence = utterance.evidence()
        wait = wait_secs(evidence, self.rhythm, settings)
        over = silence_secs >= wait and floor.at_secs >= self._clear_at_secs
        said = self._acknowledge(utterance, evidence, wait, over=over)
        return self._take_turn(utterance) if over and not said else said

    def _acknowledge(
        self, utterance: Utterance, evidence: Evidence, wait: float, *, over: bool
    ) -> list[Action]:
        """Say a word into a silence that is not known to be the end, or before a late reply."""
        floor = self.floor
        if floor.reply.phase != "none":
            return []
        pause = InnerPause(
            floor.at_secs,
            floor.silence_secs,
            wait,
            utterance.voiced_secs,
            utterance.text,
            evidence,
            unproved=not floor.reply.generation,
        )
        say = self.acknowledger.cover if over else self.acknowledger.choose
        chosen = say(pause, floor.reply_in_secs(utterance))
        if chosen is None:
            return []
        # A later opinion may shorten the wait, but brings no reply into the sound.
        self._clear_at_secs = clear_at_secs(floor.at_secs, chosen)
        return [Acknowledge(chosen)]

    def _take_turn(self, utterance: Utterance) -> list[Action]:
        floor, turn_id = self.floor, utterance.turn_id
        actions = floor.end_reply("replaced")
        actions += floor.draft_reply(utterance, speculative=False)
        assert floor.draft is not None
        generation, floor.draft = floor.draft.generation, None
        floor.note_turn(utterance)
        self.rhythm.note_end()
        self._taken_at_secs = floor.at_secs
        self.check_ins.note_turn()
        floor.owe(generation, turn_id)
        floor.utterance = None
        return [*actions, Commit(generation, turn_id, utterance.text, utterance.language)]

    # -- the reply --------------------------------------------------------------------

    def on_reply_voiced(self, generation: int) -> None:
        """The first sound of a draft is ready to be played."""
        self.floor.pace.voiced(generation, self.floor.at_secs)

    def _watch_owed(self) -> list[Action]:
        """Nobody is left waiting in silence."""
        floor = self.floor
        if not floor.reply.is_overdue(floor.at_secs, self.settings.reply_owed_secs):
            return []
        return [*floor.end_reply("failed"), floor.apologise()]

    def _watch_silence(self) -> list[Action]:
        """A silence after the bot has spoken may be answered, by a scripted line."""
        floor = self.floor
        nobody_speaks = floor.utterance is None and floor.reply.phase == "none"
        if not (nobody_speaks and floor.reply.generation and self.take_turns):
            self.check_ins.note_sound(floor.at_secs)
            return []
        return requests.respond(floor) if self.check_ins.is_due(floor.at_secs) else []

    def on_playout_started(self, generation: int) -> list[Action]:
        """The first sample of a reply went out."""
        self.on_reply_voiced(generation)
        reply = self.floor.reply
        if generation == reply.generation and reply.phase == "owed":
            reply.phase = "playing"
        return []

    def on_playout_progress(self, heard_text: str, upcoming_text: str, *, all_said: bool) -> None:
        """What has been heard of the reply, and what is about to be."""
        self.policy.note_bot_text(heard_text, upcoming_text)
        self.floor.reply.all_said = all_said and self.reply == "playing"

    def on_playout_finished(self, generation: int, status: ReplyStatus | None) -> list[Action]:
        """A reply is over; a failed one is apologised for."""
        floor = self.floor
        if generation != floor.reply.generation or floor.reply.phase == "none":
            return []
        floor.reply.end(floor.at_secs)
        if status == "failed":
            floor.pace.dropped(generation)
            # Whatever still writes or speaks it would only be in the apology's way.
            return [Drop(generation, "failed"), floor.apologise()]
        return []

    # -- what the client asks for -----------------------------------------------------

    def force_end(self, last_voiced_sample: int) -> list[Action]:
        """Push-to-talk: the turn ends here."""
        return requests.force_end(self.floor, last_voiced_sample, answer=self.take_turns)

    def clear(self) -> list[Action]:
        """Forget the turn under way; a paused reply goes on."""
        return requests.clear(self.floor)

    def respond(self) -> list[Action]:
        """Answer the context as it stands, unless a reply runs or a turn is being finished."""
        return requests.respond(self.floor)

    def type_text(self) -> list[Action]:
        """A typed turn stops a running reply and replaces an unfinished spoken one's draft."""
        self.check_ins.note_turn()
        return requests.type_text(self.floor)

    def cancel_reply(self) -> list[Action]:
        """Stop the running reply at the client's wish."""
        return requests.cancel_reply(self.floor)

    def hush_reply(self, turn_id: str) -> list[Action]:
        """Stop the running reply for what the utterance `turn_id` says over it.

        A question may hold the very words that must stop it: its echo does not.
        """
        utterance = self.floor.utterance
        if utterance is None or utterance.turn_id != turn_id:
            return []
        if not self.policy.is_more_than_echo(utterance.text):
            return []
        return requests.cancel_reply(self.floor)

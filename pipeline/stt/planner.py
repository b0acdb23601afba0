"""What to decode when, and what the answers mean; one caller's recognition without I/O.

    audio    ──────────speech──────────┐____silence____
    partial      ╵300 ms  ╵300 ms  ╵   │                  window start to now
    hint                               └60 ms╵            the level fell: decode at once
    soft end                                   ╵          the final is mostly there already

The window starts where the turn starts, and each decode hears it without being told what
was agreed. To force those words on CTranslate2 saves nothing, since it steps through them
all the same, and costs much: 最近 is one token of Whisper's, and after a forced 最 it writes
尽 (Mandarin errors 10.1 % forced, 6.7 % free, 6.0 % in one decode, on 53 turns). Once the
window is long it is cut in a pause before which all is agreed, and the text before the cut
becomes the prompt. Time is counted in samples of the stream.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.audio import INPUT_RATE_HZ, FloatArray, Int16Array, int16_to_float
from pipeline.stt.agreement import Agreement
from pipeline.stt.base import Hypothesis, Priority
from pipeline.text import Language

LEVEL_FRAME_SAMPLES = round(0.01 * INPUT_RATE_HZ)
PAUSE_SAMPLES = round(0.3 * INPUT_RATE_HZ)  # no stop consonant is as long
RISE_SAMPLES = round(0.1 * INPUT_RATE_HZ)  # how late a voice after silence is noticed
CUT_SEARCH_SAMPLES = round(0.1 * INPUT_RATE_HZ)  # alignment is good to about 0.1 s


@dataclass(frozen=True, slots=True)
class PlannerSettings:
    """When to decode and how much.

    Attributes:
        interval_secs: New speech that makes a partial worth its 0.1 s of one core.
        urgent_interval_secs: Likewise for speech over the bot, whose first words decide
            within half a second whether it may go on.
        hint_secs: Fall of the level that makes a decode due at once. Below 60 ms every
            stop consonant is one; the soft end follows at 100 ms.
        pre_roll_secs: Audio decoded before the first voiced sample: soft initials.
        tolerance_secs: New sound shorter than this changes no word.
        max_window_secs: From here on the window is cut in a pause. Up to 7 s, with the
            padding 8 s, the encoder's share is the same and each second adds the steps for
            its tokens. On 18 Mandarin turns of up to 13 s the error is 5.2 % with 5 s and
            4.1 %, that of one decode of the whole, with 7 s.
        long_window_secs: From here on it is cut between words too: there was no pause, or
            none is heard in the noise.
        keep_secs: What stays in the window behind a cut, at least: context for the words
            that are not agreed yet.
        hard_window_secs: From here on it is cut whatever the text, and `keep_secs` later even
            if no decode has answered; Whisper hears 30 s.
    """

    interval_secs: float = 0.3
    urgent_interval_secs: float = 0.15
    hint_secs: float = 0.06
    pre_roll_secs: float = 0.25
    tolerance_secs: float = 0.03
    max_window_secs: float = 7.0
    long_window_secs: float = 9.0
    keep_secs: float = 2.0
    hard_window_secs: float = 24.0


@dataclass(frozen=True, slots=True)
class DecodeRequest:
    """One decode: the arguments of `Recogniser.decode`, and where it belongs.

    Attributes:
        audio: float32, shape (n_samples,), 16 kHz: the stream from `start_sample` to
            `end_sample`.
        expected: What the caller has spoken so far; weighs in where `language` is None.
        text_start: Where in the committed text the window begins, in characters.
        generation: Turn it was made for.
    """

    audio: FloatArray
    language: Language | None
    expected: Language | None
    prompt: str
    timed: bool
    priority: Priority
    start_sample: int
    end_sample: int
    text_start: int
    generation: int


@dataclass(frozen=True, slots=True)
class TranscriptState:
    """The transcript of the turn under way.

    Attributes:
        committed: Only ever grows within a turn.
        unstable: Follows it without a gap and may change.
        language: Of the last decode, None before the first.
        end_sample: The transcript covers the stream up to here.
        complete: Whether that is all the speech there was.
    """

    committed: str = ""
    unstable: str = ""
    language: Language | None = None
    end_sample: int = 0
    complete: bool = False

    @property
    def text(self) -> str:
        """Both parts."""
        return self.committed + self.unstable


@dataclass(frozen=True, slots=True)
class _Pause:
    """Silence inside a turn, as a span of stream samples."""

    start: int
    end: int


class DecodePlanner:
    """One call's recognition as a pure state machine.

    `push` every window, `begin` and `end` turns; ask `plan` after each window and
    `final_request` at a soft end, decode what they give, and `apply` the answer or
    `drop` the request. Answers may come in any order; stale ones change nothing.
    """

    def __init__(
        self, settings: PlannerSettings | None = None, language: Language | None = None
    ) -> None:
        self._settings = settings or PlannerSettings()
        self._given_language = language
        self._expected_language: Language | None = None
        self._audio: Int16Array = np.zeros(0, dtype=np.int16)
        self._audio_start = 0  # stream position of the buffer's first sample
        self._generation = 0
        self._active = False
        self._urgent = False
        self._forget_turn()

    def _forget_turn(self) -> None:
        self._agreement = Agreement()
        self._language = self._given_language
        self._heard_language: Language | None = None
        self._window_start = 0
        self._text_start = 0
        self._last_voiced = 0
        self._pauses: list[_Pause] = []
        self._applied_end = 0
        self._sealed_end: int | None = None
        self._in_flight: list[DecodeRequest] = []

    def use(self, settings: PlannerSettings) -> None:
        """Go on with other settings, in the turn under way as well."""
        self._settings = settings

    def use_language(self, language: Language | None) -> None:
        """Hear turns in `language` from the next one on, or None to detect it."""
        self._given_language = language

    def expect_language(self, language: Language | None) -> None:
        """What has been spoken so far; where it is detected, another needs better reasons."""
        self._expected_language = language

    @property
    def generation(self) -> int:
        """Counts turns; requests carry it."""
        return self._generation

    @property
    def active(self) -> bool:
        """Whether a turn is under way."""
        return self._active

    @property
    def state(self) -> TranscriptState:
        """The transcript so far; empty between turns."""
        agreed = self._agreement.agreed
        return TranscriptState(
            agreed.committed,
            agreed.unstable,
            self._heard_language,
            self._applied_end,
            self._active and self.reaches(self._last_voiced),
        )

    @property
    def last_voiced_sample(self) -> int:
        """Where in the stream the last voiced sound ended so far."""
        return self._last_voiced

    @property
    def _end(self) -> int:
        return self._audio_start + len(self._audio)

    @property
    def _turn_end(self) -> int:
        """Where the sound of the turn ends so far."""
        return self._end if self._sealed_end is None else self._sealed_end

    def push(self, samples: Int16Array, last_voiced_sample: int = 0) -> None:
        """Take the next audio, in turns and between them.

        Args:
            samples: int16, any length, mono, 16 kHz.
            last_voiced_sample: Stream position where the last voiced sound ended so far.
        """
        self._audio = np.concatenate((self._audio, samples))
        if self._sealed_end is not None:
            return  # the next turn may begin in it
        self._last_voiced = max(self._last_voiced, last_voiced_sample)
        if self._active:
            self._note_pause()
            self._bound_window()
        else:
            # An onset is reported up to 0.15 s late and looks back by the pre-roll.
            self._drop_audio_before(self._end - _samples(self._settings.pre_roll_secs + 1.0))

    def begin(self, onset_sample: int, *, urgent: bool = False) -> None:
        """Start a turn whose first voiced sample is `onset_sample`; ends one under way."""
        self.end()
        self._active = True
        self._urgent = urgent
        pre_roll = _samples(self._settings.pre_roll_secs)
        self._window_start = max(self._audio_start, onset_sample - pre_roll)
        # Less than an interval of voice is no word yet, only the chance of a wrong one.
        self._applied_end = max(self._window_start, onset_sample)
        self._last_voiced = max(self._last_voiced, onset_sample)

    def seal(self) -> None:
        """The turn under way has no more sound than was pushed; the next one may have."""
        if self._active:
            self._sealed_end = self._turn_end

    def end(self) -> None:
        """Forget the turn; answers still on their way are stale. Safe to call twice."""
        last_voiced = self._last_voiced
        if self._sealed_end is not None:
            self._drop_audio_before(self._sealed_end)
        self._generation += 1
        self._active = False
        self._forget_turn()
        self._last_voiced = last_voiced

    def plan(self) -> DecodeRequest | None:
        """The decode due now, if any: a partial, or what a fall of the level hints at.

        A partial never starts while another request is in flight; a hint may. A sealed turn
        has none.
        """
        if not self._active or self._sealed_end is not None:
            return None
        new = self._last_voiced - self._requested_end()
        if new <= _samples(self._settings.tolerance_secs):
            return None
        if self._end - self._last_voiced >= _samples(self._settings.hint_secs):
            return self._request("final")
        settings = self._settings
        interval_secs = settings.urgent_interval_secs if self._urgent else settings.interval_secs
        if not self._in_flight and new >= _samples(interval_secs):
            return self._request("partial")
        return None

    def reaches(self, sample: int) -> bool:
        """Whether the transcript covers the stream up to `sample`."""
        return self._is_near(self._applied_end, sample)

    def final_request(self, until_sample: int) -> DecodeRequest | None:
        """The decode that covers the stream up to `until_sample`; None if one does or will.

        Also None when all there is has been decoded and `until_sample` is said to lie beyond
        it: to decode the same sound again would complete nothing.
        """
        requested_end = self._requested_end()
        covered = self._is_near(requested_end, until_sample)
        if not self._active or covered or requested_end >= self._turn_end:
            return None
        return self._request("final")

    def apply(self, request: DecodeRequest, hypothesis: Hypothesis) -> TranscriptState:
        """Take an answer; gives the transcript, unchanged when the answer is stale."""
        self.drop(request)
        if request.generation != self._generation or request.end_sample <= self._applied_end:
            return self.state
        self._applied_end = request.end_sample
        self._heard_language = hypothesis.language
        agreed = self._agreement.update(hypothesis.text, start=request.text_start)
        if agreed.committed:
            self._language = hypothesis.language  # the prompt will be in it
        self._trim(request, hypothesis)
        return self.state

    def drop(self, request: DecodeRequest) -> None:
        """Give up a request that failed or was cancelled; what it covered is due again."""
        self._in_flight = [other for other in self._in_flight if other is not request]

    def _request(self, priority: Priority) -> DecodeRequest:
        committed = self._agreement.agreed.committed
        first, end = self._window_start - self._audio_start, self._turn_end - self._audio_start
        window = self._audio[first:end]
        request = DecodeRequest(
            audio=int16_to_float(window),
            language=self._language,
            expected=self._expected_language,
            prompt=committed[: self._text_start],
            timed=priority == "partial" and self._may_be_cut(len(window)),
            priority=priority,
            start_sample=self._window_start,
            end_sample=self._turn_end,
            text_start=self._text_start,
            generation=self._generation,
        )
        self._in_flight.append(request)
        return request

    def _may_be_cut(self, length: int) -> bool:
        """Whether a window of so many samples has a place to cut it, if its text allows it."""
        settings = self._settings
        if length > _samples(settings.long_window_secs):
            return True
        return length > _samples(settings.max_window_secs) and bool(self._pauses_behind(self._end))

    def _requested_end(self) -> int:
        ends = [request.end_sample for request in self._in_flight]
        return max([self._applied_end, *ends])

    def _is_near(self, end_sample: int, until_sample: int) -> bool:
        return until_sample - end_sample <= _samples(self._settings.tolerance_secs)

    def _trim(self, request: DecodeRequest, hypothesis: Hypothesis) -> None:
        """Cut the window if it is long enough to need it and its text allows it."""
        length = request.end_sample - self._window_start
        if length > _samples(self._settings.hard_window_secs):
            self._settle_window(request.end_sample)
        elif (
            hypothesis.unit_ends_secs
            and request.start_sample == self._window_start
            and not self._trim_in_pause(request, hypothesis)
            and length > _samples(self._settings.long_window_secs)
        ):
            self._trim_at_unit(request, hypothesis)

    def _note_pause(self) -> None:
        if self._end - self._last_voiced < PAUSE_SAMPLES:
            return
        if self._pauses and self._pauses[-1].start == self._last_voiced:
            self._pauses.pop()
        self._pauses.append(_Pause(self._last_voiced, self._end - RISE_SAMPLES))

    def _bound_window(self) -> None:
        """Cut a window that no answer has cut, oldest sound first; its words stand as they are.

        A turn with a long silence in it gets none, nor does a machine on which every decode
        is overtaken by the next.
        """
        settings = self._settings
        longest_secs = settings.hard_window_secs + settings.keep_secs
        if self._end - self._window_start > _samples(longest_secs):
            self._settle_window(self._end - _samples(settings.hard_window_secs))

    def _settle_window(self, start_sample: int) -> None:
        """Begin a new window there; what was heard before it can no longer change."""
        self._agreement.commit_all()
        self._text_start = len(self._agreement.agreed.committed)
        self._move_window(start_sample)

    def _trim_in_pause(self, request: DecodeRequest, hypothesis: Hypothesis) -> bool:
        """Cut in the latest pause before which all is agreed; whether there was one."""
        ends = [request.start_sample + _samples(secs) for secs in hypothesis.unit_ends_secs]
        for pause in reversed(self._pauses_behind(request.end_sample)):
            count = sum(end <= pause.end for end in ends)
            if self._trim_after(count, hypothesis, (pause.start + pause.end) // 2):
                return True
        return False

    def _trim_at_unit(self, request: DecodeRequest, hypothesis: Hypothesis) -> None:
        """Cut after the last agreed unit that leaves enough of the window."""
        ends = [request.start_sample + _samples(secs) for secs in hypothesis.unit_ends_secs]
        latest = request.end_sample - _samples(self._settings.keep_secs)
        for count in range(sum(end <= latest for end in ends), 0, -1):
            if self._trim_after(count, hypothesis, self._quietest(ends[count - 1])):
                return

    def _trim_after(self, count: int, hypothesis: Hypothesis, cut_sample: int) -> bool:
        """Cut behind the first `count` units of a hypothesis, if they are agreed."""
        border = self._agreement.border(hypothesis.text, count, start=self._text_start)
        if not count or border is None:
            return False
        self._text_start = border
        self._move_window(cut_sample)
        return True

    def _pauses_behind(self, end_sample: int) -> list[_Pause]:
        """Pauses of the window that lie far enough back from its end to cut in."""
        latest = end_sample - _samples(self._settings.keep_secs)
        return [pause for pause in self._pauses if self._window_start < pause.start < latest]

    def _quietest(self, near_sample: int) -> int:
        """The middle of the quietest 10 ms near a stream position."""
        first = max(self._window_start, near_sample - CUT_SEARCH_SAMPLES) - self._audio_start
        part = self._audio[first : first + 2 * CUT_SEARCH_SAMPLES].astype(np.float64)
        frames = part[: len(part) // LEVEL_FRAME_SAMPLES * LEVEL_FRAME_SAMPLES]
        power = np.mean(np.square(frames.reshape(-1, LEVEL_FRAME_SAMPLES)), axis=1)
        offset = int(np.argmin(power)) * LEVEL_FRAME_SAMPLES + LEVEL_FRAME_SAMPLES // 2
        return self._audio_start + first + offset

    def _move_window(self, start_sample: int) -> None:
        self._window_start = start_sample
        self._pauses = [pause for pause in self._pauses if pause.start > start_sample]
        self._drop_audio_before(start_sample)

    def _drop_audio_before(self, sample: int) -> None:
        excess = sample - self._audio_start
        if excess > 0:
            self._audio = self._audio[excess:].copy()
            self._audio_start = sample


def _samples(secs: float) -> int:
    return round(secs * INPUT_RATE_HZ)

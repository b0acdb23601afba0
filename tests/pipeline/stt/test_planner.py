"""What is decoded when, with a recogniser made of arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio import INPUT_RATE_HZ, WINDOW_SAMPLES
from pipeline.stt.base import Hypothesis
from pipeline.stt.planner import DecodePlanner, DecodeRequest, PlannerSettings
from pipeline.stt.whisper import MAX_WINDOW_SECS

SPEECH = "我最近工作压力很大晚上总是睡不好你能帮帮我吗今天又和妈妈吵了一架她从来不听我说话"
UNIT_SAMPLES = INPUT_RATE_HZ // 4  # four characters a second
ONSET = INPUT_RATE_HZ


def window(n: int = 1) -> np.ndarray:
    return np.ones(n * WINDOW_SAMPLES, dtype=np.int16)


@dataclass(frozen=True)
class Speech:
    """SPEECH, said with a pause after every so many characters."""

    phrase: int = len(SPEECH)
    pause_samples: int = 0

    def end_of(self, unit: int) -> int:
        """Where in the stream a character ends."""
        return ONSET + (unit + 1) * UNIT_SAMPLES + unit // self.phrase * self.pause_samples

    def said_by(self, sample: int) -> int:
        """Characters spoken up to a stream position."""
        return sum(self.end_of(unit) <= sample for unit in range(len(SPEECH)))

    def last_voiced(self, sample: int) -> int:
        """End of the last voice up to a stream position."""
        said = self.said_by(sample)
        speaks = said < len(SPEECH) and self.end_of(said) - UNIT_SAMPLES < sample
        return sample if speaks else self.end_of(said - 1)

    def answer(self, request: DecodeRequest) -> Hypothesis:
        """What a perfect recogniser would hear in the request's window."""
        first = self.said_by(request.start_sample + UNIT_SAMPLES // 2)
        last = self.said_by(request.end_sample)
        ends = [
            (self.end_of(unit) - request.start_sample) / INPUT_RATE_HZ
            for unit in range(first, last)
        ]
        return Hypothesis(SPEECH[first:last], "zh", 0.9, None, tuple(ends) if request.timed else ())


STEADY = Speech()
said_by, answer = STEADY.said_by, STEADY.answer


def begin() -> DecodePlanner:
    planner = DecodePlanner()
    planner.push(np.ones(ONSET, dtype=np.int16))
    planner.begin(ONSET)
    return planner


def speak(planner: DecodePlanner, secs: float, speech: Speech = STEADY) -> list[DecodeRequest]:
    """Speech for a while, every decode answered at once; gives the decodes."""
    requests = []
    end = _end(planner) + round(secs * INPUT_RATE_HZ)
    while _end(planner) < end:
        planner.push(window(), speech.last_voiced(_end(planner) + WINDOW_SAMPLES))
        if request := planner.plan():
            requests.append(request)
            planner.apply(request, speech.answer(request))
    return requests


def _end(planner: DecodePlanner) -> int:
    return planner._end


def test_a_partial_is_due_every_300_ms_of_new_speech():
    """The rhythm counts samples, so it is the same at any speed of the clock."""
    ends = [request.end_sample for request in speak(begin(), 3.0)]
    steps = np.diff(ends) / INPUT_RATE_HZ
    assert np.all((steps >= 0.3) & (steps < 0.3 + 2 * WINDOW_SAMPLES / INPUT_RATE_HZ))


def test_speech_over_the_bot_is_decoded_twice_as_often():
    """From its first word on: two answers are in before it is decided who goes on."""
    planner = begin()
    planner.begin(ONSET, urgent=True)
    ends = [ONSET, *(request.end_sample for request in speak(planner, 2.0))]
    steps = np.diff(ends) / INPUT_RATE_HZ
    assert np.all((steps >= 0.15) & (steps < 0.15 + 2 * WINDOW_SAMPLES / INPUT_RATE_HZ))


def test_no_partial_starts_while_a_request_is_in_flight():
    """A slow machine gets fewer partials, not a queue of them."""
    planner = begin()
    requests = []
    for _ in range(100):
        planner.push(window(), _end(planner) + WINDOW_SAMPLES)
        if request := planner.plan():
            requests.append(request)
    assert [request.priority for request in requests] == ["partial"]


def test_a_fall_of_the_level_is_decoded_at_once_and_is_the_final():
    """The decode that the hint sets off covers all speech: the soft end needs no other."""
    planner = begin()
    speak(planner, 1.1)
    last_voiced = _end(planner)
    requests = []
    for _ in range(3):
        planner.push(window(), last_voiced)
        if request := planner.plan():
            requests.append(request)
    assert [request.priority for request in requests] == ["final"]
    assert planner.final_request(last_voiced) is None
    assert not planner.state.complete
    assert planner.apply(requests[0], answer(requests[0])).complete


def test_a_final_is_not_asked_for_twice_over_the_same_sound():
    """Even if voice is said to lie beyond all there is: another decode would hear no more."""
    planner = begin()
    beyond = _end(planner) + 60 * INPUT_RATE_HZ
    planner.push(window(10), beyond)
    request = planner.final_request(beyond)
    assert request is not None
    assert planner.final_request(beyond) is None
    assert not planner.apply(request, answer(request)).complete
    assert planner.final_request(beyond) is None
    planner.push(window())
    assert planner.final_request(beyond) is not None


def test_a_final_asks_for_nothing_that_was_said_after_it():
    """The caller who goes on is the business of partials."""
    planner = begin()
    planner.push(window(10), _end(planner) + 10 * WINDOW_SAMPLES)
    soft_end = _end(planner)
    request = planner.final_request(soft_end)
    assert request is not None
    planner.push(window(10), soft_end + 10 * WINDOW_SAMPLES)
    assert not planner.reaches(soft_end)
    assert not planner.apply(request, answer(request)).complete
    assert planner.reaches(soft_end)
    assert planner.final_request(soft_end) is None


def test_another_language_is_expected_from_the_next_turn_on():
    """The turn under way is decoded as it began."""
    planner = DecodePlanner(language="en")
    planner.push(np.ones(ONSET, dtype=np.int16))
    planner.begin(ONSET)
    planner.use_language("zh")
    assert speak(planner, 0.5)[0].language == "en"
    planner.begin(_end(planner))
    assert speak(planner, 0.5)[0].language == "zh"


def test_a_last_partial_that_covers_the_speech_spares_the_final():
    """Nothing is decoded twice."""
    planner = begin()
    while not (requests := speak(planner, WINDOW_SAMPLES / INPUT_RATE_HZ)):
        pass
    assert requests[-1].end_sample == _end(planner)
    assert planner.state.complete
    assert planner.final_request(_end(planner)) is None


def test_a_turn_goes_on_after_a_soft_end():
    """After a final the next voiced sound makes the transcript incomplete again."""
    planner = begin()
    speak(planner, 1.0)
    if request := planner.final_request(planner.last_voiced_sample):
        planner.apply(request, answer(request))
    before = planner.state
    assert before.complete
    planner.push(window(20), _end(planner))
    speak(planner, 1.0)
    assert planner.state.committed.startswith(before.committed)
    assert len(planner.state.text) > len(before.text)


def test_answers_of_a_turn_that_ended_are_stale():
    """A late answer of the last turn leaves the next one alone."""
    planner = begin()
    planner.push(window(30), _end(planner) + 30 * WINDOW_SAMPLES)
    late = planner.plan()
    assert late is not None
    planner.begin(_end(planner))
    assert planner.apply(late, Hypothesis("旧的", "zh", 0.9)).text == ""


def test_an_answer_that_was_overtaken_is_stale():
    """A partial that comes after the final changes nothing."""
    planner = begin()
    planner.push(window(30), _end(planner) + 30 * WINDOW_SAMPLES)
    partial = planner.plan()
    planner.push(window(5), _end(planner) + WINDOW_SAMPLES)
    final = planner.final_request(planner.last_voiced_sample)
    assert partial is not None
    assert final is not None
    planner.apply(final, Hypothesis("全部", "zh", 0.9))
    assert planner.apply(partial, Hypothesis("一半", "zh", 0.9)).text == "全部"


def test_a_dropped_request_is_due_again():
    """A failed decode leaves no hole."""
    planner = begin()
    planner.push(window(30), _end(planner) + 30 * WINDOW_SAMPLES)
    request = planner.plan()
    assert request is not None
    planner.drop(request)
    assert planner.plan() is not None


def test_long_speech_is_cut_in_its_pauses():
    """A window begins in the middle of a pause, and its prompt is all that was said before."""
    speech = Speech(phrase=8, pause_samples=INPUT_RATE_HZ // 2)
    planner = begin()
    requests = speak(planner, speech.end_of(len(SPEECH)) / INPUT_RATE_HZ, speech)
    settings = PlannerSettings()
    assert max(len(r.audio) for r in requests) < (settings.max_window_secs + 2.5) * INPUT_RATE_HZ
    cuts = {r.start_sample: r.prompt for r in requests if r.prompt}
    assert cuts
    for start, prompt in cuts.items():
        assert len(prompt) % speech.phrase == 0
        before = speech.end_of(len(prompt) - 1)
        assert before < start < speech.end_of(len(prompt)) - UNIT_SAMPLES
    assert planner.state.text == SPEECH


def test_long_speech_without_a_pause_is_cut_at_agreed_units_without_losing_a_word():
    """The window is bounded all the same; prompt and answer add up to what was said."""
    planner = begin()
    requests = speak(planner, len(SPEECH) / 4 + 0.5)
    settings = PlannerSettings()
    assert max(len(r.audio) for r in requests) < (settings.long_window_secs + 1.5) * INPUT_RATE_HZ
    assert requests[-1].prompt
    assert planner.state.text == SPEECH


def test_a_pause_before_which_words_are_open_is_not_cut_in():
    """Words that the decodes do not agree on keep their sound."""
    speech = Speech(phrase=12, pause_samples=INPUT_RATE_HZ // 2)
    planner = begin()
    while _end(planner) < speech.end_of(30):
        planner.push(window(), speech.last_voiced(_end(planner) + WINDOW_SAMPLES))
        if request := planner.plan():
            heard = speech.answer(request)
            text = heard.text[:9] + "甲乙丙丁"[request.end_sample // UNIT_SAMPLES % 4] * 3
            planner.apply(
                request, replace(heard, text=text, unit_ends_secs=heard.unit_ends_secs[:12])
            )
            assert request.start_sample <= ONSET


def test_speech_that_never_agrees_is_cut_before_whisper_is_full():
    """Even a recogniser that contradicts itself each time never gets 28 s of audio."""
    planner = begin()
    longest = 0
    for n in range(3_000):
        planner.push(window(), _end(planner) + WINDOW_SAMPLES)
        if request := planner.plan():
            longest = max(longest, len(request.audio))
            planner.apply(request, Hypothesis("甲乙丙丁"[n % 4], "zh", 0.9))
    assert longest < 26 * INPUT_RATE_HZ


def test_decodes_that_are_never_answered_do_not_fill_whisper_either():
    """On a machine where each decode is overtaken by the next, the oldest sound is let go."""
    planner = begin()
    for _ in range(2_000):  # 64 s
        planner.push(window(), _end(planner) + WINDOW_SAMPLES)
        if request := planner.plan():
            assert len(request.audio) <= MAX_WINDOW_SECS * INPUT_RATE_HZ
            planner.drop(request)


def test_a_silence_inside_a_turn_does_not_fill_whisper():
    """A turn that is held open for a minute keeps its words, and hears what follows."""
    planner = begin()
    speak(planner, 2.0)
    last_voiced = _end(planner)
    if request := planner.final_request(last_voiced):
        planner.apply(request, answer(request))
    heard = planner.state.text
    for _ in range(2_000):
        planner.push(window(), last_voiced)
        assert planner.plan() is None
    planner.push(window(12), _end(planner) + 12 * WINDOW_SAMPLES)
    request = planner.plan()
    assert request is not None
    assert len(request.audio) <= MAX_WINDOW_SECS * INPUT_RATE_HZ
    assert planner.state.text == heard


def test_between_turns_only_the_pre_roll_is_kept():
    """An hour of silence costs no memory."""
    planner = DecodePlanner()
    for _ in range(500):
        planner.push(window())
    assert len(planner._audio) <= 2 * INPUT_RATE_HZ


def test_the_language_is_settled_with_the_first_committed_text():
    """A prompt is in one language; later decodes are told which."""
    planner = begin()
    requests = speak(planner, 3.0)
    assert requests[0].language is None
    assert requests[-1].language == "zh"


def test_what_was_spoken_so_far_is_told_with_every_decode_and_outlives_the_turn():
    """It decides nothing by itself: the language of the turn stays open."""
    planner = begin()
    planner.expect_language("zh")
    first = speak(planner, 0.5)[0]
    planner.end()
    planner.begin(planner.last_voiced_sample)
    later = speak(planner, 0.5)[0]
    assert [(one.language, one.expected) for one in (first, later)] == [(None, "zh")] * 2


def test_a_sealed_turn_hears_no_more():
    """Neither its decodes nor those of the next turn reach over the border between the two."""
    planner = begin()
    speak(planner, 1.0)
    sealed = _end(planner)
    planner.push(window(3), sealed + 3 * WINDOW_SAMPLES)
    sealed = _end(planner)
    planner.seal()
    for _ in range(40):
        planner.push(window(), _end(planner) + WINDOW_SAMPLES)
        assert planner.plan() is None
    request = planner.final_request(sealed)
    assert request is not None
    assert request.end_sample == sealed
    assert len(request.audio) == sealed - request.start_sample
    assert planner.apply(request, answer(request)).complete
    planner.begin(sealed + WINDOW_SAMPLES)
    planner.push(window(12), _end(planner) + 12 * WINDOW_SAMPLES)
    following = planner.plan()
    assert following is not None
    assert following.start_sample == sealed


@given(st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_any_cutting_of_the_audio_gives_the_same_final_text(cuts: list[int]):
    """How the stream is cut into pushes decides when partials run, not what is heard."""
    planner = begin()
    for n in cuts:
        planner.push(window(n), _end(planner) + n * WINDOW_SAMPLES)
        if request := planner.plan():
            planner.apply(request, answer(request))
    final = planner.final_request(planner.last_voiced_sample)
    if final:
        planner.apply(final, answer(final))
    assert planner.state.complete
    assert planner.state.text == SPEECH[: said_by(_end(planner))]

"""The policy of acknowledgements: when, which, and when not."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.turn import lexicon
from pipeline.turn.acknowledge import (
    CLEAR_SECS,
    COVER_DELAY_SECS,
    COVERED_SECS,
    RHYTHMS,
    START_SECS,
    Acknowledgement,
    AcknowledgementKind,
    Acknowledger,
    InnerPause,
)
from pipeline.turn.endpointing import Evidence, Pacing, PauseRhythm, TurnSettings, wait_secs

COUNSELLOR = TurnSettings(pacing="counsellor")
GOES_ON = Evidence(complete=0.01)


def clip(text: str, secs: float = 0.4) -> Acknowledgement:
    return Acknowledgement(text, bytes(2 * round(secs * OUTPUT_RATE_HZ)))


def acknowledger(*texts: str, settings: TurnSettings = COUNSELLOR) -> Acknowledger:
    """One that has these ready in Mandarin."""
    return Acknowledger(settings, {"zh": [clip(text) for text in texts or ("嗯", "哦")]})


PAUSE = InnerPause(
    at_secs=10.0,
    silence_secs=0.4,
    wait_secs=1.5,
    voiced_secs=8.0,
    text="那天我回到家里",
    evidence=GOES_ON,
)


def said(one: Acknowledger, pause: InnerPause) -> str | None:
    """The words chosen for a pause."""
    chosen = one.choose(pause)
    return None if chosen is None else chosen.text


@pytest.mark.parametrize("later_secs", [0.1, 5.0, 30.0])
def test_a_story_that_goes_on_is_acknowledged_once_a_pause(later_secs: float):
    """However long it lasts."""
    one = acknowledger()
    assert said(one, PAUSE) == "嗯"
    later = replace(
        PAUSE,
        at_secs=PAUSE.at_secs + later_secs,
        silence_secs=PAUSE.silence_secs + later_secs,
        wait_secs=60.0,
    )
    assert said(one, later) is None


@pytest.mark.parametrize(
    ("unproved", "voiced_secs", "also"),
    [
        (True, 0.5, None),
        (True, 1.0, "哦"),
        (False, 0.5, "哦"),
    ],
)
def test_nothing_is_said_to_what_may_be_the_echo_of_the_last_one(
    unproved: bool, voiced_secs: float, also: str | None
):
    """As long as the bot has not spoken, and nobody knows whether the microphone hears it."""
    one = acknowledger()
    first = replace(PAUSE, unproved=unproved)
    assert said(one, first) == "嗯"
    voiced_secs += first.voiced_secs
    assert said(one, replace(first, at_secs=20.0, voiced_secs=voiced_secs)) == also


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(complete=None),
        Evidence(complete=0.01, ending="question"),
        Evidence(complete=0.01, ending="question", mark="question"),
        Evidence(complete=0.01, asks_for_time=True),
        Evidence(complete=0.01, language="en"),
    ],
    ids=["no opinion yet", "question", "marked question", "asks for time", "none ready"],
)
def test_what_asks_is_not_acknowledged(evidence: Evidence):
    """嗯 would be a yes; nor who wants to think, nor what nobody has judged or has words for."""
    assert said(acknowledger(), replace(PAUSE, evidence=evidence)) is None


THOUGHTFUL = Acknowledger(
    TurnSettings(pacing="natural"),
    {"zh": [clip("嗯"), replace(clip("呃……"), kind="thinking")], "en": [clip("Mm-hm")]},
)


@pytest.mark.parametrize("over", [False, True], ids=["waiting", "taken"])
@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("你觉得我该怎么办？", "呃……"),
        ("我应该怎么跟他们说", "呃……"),
        ("我是不是做错了什么", None),
        ("我怎么这么没用？", None),
        ("什么？", None),
        ("他一直不回我消息", "嗯"),
    ],
)
def test_who_asks_for_counsel_is_thought_about(text: str, heard: str | None, over: bool):
    """And other questions are left: any sound might be taken for their answer."""
    ending = lexicon.ending_of(text)
    pause = replace(OVER if over else PAUSE, text=text, evidence=replace(LIKELY, ending=ending))
    one = deepcopy(THOUGHTFUL)
    assert (covered(one, pause) if over else said(one, pause)) == heard


def test_the_guardian_is_told_what_would_be_said():
    """It bears a 嗯 before its answer where it bears no 呃."""
    asked = replace(OVER, text="我该怎么办", evidence=replace(LIKELY, ending="question"))
    one = replace(deepcopy(THOUGHTFUL), hushed=lambda text, kind: kind == "thinking")
    assert covered(one, asked) is None
    assert covered(one, replace(OVER, at_secs=OVER.at_secs + 10.0)) == "嗯"


def test_without_a_sound_of_thinking_an_open_question_is_left():
    """The 嗯 of listening never takes its place."""
    evidence = replace(LIKELY, ending="question", language="en")
    pause = replace(PAUSE, silence_secs=0.6, text="What should I do?", evidence=evidence)
    assert said(THOUGHTFUL, pause) is None
    told = replace(pause, text="She never calls.", evidence=replace(evidence, ending="plain"))
    assert said(deepcopy(THOUGHTFUL), told) == "Mm-hm"


def test_nobody_thinks_about_a_question_inside_a_story():
    """Where all says that the caller goes on, what they ask is not for the bot."""
    asked = Evidence(complete=0.01, ending="question")
    pause = replace(PAUSE, text="我该怎么办", silence_secs=1.0, wait_secs=3.0, evidence=asked)
    assert said(deepcopy(THOUGHTFUL), pause) is None
    assert said(deepcopy(THOUGHTFUL), replace(pause, evidence=GOES_ON)) == "嗯"


@pytest.mark.parametrize(
    ("text", "answered"),
    [
        ("没有", "嗯"),
        ("三个月", "嗯"),
        ("真的吗", None),
        ("对吧", None),
        ("就是这样", "嗯"),
        ("嗯", None),
        ("对", None),
    ],
)
def test_an_answer_is_acknowledged_unless_it_asks_or_is_one_itself(text: str, answered: str | None):
    """对 to 对 goes on for ever."""
    answer = Evidence(complete=0.7, ending="answer")
    assert said(acknowledger(), replace(IN_DOUBT, text=text, evidence=answer)) == answered


def test_smart_turn_is_heard_first_where_it_counts():
    """In English its no would shorten the wait; it is not waited for longer than it takes."""
    one = Acknowledger(COUNSELLOR, {"en": [clip("Mm-hm")]})
    english = replace(PAUSE, silence_secs=0.3, evidence=Evidence(complete=0.6, language="en"))
    assert said(one, english) is None
    assert said(one, replace(english, silence_secs=0.6)) == "Mm-hm"


def test_a_story_has_to_be_long():
    """It counts by its voice, not by its pauses."""
    short = replace(PAUSE, voiced_secs=RHYTHMS["counsellor"].story.voiced_secs - 0.1)
    assert said(acknowledger(), short) is None


IN_DOUBT = replace(PAUSE, silence_secs=0.55, wait_secs=1.25, voiced_secs=1.0)
MAYBE, LIKELY = Evidence(complete=0.3), Evidence(complete=0.7)


@pytest.mark.parametrize(
    ("evidence", "silence_secs"),
    [
        (MAYBE, RHYTHMS["natural"].doubt.silence_secs),
        (LIKELY, RHYTHMS["natural"].likely.silence_secs),
    ],
)
def test_what_may_be_over_is_acknowledged_soon(evidence: Evidence, silence_secs: float):
    """In a short turn as well; the sooner, the likelier the end; a breath is no silence."""
    one = acknowledger()
    pause = replace(IN_DOUBT, evidence=evidence)
    assert said(one, replace(pause, silence_secs=silence_secs - 0.01)) is None
    assert said(one, replace(pause, silence_secs=silence_secs)) == "嗯"


@pytest.mark.parametrize(
    ("evidence", "apart_secs"),
    [
        (MAYBE, RHYTHMS["natural"].doubt.apart_secs),
        (LIKELY, RHYTHMS["natural"].likely.apart_secs),
    ],
)
def test_the_likelier_the_end_the_sooner_another_comes(evidence: Evidence, apart_secs: float):
    """What is half an answer is not put off for one that was only company."""
    one = acknowledger()
    pause = replace(IN_DOUBT, evidence=evidence)
    assert said(one, pause) == "嗯"
    assert said(one, replace(pause, at_secs=pause.at_secs + apart_secs - 0.1)) is None
    assert said(one, replace(pause, at_secs=pause.at_secs + apart_secs + 0.1)) == "哦"


def test_a_silence_that_is_meant_is_left():
    """A counsellor lets what was disclosed stand, and does not fill it."""
    disclosed = Evidence(complete=0.99, mark="stop", discloses_feeling=True)
    assert said(acknowledger(), replace(IN_DOUBT, evidence=disclosed)) is None


def test_who_has_told_stories_is_not_left_alone_with_a_sure_end():
    """Their rhythm makes them wait, and whoever waits hears something."""
    sure, rhythm = Evidence(complete=0.93, judge="encoder"), PauseRhythm()
    for _ in range(3):
        rhythm.note_inner_pause(0.7)
    waits = wait_secs(sure, rhythm, TurnSettings())
    assert waits > 0.9
    natural = acknowledger(settings=TurnSettings())
    pause = replace(IN_DOUBT, silence_secs=0.25, wait_secs=waits, evidence=sure)
    assert said(natural, pause) == "嗯"


@pytest.mark.parametrize(
    "evidence", [Evidence(complete=0.6, ending="open"), GOES_ON], ids=["因为", "goes on"]
)
def test_words_that_want_more_are_acknowledged_when_nothing_comes(evidence: Evidence):
    """Nobody says 嗯 right after 因为; more than half a second of silence behind it is long."""
    lasting_secs = RHYTHMS["natural"].lasting.silence_secs
    waiting = replace(IN_DOUBT, evidence=evidence)
    assert said(acknowledger(), replace(waiting, silence_secs=lasting_secs - 0.05)) is None
    assert said(acknowledger(), replace(waiting, silence_secs=lasting_secs)) == "嗯"


def test_what_is_taken_at_once_leaves_no_room():
    """The reply itself is the first sound."""
    taken = replace(IN_DOUBT, wait_secs=0.4, evidence=Evidence(complete=0.99))
    assert said(acknowledger(), taken) is None


@pytest.mark.parametrize("pacing", ["natural", "counsellor"])
def test_two_are_apart_by_the_rhythm(pacing: Pacing):
    """A counsellor's is the quicker one."""
    one = acknowledger(settings=TurnSettings(pacing=pacing))
    apart_secs = RHYTHMS[pacing].story.apart_secs
    assert said(one, PAUSE) == "嗯"
    assert said(one, replace(PAUSE, at_secs=10.0 + apart_secs - 0.1)) is None
    assert said(one, replace(PAUSE, at_secs=10.0 + apart_secs + 0.1)) == "哦"


def test_the_quick_never_acknowledge():
    """They answer."""
    assert said(acknowledger(settings=TurnSettings(pacing="quick")), PAUSE) is None


def test_a_microphone_that_hears_the_loudspeaker_gets_none():
    """It would come back as the caller's own words."""
    one = acknowledger()
    one.echoes = True
    assert said(one, PAUSE) is None


def test_words_of_a_script_are_heard_in_silence():
    """And asked about once, not with every window of the pause."""
    asked: list[str] = []

    def hushed(text: str, kind: AcknowledgementKind) -> bool:
        asked.append(text)
        return True

    one = acknowledger()
    one.hushed = hushed
    pauses = [replace(PAUSE, at_secs=10.0 + at / 10) for at in range(5)]
    assert [said(one, pause) for pause in pauses] == [None] * 5
    assert asked == [PAUSE.text]


def test_the_one_said_longest_ago_is_said_next():
    """Of those there is time for: the same again is better than none."""
    one = acknowledger("嗯", "嗯嗯")
    one.ready = {"zh": [clip("嗯", 0.4), clip("嗯嗯", 0.6)]}
    likely = replace(IN_DOUBT, silence_secs=0.3, evidence=LIKELY)
    assert said(one, likely) == "嗯"
    assert said(one, replace(likely, at_secs=12.0)) == "嗯嗯"
    assert said(one, replace(likely, at_secs=14.0)) == "嗯"
    assert said(one, replace(likely, at_secs=16.0, silence_secs=0.45)) == "嗯"


def test_levels_are_those_of_the_sound_in_slots():
    """The last slot is filled up with silence."""
    loud = np.full(720, 16_384, dtype="<i2")  # 30 ms at -6 dBFS
    first, last = Acknowledgement("嗯", loud.tobytes()).levels_dbfs(0.02)
    assert first == pytest.approx(-6.0, abs=0.1)
    assert last == pytest.approx(-9.0, abs=0.1)


@given(
    st.lists(
        st.tuples(
            st.floats(0.03, 30.0), st.floats(0.1, 3.0), st.floats(0.1, 3.0), st.floats(0.0, 2.0)
        ),
        max_size=20,
    ),
    st.lists(st.floats(0.1, 1.2), min_size=1, max_size=4),
)
def test_it_ends_before_a_reply_could_begin(
    moments: list[tuple[float, float, float, float]], lengths_secs: list[float]
):
    """Whatever the pauses: it fits into the wait, for the turn's end or for a later reply."""
    clips = [clip(f"{index}", secs) for index, secs in enumerate(lengths_secs)]
    one, at_secs = Acknowledger(COUNSELLOR, {"zh": clips}), 0.0
    for later_secs, silence_secs, taken_secs, reply_in_secs in moments:
        at_secs += later_secs
        pause = replace(PAUSE, at_secs=at_secs, silence_secs=silence_secs, wait_secs=taken_secs)
        chosen = one.choose(pause, reply_in_secs)
        if chosen is not None:
            over_secs = silence_secs + START_SECS + chosen.secs + CLEAR_SECS
            late_secs = silence_secs + reply_in_secs + COVER_DELAY_SECS
            longest_secs = max(taken_secs, min(late_secs, COUNSELLOR.max_wait_secs))
            assert over_secs <= longest_secs + 1e-9


def test_a_wait_too_short_for_a_word_has_room_where_the_reply_comes_later():
    """The caller hears nothing either way until it is there."""
    short = replace(IN_DOUBT, silence_secs=0.35, wait_secs=0.7, evidence=LIKELY)
    assert said(natural(), short) is None
    chosen = natural().choose(short, 0.4)
    assert chosen is not None


OVER = replace(PAUSE, silence_secs=0.35, wait_secs=0.33, evidence=Evidence(complete=0.97))
LATE_SECS = COVERED_SECS + 0.2


def covered(one: Acknowledger, pause: InnerPause, reply_in_secs: float = LATE_SECS) -> str | None:
    """The words said before a late reply."""
    chosen = one.cover(pause, reply_in_secs)
    return None if chosen is None else chosen.text


def natural(*clips: Acknowledgement) -> Acknowledger:
    """One with these, or 嗯, ready in Mandarin."""
    return Acknowledger(TurnSettings(), {"zh": clips or (clip("嗯"),)})


def test_a_late_reply_is_covered():
    """What is over is acknowledged."""
    assert covered(natural(), OVER) == "嗯"


def test_a_reply_that_is_nearly_ready_is_not_delayed():
    """By a word before it; nor a late one by a long word."""
    assert covered(natural(), OVER, COVERED_SECS - 0.01) is None
    long = clip("我一直在这里听着", LATE_SECS + COVER_DELAY_SECS)
    assert covered(natural(long), OVER) is None
    assert covered(natural(long, clip("嗯")), OVER) == "嗯"


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(complete=None),
        Evidence(complete=0.97, ending="question"),
        Evidence(complete=0.97, asks_for_time=True),
        Evidence(complete=0.97, language="en"),
    ],
    ids=["no opinion yet", "question", "asks for time", "none ready"],
)
def test_what_is_not_acknowledged_is_not_covered(evidence: Evidence):
    """嗯 would be a yes to a question."""
    assert covered(natural(), replace(OVER, evidence=evidence)) is None


@pytest.mark.parametrize(
    "one",
    [
        replace(natural(), echoes=True),
        replace(natural(), hushed=lambda text, kind: True),
        replace(natural(), settings=TurnSettings(pacing="quick")),
    ],
    ids=["echo", "grave words", "quick"],
)
def test_where_nothing_is_said_nothing_is_covered(one: Acknowledger):
    """For the same reasons."""
    assert covered(one, OVER) is None


def test_a_silence_is_covered_once():
    """Nor is one that was acknowledged while its end was in doubt."""
    one = natural()
    assert said(one, replace(IN_DOUBT, evidence=LIKELY)) == "嗯"
    later = replace(OVER, silence_secs=IN_DOUBT.silence_secs + 0.2, at_secs=PAUSE.at_secs + 0.2)
    assert covered(natural(), later) == "嗯"
    assert covered(one, later) is None


def test_covering_ends_within_the_longest_wait():
    """A turn is never taken later than that for a word."""
    assert covered(natural(), replace(OVER, silence_secs=1.2), 2.0) is None

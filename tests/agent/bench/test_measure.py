"""From observations to figures."""

import dataclasses

import numpy as np
import pytest

from agent.bench.measure import (
    MISSED_END_MS,
    measure_turn,
    paired_ratio,
    percentiles,
    spoken_units,
    summarise,
    text_language,
)
from agent.bench.scripts import CallerVoice, Turn
from agent.bench.voices import Take
from agent.caller_clip import Clip
from agent.caller_report import AnswerReport, TurnReport
from pipeline.text import unit_error_rate
from tests.agent.bench.results import turn, turns

RATE_HZ = 1000  # one sample, one millisecond
SAID_MS = 3000
WORDS = "我上周，[0.5]不对，[0.7]是昨天。"


def take(pauses=((800, 1300), (1600, 2300))):
    samples = np.zeros(SAID_MS + 100, np.int16)
    clip = Clip("call/1", samples, RATE_HZ, -40.0, 0, SAID_MS)
    voice = CallerVoice(rate=1.1, pitch=0.9, size=1.05)
    return Take(Turn("call/1", "repair", WORDS, voice), clip, tuple(pauses), "digest")


def answer(begun_ms, audible_ms, gaps_ms=(), status="completed"):
    return AnswerReport(begun_ms, audible_ms, gaps_ms, status)


def report(answers=(), commits_ms=(), transcript="我上周，不对，是昨天。"):
    return TurnReport(
        clip="call/1",
        transcript=transcript,
        reply_text="好。",
        heard_text="好。",
        heard_is_estimated=False,
        status="completed",
        client_marks_ms={},
        server_marks_ms={"first_playout": 400.0},
        response_latency_ms=None,
        acknowledged_ms=None,
        server_response_latency_ms=None,
        reply_audio_secs=1.0,
        replies=len(answers),
        underruns=0,
        underrun_secs=0.0,
        answers=tuple(answers),
        commits_ms=tuple(commits_ms),
        ledger={"hits": 1.0},
    )


def test_a_turn_that_went_well():
    """Latency of the reply, nothing cut, nothing missed."""
    result = measure_turn(take(), report([answer(300, 420)], [290]))
    assert result.latency_ms == 420
    assert (result.premature, result.cut_pauses, result.pauses, result.missed) == (
        False,
        0,
        2,
        False,
    )
    assert (result.edits, result.reference_units) == (0, 8)
    assert result.ledger == {"hits": 1.0}


def test_recognition_is_counted_from_the_last_soft_end():
    """By the server's marks, and of turns that were heard to their end."""
    assert turn().recognition_ms == 100
    assert turn(premature=True).recognition_ms is None
    assert turn(server_marks_ms={"transcript_final": 220.0}).recognition_ms is None


def test_an_acknowledgement_is_the_first_sound_and_no_reply():
    """Both are told; without a reply there is neither."""
    acknowledged = dataclasses.replace(report([answer(1250, 1300)], [1240]), acknowledged_ms=400)
    result = measure_turn(take(), acknowledged)
    assert (result.first_sound_ms, result.latency_ms) == (400, 1300)
    summary = summarise([result, measure_turn(take(), report([answer(300, 420)], [290]))])
    assert summary.first_sound_ms is not None
    assert summary.latency_ms is not None
    assert (summary.first_sound_ms.p50, summary.latency_ms.p50) == (410, 860)
    unanswered = measure_turn(take(), dataclasses.replace(report(), acknowledged_ms=400))
    assert unanswered.first_sound_ms is None


@pytest.mark.parametrize(
    ("commits_ms", "cut"),
    [
        ([-2000, 300], 1),  # at 1.0 s, in the first pause
        ([-1600, 300], 1),  # after it, late because it was decided in it
        ([-2000, -1000, 300], 2),
        ([-2500, 300], 0),  # in no scripted pause: premature, but no pause was cut
    ],
)
def test_a_commit_inside_the_turn_cuts_the_pause_before_it(commits_ms, cut):
    """Every pause at most once."""
    result = measure_turn(take(), report([answer(350, 500)], commits_ms))
    assert result.premature
    assert result.cut_pauses == cut
    assert result.latency_ms == 500


def test_a_turn_that_was_split_after_its_end_was_cut_in_its_last_pause():
    """The decision came late, but the rest of the words made a turn of their own."""
    result = measure_turn(take(), report([answer(400, 900)], [100, 350]))
    assert result.premature
    assert result.cut_pauses == 1


@pytest.mark.parametrize("transcript", ["我上周，不对。", "我上周不队", "我上周"])
def test_a_reply_to_the_words_before_the_last_pause_is_no_answer(transcript):
    """It began after the turn, but nobody heard the end of it: cut off, and without a latency."""
    result = measure_turn(take(), report([answer(350, 500)], [300], transcript))
    assert (result.premature, result.cut_pauses) == (True, 1)
    assert (result.latency_ms, result.missed) == (None, False)


@pytest.mark.parametrize("transcript", ["我上周不对，十座天", "不对，是左边", "我上周不对，是", ""])
def test_what_was_misheard_was_heard(transcript):
    """Other words at the end are errors of the transcript; no words at all are, too."""
    result = measure_turn(
        take(), report([answer(350, 500)], [300] if transcript else [], transcript)
    )
    assert (result.premature, result.latency_ms) == (False, 500)


def test_a_reply_before_the_last_commit_is_no_answer():
    """Late, but still to the half that was taken first; the next one has the rest."""
    result = measure_turn(take(), report([answer(110, 200), answer(1950, 2100)], [100, 2000]))
    assert result.latency_ms == 2100
    assert result.premature


def test_a_reply_that_began_inside_the_turn_is_no_answer():
    """It gives no latency, and the turn is not called missed as well."""
    result = measure_turn(take(), report([answer(-900, 200)], [-1000]))
    assert result.latency_ms is None
    assert not result.missed
    assert result.premature


@pytest.mark.parametrize("answers", [[], [answer(300, None)], [answer(300, MISSED_END_MS + 1)]])
def test_no_audible_reply_in_time_is_a_missed_end(answers):
    """Whether it never came, was silent, or came too late."""
    result = measure_turn(take(), report(answers, [250] if answers else []))
    assert result.missed
    assert result.latency_ms == (answers[0].audible_ms if answers else None)


def test_gaps_and_failures_of_all_replies_count():
    """Breaks that nobody notices do not."""
    answers = [answer(-900, -700, (55.0, 12.0), "failed"), answer(300, 500, (39.0, 120.5))]
    result = measure_turn(take(), report(answers, [-950, 290]))
    assert result.gaps_ms == (55.0, 120.5)
    assert result.failed_replies == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("我今年32岁", "我今年三十二岁"),
        ("我覺得壓力很大", "我觉得压力很大"),
        ("at nine thirty", "At nine thirty!"),
        ("有70%的时间", "有百分之七十的时间"),
    ],
)
def test_how_words_are_written_does_not_matter(one, other):
    """Numbers, scripts, case and punctuation."""
    assert spoken_units(one) == spoken_units(other)


@pytest.mark.parametrize("text", ["我最近睡不好", "We are here", "今天有 meeting"])
def test_without_numbers_the_units_are_those_of_the_pipeline(text):
    """The error rate then is `unit_error_rate`."""
    assert unit_error_rate(" ".join(spoken_units(text)), text) == 0.0


def test_the_language_of_a_text():
    """Mandarin with English words in it is of its own kind."""
    assert [text_language(t) for t in ("你好", "hello there", "你 OK 吗")] == ["zh", "en", "mixed"]


def test_a_summary_counts_and_pools():
    """Errors are pooled over units, ledgers summed, latencies of answered turns ranked."""
    results = [
        turn(latency_ms=300.0, edits=1, ledger={"hits": 1.0}),
        turn(latency_ms=500.0, edits=2, ledger={"hits": 1.0, "saved_ms": 120.0}),
        turn(latency_ms=None, missed=True, language="en", edits=6),
        turn(latency_ms=400.0, pauses=2, cut_pauses=1, premature=True, gaps_ms=(50.0, 80.0)),
    ]
    summary = summarise(results, ["call: broke"])
    assert (summary.turns, summary.answered, summary.missed) == (4, 3, 1)
    assert summary.latency_ms is not None
    assert summary.latency_ms.p50 == 400.0
    assert (summary.cut_pauses, summary.pauses, summary.premature) == (1, 2, 1)
    assert summary.error_rates == {"zh": pytest.approx(3 / 18, abs=1e-4), "en": 1.0}
    assert (summary.gaps, summary.longest_gap_ms) == (2, 80.0)
    assert summary.ledger == {"hits": 2.0, "saved_ms": 120.0}
    assert summary.failures == ("call: broke",)


def test_a_summary_of_nothing_is_legal():
    """No turn, no latency."""
    summary = summarise([])
    assert summary.latency_ms is None
    assert summary.error_rates == {}


def test_percentiles_are_interpolated():
    """As numpy does by default."""
    assert percentiles([100.0, 200.0]).p50 == 150.0
    assert percentiles([100.0, 200.0]).p95 == 195.0


def test_the_ratio_is_taken_on_turns_that_both_answered():
    """Another recording of the same turn is another test."""
    ours = [*turns([200.0, 400.0, 900.0]), turn(turn_id="other", audio="new")]
    theirs = [*turns([1000.0, 2000.0, None]), turn(turn_id="other", audio="old")]
    assert paired_ratio(ours, theirs) == 0.2
    assert paired_ratio(ours, []) is None

from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.turn import endpointing, lexicon
from pipeline.turn.calibration import Calibration, JudgedBy, load_calibration
from pipeline.turn.endpointing import (
    CALIBRATION,
    Evidence,
    PauseRhythm,
    TurnSettings,
    audio_may_decide,
    completeness,
    log_odds,
    wait_secs,
)

JUDGES = st.sampled_from(get_args(JudgedBy))
LANGUAGES = st.sampled_from(["zh", "en"])
ENDINGS = st.sampled_from(["open", "leading", "question", "answer", "plain"])
MARKS = st.sampled_from(["none", "pause", "stop", "question"])
PACINGS = st.sampled_from(["quick", "natural", "counsellor"])
PROBABILITIES = st.floats(0.0, 1.0)
PAUSES = st.lists(st.floats(0.1, 3.0), max_size=12)

EVIDENCE = st.builds(
    Evidence,
    complete=st.none() | PROBABILITIES,
    judge=JUDGES,
    smart_turn=st.none() | PROBABILITIES,
    ending=ENDINGS,
    mark=MARKS,
    language=LANGUAGES,
    asks_for_time=st.booleans(),
    discloses_feeling=st.booleans(),
)
SETTINGS = st.builds(
    lambda shortest, room, hold, pacing: TurnSettings(
        min_wait_secs=shortest,
        max_wait_secs=shortest + room,
        hold_secs=hold,
        pacing=pacing,
    ),
    st.floats(0.1, 1.0),
    st.floats(0.0, 3.0),
    st.floats(0.0, 3.0),
    PACINGS,
)
NATURAL = TurnSettings()


def rhythm_of(pauses: list[float]) -> PauseRhythm:
    rhythm = PauseRhythm()
    for secs in pauses:
        rhythm.note_inner_pause(secs)
    return rhythm


@given(EVIDENCE, PAUSES, SETTINGS)
def test_the_wait_stays_between_its_bounds(evidence, pauses, settings):
    """Only a wish for time exceeds the maximum, and by no more than `hold_secs`."""
    wait = wait_secs(evidence, rhythm_of(pauses), settings)
    longest = settings.max_wait_secs + (settings.hold_secs if evidence.asks_for_time else 0.0)
    assert settings.min_wait_secs <= wait <= longest


@given(EVIDENCE, PAUSES, SETTINGS)
def test_surer_evidence_never_waits_longer(evidence, pauses, settings):
    """The wait falls with the probability of whoever judges the words, whatever else is known."""
    rhythm = rhythm_of(pauses)
    waits = [
        wait_secs(replace(evidence, complete=complete), rhythm, settings)
        for complete in (0.0, 0.001, 0.05, 0.2, 0.5, 0.8, 0.95, 1.0)
    ]
    assert waits == sorted(waits, reverse=True)


@given(EVIDENCE, PROBABILITIES, PROBABILITIES, SETTINGS)
def test_a_finished_melody_never_waits_longer(evidence, one, other, settings):
    """The wait falls with smart-turn's probability too."""
    less, more = sorted((one, other))
    rhythm = PauseRhythm()
    doubtful = wait_secs(replace(evidence, smart_turn=less), rhythm, settings)
    assert wait_secs(replace(evidence, smart_turn=more), rhythm, settings) <= doubtful


@given(EVIDENCE, PAUSES)
def test_the_pacings_are_in_order(evidence, pauses):
    """Quick answers no later than natural, natural no later than counsellor."""
    rhythm = rhythm_of(pauses)
    waits = [
        wait_secs(evidence, rhythm, TurnSettings(pacing=pacing))
        for pacing in ("quick", "natural", "counsellor")
    ]
    assert waits == sorted(waits)


@given(EVIDENCE, PAUSES, SETTINGS)
def test_a_wish_for_time_is_granted(evidence, pauses, settings):
    """Who asks for a moment gets at least as long as without asking."""
    rhythm = rhythm_of(pauses)
    asked, unasked = (replace(evidence, asks_for_time=asks) for asks in (True, False))
    assert wait_secs(asked, rhythm, settings) >= wait_secs(unasked, rhythm, settings)


@pytest.mark.parametrize(
    "words",
    [
        "我昨天没去因为",
        "他走了然后",
        "我觉得就是",
        "我不知道 嗯",
        "i stayed home because",
        "i was tired so um",
        "my brother uh",
        "he left and",
    ],
)
@pytest.mark.parametrize("complete", [None, 0.0, 0.5, 0.99])
@pytest.mark.parametrize("judge", get_args(JudgedBy))
def test_what_asks_for_more_waits_longer_than_a_finished_thought(words, complete, judge):
    """因为, 然后, 就是, 嗯, because, so, um: longer than any thought held for complete."""
    language = "en" if words.isascii() else "zh"
    ending = lexicon.ending_of(words)
    open_ended = Evidence(complete=complete, judge=judge, ending=ending, language=language)
    finished = Evidence(complete=0.95, judge=judge, mark="stop", language=language)
    assert open_ended.ending == "open"
    rhythm = PauseRhythm()
    assert wait_secs(open_ended, rhythm, NATURAL) > wait_secs(finished, rhythm, NATURAL) + 0.4


@given(PROBABILITIES, JUDGES, LANGUAGES, MARKS)
def test_an_open_ending_outlasts_most_inner_pauses(complete, judge, language, mark):
    """However complete the judge finds it, words that ask for more get over a second."""
    evidence = Evidence(complete, judge, ending="open", mark=mark, language=language)
    assert wait_secs(evidence, PauseRhythm(), NATURAL) > 1.0


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_question_that_both_models_hold_for_complete_goes_at_once(language):
    """A complete question is answered after the minimum wait."""
    evidence = Evidence(
        complete=0.9, smart_turn=0.9, ending="question", mark="question", language=language
    )
    assert wait_secs(evidence, PauseRhythm(), NATURAL) == NATURAL.min_wait_secs


def test_a_counsellor_lets_a_feeling_stand():
    """Under `counsellor` a disclosure waits longer; under `natural` it does not."""
    told = Evidence(complete=0.9, mark="stop", discloses_feeling=True)
    plain = replace(told, discloses_feeling=False)
    rhythm = PauseRhythm()
    counsellor = TurnSettings(pacing="counsellor")
    assert wait_secs(told, rhythm, counsellor) > wait_secs(plain, rhythm, counsellor)
    assert wait_secs(told, rhythm, NATURAL) == wait_secs(plain, rhythm, NATURAL)


def test_a_counsellor_waits_out_a_trailing_thought():
    """Under `counsellor` a trailing 就是… gets the whole wait, however sure the model is."""
    evidence = Evidence(complete=0.99, ending="open", mark="stop")
    settings = TurnSettings(pacing="counsellor")
    assert wait_secs(evidence, PauseRhythm(), settings) == settings.max_wait_secs


@given(EVIDENCE)
def test_completeness_is_a_probability(evidence):
    """Between 0 and 1, and even where the log-odds are 0."""
    assert 0.0 < completeness(evidence) < 1.0
    assert (completeness(evidence) > 0.5) == (log_odds(evidence) > 0.0)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_unknown_votes_leave_a_finished_thought_in_doubt(language):
    """Without the models a plain ending waits neither the least nor the most."""
    wait = wait_secs(Evidence(mark="stop", language=language), PauseRhythm(), NATURAL)
    assert NATURAL.min_wait_secs < wait < NATURAL.max_wait_secs


def test_the_audio_model_is_asked_only_where_it_may_decide():
    """Not when the words settle it either way, and never where it is worth nothing."""
    doubtful = Evidence(complete=0.5, mark="stop", language="en")
    assert audio_may_decide(doubtful, NATURAL)
    assert not audio_may_decide(replace(doubtful, complete=0.0001, ending="open"), NATURAL)
    assert not audio_may_decide(replace(doubtful, language="zh"), NATURAL)


DOUBTFUL = Evidence(complete=0.91, judge="encoder")


def test_who_tells_a_story_is_waited_for():
    """After three inner pauses a clause that could be all is not believed at once."""
    likely = Evidence(complete=0.945, judge="encoder")
    assert wait_secs(likely, PauseRhythm(), NATURAL) == NATURAL.min_wait_secs
    assert wait_secs(likely, rhythm_of([0.5, 0.9, 0.6]), NATURAL) > 1.0


def test_who_never_pauses_is_taken_at_their_word():
    """Three turns in one breath, and a fourth that would be in doubt is answered at once."""
    rhythm = PauseRhythm()
    assert wait_secs(DOUBTFUL, rhythm, NATURAL) > 1.0
    for _ in range(3):
        rhythm.note_end()
    assert wait_secs(DOUBTFUL, rhythm, NATURAL) == NATURAL.min_wait_secs


def test_less_caution_is_needed_where_the_audio_model_has_heard_the_end_as_well(
    monkeypatch: pytest.MonkeyPatch,
):
    """Half of it: two judges err together less often."""

    def waits(caution: float) -> list[float]:
        monkeypatch.setattr("pipeline.turn.endpointing.CAUTION", {"natural": caution})
        return [
            wait_secs(
                Evidence(share / 100, "encoder", heard, language="en"), PauseRhythm(), NATURAL
            )
            for heard in (None, 0.9)
            for share in range(1, 100)
        ]

    whole, half, none = waits(1.0), waits(0.5), waits(0.0)
    monkeypatch.setattr("pipeline.turn.endpointing.HEARD_CAUTION_SHARE", 1.0)
    assert whole[:99] == waits(1.0)[:99] != half[:99]
    assert whole[99:] == waits(0.5)[99:] != none[99:]


def test_a_question_is_answered_sooner(monkeypatch: pytest.MonkeyPatch):
    """Than its vote says: whoever asks wants to hear, also where the models are in doubt."""
    asked = Evidence(complete=0.7, judge="encoder", ending="question")
    leaning = wait_secs(asked, PauseRhythm(), NATURAL)
    monkeypatch.setattr(endpointing, "QUESTION_LEAN", 0.0)
    assert leaning < wait_secs(asked, PauseRhythm(), NATURAL)


def test_quick_pacing_believes_what_others_are_cautious_about():
    """It says no 嗯 while it waits."""
    assert wait_secs(DOUBTFUL, PauseRhythm(), NATURAL) > NATURAL.min_wait_secs
    quick = replace(NATURAL, pacing="quick")
    assert wait_secs(DOUBTFUL, PauseRhythm(), quick) == quick.min_wait_secs


def test_a_rhythm_is_outweighed_by_certainty():
    """A slow speaker who asks a plain question is answered at once all the same."""
    asked = Evidence(complete=0.99, smart_turn=0.99, mark="question", ending="question")
    assert wait_secs(asked, rhythm_of([1.0, 1.1]), NATURAL) == NATURAL.min_wait_secs


def test_an_end_that_was_none_counts_as_a_pause():
    """A caller who is cut off is not cut off the same way again."""
    mistaken, right = PauseRhythm(), PauseRhythm()
    mistaken.note_end()
    mistaken.note_mistake()
    right.note_end()
    assert mistaken.lean < 0.0 < right.lean


@given(st.lists(st.booleans(), max_size=40))
def test_a_rhythm_is_bounded_and_forgotten(silences):
    """Only the latest silences count, and never for more than words that are plain."""
    rhythm = PauseRhythm()
    for ended in silences:
        if ended:
            rhythm.note_end()
        else:
            rhythm.note_inner_pause(0.5)
    bound = math.log((PauseRhythm.MEMORY + PauseRhythm.PRIOR) / PauseRhythm.PRIOR)
    assert abs(rhythm.lean) <= bound + 1e-9
    latest = PauseRhythm()
    latest.silences.extend(silences[-PauseRhythm.MEMORY :])
    assert rhythm.lean == latest.lean


def test_the_calibration_survives_its_file():
    """What is written is what is read, and the slope falls."""
    assert Calibration.from_json(CALIBRATION.to_json()) == load_calibration()
    for rules in CALIBRATION.rules.values():
        assert all(rule.slope.doubt < rule.slope.sure for rule in rules.values())

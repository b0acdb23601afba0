"""Agreement in text units over any run of hypotheses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stt.agreement import ROUNDS, Agreement
from pipeline.text import keys

ALPHABET = "我你他很累吗 ab,。"
TEXTS = st.text(ALPHABET, max_size=12)


def test_a_unit_commits_when_all_rounds_agree_on_it():
    """Three hypotheses that share a prefix commit it, one Chinese character at a time."""
    agreement = Agreement()
    assert agreement.update("我最近").committed == ""
    assert agreement.update("我最近工").committed == ""
    agreed = agreement.update("我最近工作")
    assert agreed.committed == "我最"
    assert agreed.unstable == "近工作"


def test_the_last_unit_of_a_hypothesis_is_never_agreed():
    """A word at the edge of the audio may be half a word."""
    agreement = Agreement()
    for _ in range(ROUNDS + 2):
        agreed = agreement.update("I feel some")
    assert agreed.committed == "I feel"


def test_punctuation_is_not_compared_and_comes_from_the_newest_hypothesis():
    """A full stop that turned into a comma does not keep words from agreeing."""
    agreement = Agreement()
    agreement.update("我累了。")
    agreement.update("我累了，可是")
    agreed = agreement.update("我累了，可是我")
    assert agreed.text == "我累了，可是我"
    assert agreed.committed == "我累"


def test_a_space_goes_between_a_trimmed_window_and_the_committed_text():
    """A window that begins after all committed text is joined as the language writes."""
    agreement = Agreement()
    agreement.update("I feel tired")
    agreement.commit_all()
    assert agreement.update("and sad", start=len("I feel tired")).text == "I feel tired and sad"


def test_a_hypothesis_that_rewords_the_committed_text_adds_only_what_follows_it():
    """What a decode hears anew in another way is neither lost nor said twice."""
    agreement = Agreement()
    agreement.update("我最近")
    agreement.commit_all()
    assert agreement.update("我最尽很累").text == "我最近很累"


def test_the_border_after_a_unit_takes_the_punctuation_behind_it():
    """A window trimmed after a unit begins at the next unit."""
    agreement = Agreement()
    agreement.update("我累，你呢")
    agreement.commit_all()
    assert agreement.border("我累，你呢", 2) == len("我累，")
    assert agreement.border("我累，你呢", 4) == len("我累，你呢")
    assert agreement.border("你呢", 1, start=len("我累，")) == len("我累，你")


def test_a_border_is_found_in_other_words_too():
    """The hypothesis that the window is trimmed by may differ from what was committed."""
    agreement = Agreement()
    agreement.update("我最近很累你呢")
    agreement.commit_all()
    assert agreement.border("我最尽很累你呢", 5) == len("我最近很累")
    assert agreement.border("我很累你呢", 3) == len("我最近很累")


def test_there_is_no_border_after_what_is_not_committed():
    """A window is never trimmed of words that are still open."""
    agreement = Agreement()
    for _ in range(ROUNDS):
        agreement.update("我最近很累")
    assert agreement.agreed.committed == "我最近很"
    assert agreement.border("我最近很累", 4) == len("我最近很")
    assert agreement.border("我最近很累", 5) is None


@given(st.lists(TEXTS, max_size=8))
def test_committed_text_only_grows(hypotheses: list[str]):
    """No run of hypotheses takes a committed character back."""
    agreement = Agreement()
    committed = ""
    for hypothesis in hypotheses:
        agreed = agreement.update(hypothesis)
        assert agreed.committed.startswith(committed)
        committed = agreed.committed


@given(st.text("我你他很累ab ", min_size=1, max_size=20), st.lists(st.integers(0, 20), max_size=10))
def test_any_schedule_of_a_truthful_recogniser_ends_with_the_same_text(
    text: str, lengths: list[int]
):
    """However the window grew, the last hypothesis of all the audio decides."""
    agreement = Agreement()
    for length in sorted(lengths):
        agreement.update(text[:length])
    assert keys(agreement.update(text).text) == keys(text)


@pytest.mark.parametrize("text", ["", "。", "  "])
def test_hypotheses_without_units_commit_nothing(text: str):
    """Empty input is legal."""
    agreement = Agreement()
    for _ in range(ROUNDS + 1):
        agreed = agreement.update(text)
    assert agreed.committed == ""

"""The ledger knows to the character what was heard."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipeline.playout.ledger import HEARD_TOLERANCE_SAMPLES, ReplyLedger
from pipeline.tts.base import CharMark

SYLLABLE = 4800  # samples; 0.2 s at 24 kHz


def spoken(*clauses: str) -> ReplyLedger:
    """A ledger of clauses in which every character takes one syllable."""
    ledger = ReplyLedger()
    for index, text in enumerate(clauses):
        start = ledger.append_text(text)
        marks = [CharMark(start + n, n * SYLLABLE) for n in range(1, len(text) + 1)]
        ledger.append_audio(index, len(text) * SYLLABLE, marks)
    return ledger


def test_nothing_played_is_nothing_heard() -> None:
    """Before the first sample the heard text is empty."""
    assert spoken("我听到了，").heard_text(0) == ""


def test_everything_played_is_everything_heard() -> None:
    """All samples played give all text."""
    ledger = spoken("我听到了，", "你最近还好吗？")
    assert ledger.heard_text(ledger.samples) == ledger.text


def test_cut_inside_a_clause_keeps_the_played_characters() -> None:
    """A cut after three syllables keeps three characters."""
    assert spoken("我听到了，", "你好").heard_text(3 * SYLLABLE) == "我听到"


def test_a_syllable_that_lacks_only_its_tail_was_heard() -> None:
    """The last 40 ms of a syllable do not decide."""
    ledger = spoken("我听到了")
    assert ledger.heard_text(2 * SYLLABLE - HEARD_TOLERANCE_SAMPLES) == "我听"
    assert ledger.heard_text(2 * SYLLABLE - HEARD_TOLERANCE_SAMPLES - 1) == "我"


def test_a_long_spoken_number_is_heard_with_its_last_syllable() -> None:
    """1998 is one mark: it is heard whole or not at all."""
    ledger = ReplyLedger()
    ledger.append_text("1998年")
    ledger.append_audio(0, 5 * SYLLABLE, [CharMark(4, 4 * SYLLABLE), CharMark(5, 5 * SYLLABLE)])
    assert ledger.heard_text(3 * SYLLABLE) == ""
    assert ledger.heard_text(4 * SYLLABLE) == "1998"


def test_resume_goes_back_to_the_last_clause_border() -> None:
    """A pause shortly after a border repeats from that border."""
    ledger = spoken("我听到了，", "你最近还好吗？")
    assert ledger.resume_sample(7 * SYLLABLE + 100) == 5 * SYLLABLE


def test_resume_far_from_a_border_goes_back_one_word() -> None:
    """When the border is long past, only the cut syllable is repeated."""
    ledger = spoken("你最近还好吗朋友们大家好")
    assert ledger.resume_sample(9 * SYLLABLE + 700) == 9 * SYLLABLE


clauses = st.lists(
    st.text(alphabet="我你他好吗很abc，。？1 ", min_size=1, max_size=12), min_size=1, max_size=6
)


@given(clauses, st.lists(st.integers(0, 400_000), min_size=2, max_size=10))
def test_heard_text_only_grows_with_samples(texts: list[str], positions: list[int]) -> None:
    """More samples played never mean fewer characters heard."""
    ledger = spoken(*texts)
    heard = [ledger.heard_chars(position) for position in sorted(positions)]
    assert heard == sorted(heard)
    assert all(0 <= chars <= len(ledger.text) for chars in heard)


@given(clauses, st.integers(0, 400_000))
def test_resume_never_goes_forward(texts: list[str], position: int) -> None:
    """Resuming repeats something or nothing, but never skips."""
    ledger = spoken(*texts)
    assert 0 <= ledger.resume_sample(min(position, ledger.samples)) <= position


@given(clauses, st.integers(1, 5000))
def test_any_cutting_of_the_audio_gives_the_same_account(texts: list[str], size: int) -> None:
    """Chunk borders carry no meaning."""
    whole, cut = spoken(*texts), ReplyLedger()
    for index, text in enumerate(texts):
        start = cut.append_text(text)
        marks = [CharMark(start + n, n * SYLLABLE) for n in range(1, len(text) + 1)]
        total = len(text) * SYLLABLE
        for begin in range(0, total, size * 7):
            end = min(total, begin + size * 7)
            inside = [mark for mark in marks if begin < mark.samples <= end]
            cut.append_audio(index, end - begin, inside)
    for position in range(0, whole.samples + 1, SYLLABLE // 2):
        assert cut.heard_chars(position) == whole.heard_chars(position)


@given(clauses, st.lists(st.integers(0, 400_000), max_size=12))
def test_spans_of_adjoining_audio_adjoin(texts: list[str], cuts: list[int]) -> None:
    """However the audio is cut into deltas, their characters are the whole text once."""
    ledger = spoken(*texts)
    borders = sorted({0, ledger.samples, *(min(cut, ledger.samples) for cut in cuts)})
    spans = [ledger.span(start, end) for start, end in pairwise(borders)]
    assert "".join(ledger.text[first:last] for first, last in spans) == ledger.text


def test_resume_does_not_cut_a_word_in_two() -> None:
    """Far from a clause border it goes back to the beginning of the word."""
    ledger = spoken("你最近工作压力很大所以睡不着")
    text_before = ledger.text.index("压力")
    paused_inside = (text_before + 1) * SYLLABLE + 100
    assert ledger.resume_sample(paused_inside) == text_before * SYLLABLE


def test_all_is_said_with_the_last_mark() -> None:
    """The silence after the last word does not count as words."""
    ledger = spoken("好吗？")
    ledger.append_audio(0, 4 * SYLLABLE, [])
    assert not ledger.all_said(3 * SYLLABLE - 1)
    assert ledger.all_said(3 * SYLLABLE)

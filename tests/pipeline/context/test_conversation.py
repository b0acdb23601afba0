"""The history holds what was said and what was heard, nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.context.conversation import ConversationHistory
from pipeline.llm.base import Message
from pipeline.llm.trim import ending


def history() -> ConversationHistory:
    return ConversationHistory()


def test_a_completed_reply_enters_with_its_turn() -> None:
    """Turn and reply appear together once the reply was heard."""
    talk = history()
    talk.commit(1, "我很累")
    assert talk.messages == []
    talk.finish(1, "听起来很辛苦。", "听起来很辛苦。", cut=False)
    assert talk.messages == [Message("user", "我很累"), Message("assistant", "听起来很辛苦。")]
    assert talk.pending_user_text == ""


def test_a_cut_reply_keeps_only_what_was_heard() -> None:
    """The unheard rest is remembered for a question about it, not as said."""
    talk = history()
    talk.commit(1, "我很累")
    talk.finish(1, "听起来很辛苦。你睡得好吗？", "听起来很", cut=True)
    assert talk.messages[-1] == Message("assistant", "听起来很……")
    assert talk.last_cut is not None
    assert talk.last_cut.unheard == "辛苦。你睡得好吗？"


def test_an_unheard_reply_leaves_the_turn_waiting() -> None:
    """Who was cut off before a word was heard is answered as a whole."""
    talk = history()
    talk.commit(1, "我最近")
    talk.finish(1, "嗯，", "", cut=True)
    assert talk.messages == []
    talk.commit(2, "总是睡不着")
    talk.finish(2, "听起来很辛苦。", "听起来很辛苦。", cut=False)
    assert talk.messages[0] == Message("user", "我最近总是睡不着")


def test_english_pieces_join_with_a_space() -> None:
    """Joining respects the script."""
    talk = history()
    talk.add_user_text("I feel")
    assert talk.user_text_with("tired") == "I feel tired"


def test_a_dropped_draft_leaves_no_trace() -> None:
    """A generation that was never committed changes nothing."""
    talk = history()
    talk.finish(7, "嗯。", "嗯。", cut=False)
    assert talk.messages == []


def test_a_late_report_amends_the_cut() -> None:
    """A client's own count replaces the estimate in place."""
    talk = history()
    talk.commit(1, "我很累")
    talk.finish(1, "听起来很辛苦。", "听起来很辛", cut=True)
    talk.finish(1, "听起来很辛苦。", "听起", cut=True)
    assert talk.messages == [Message("user", "我很累"), Message("assistant", "听起……")]


def test_a_late_report_that_nothing_was_heard_takes_the_reply_back() -> None:
    """The caller's words wait again, before those that came since."""
    talk = history()
    talk.commit(1, "我很累")
    talk.add_user_text("还有")
    talk.finish(1, "听起来很辛苦。", "听", cut=True)
    assert talk.last_cut is not None
    talk.commit(2, "头痛")
    talk.finish(1, "听起来很辛苦。", "", cut=True)
    assert (talk.messages, talk.last_cut) == ([], None)
    assert talk.pending_user_text == "我很累还有头痛"
    talk.finish(2, "嗯。", "嗯。", cut=False)
    assert talk.messages == [Message("user", "我很累还有头痛"), Message("assistant", "嗯。")]
    assert talk.pending_user_text == ""


def test_a_late_report_that_something_was_heard_brings_the_reply_in() -> None:
    """Its turn is answered, and no longer part of the next one."""
    talk = history()
    talk.commit(1, "我很累")
    talk.finish(1, "听起来很辛苦。", "", cut=True)
    talk.commit(2, "头痛")
    talk.finish(1, "听起来很辛苦。", "听起", cut=True)
    assert talk.messages == [Message("user", "我很累"), Message("assistant", "听起……")]
    assert talk.pending_user_text == "头痛"
    talk.finish(2, "嗯。", "嗯。", cut=False)
    assert talk.messages[2:] == [Message("user", "头痛"), Message("assistant", "嗯。")]


@given(
    st.lists(st.sampled_from(["", "听", "听起来"]), min_size=1, max_size=4),
    st.booleans(),
)
def test_only_the_last_report_counts(reports: list[str], goes_on: bool) -> None:
    """However often a client changes its mind, before or after the next turn is taken."""
    amended, told_once = history(), history()
    for talk, heard in ((amended, reports), (told_once, reports[-1:])):
        talk.commit(1, "我很累")
        talk.finish(1, "听起来很辛苦。", heard[0], cut=True)
        if goes_on:
            talk.commit(2, "头痛")
        for late in heard[1:]:
            talk.finish(1, "听起来很辛苦。", late, cut=True)
        talk.finish(2, "嗯。", "嗯。", cut=False)
    assert amended.messages == told_once.messages
    assert amended.pending_user_text == told_once.pending_user_text
    assert amended.last_cut == told_once.last_cut


def test_of_a_turn_too_long_for_the_model_the_end_is_kept() -> None:
    """As the model was asked about it."""
    talk = history()
    talk.commit(1, "很" * 4_000 + "累")
    talk.finish(1, "嗯。", "嗯。", cut=False)
    assert talk.messages[0] == Message("user", ending("很" * 4_000 + "累"))


def test_words_typed_during_a_reply_wait_for_the_next() -> None:
    """They are not swallowed by the turn under answer."""
    talk = history()
    talk.commit(1, "我很累")
    talk.add_user_text("还有头痛")
    talk.finish(1, "嗯。", "嗯。", cut=False)
    assert talk.pending_user_text == "还有头痛"


def test_a_cut_is_remembered_over_one_answer() -> None:
    """等一下 may be answered before 你刚才说到哪了 is asked; later it is forgotten."""
    talk = history()
    for generation, cut in ((1, True), (2, False)):
        talk.commit(generation, "嗯")
        talk.finish(generation, "好的，慢慢说。", "好的，" if cut else "好的，慢慢说。", cut=cut)
    assert talk.last_cut is not None
    talk.commit(3, "嗯")
    talk.finish(3, "好。", "好。", cut=False)
    assert talk.last_cut is None

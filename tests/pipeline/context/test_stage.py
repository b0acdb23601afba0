"""The context stage: what the model is asked, and what is remembered."""

from __future__ import annotations

from pipeline.context.manner import Manner, ScriptedLines
from pipeline.context.stage import REMINDERS, ContextStage
from pipeline.frames import (
    CommitFrame,
    DraftFrame,
    DropFrame,
    PauseFrame,
    PlayoutFinishedFrame,
    PrefillFrame,
    ReplyRequestFrame,
    ResumeFrame,
    SayFrame,
    TakeTextFrame,
    TranscriptFrame,
)
from pipeline.llm.base import Message
from pipeline.turn import lexicon
from tests.fakes.driver import Passed, Step, Up, drive

LINES = ScriptedLines("你好。", "还在吗？", lexicon.asks_to_continue, resuming="好，")


ENGLISH = Manner(
    "in English",
    ScriptedLines("Hello.", "Still there?", lexicon.asks_to_continue),
    examples=(Message("user", "hi"), Message("assistant", "Hello, I'm here.")),
)


def run(*steps: Step, model_judges: bool = True) -> Passed:
    manners = {"zh": Manner("system", LINES), "en": ENGLISH}
    return drive(ContextStage(manners, model_judges=model_judges), *steps)


def partial(committed: str, unstable: str = "") -> TranscriptFrame:
    return TranscriptFrame("turn_1", None, committed, unstable, "zh")


def english_partial(words: str) -> TranscriptFrame:
    return TranscriptFrame("turn_1", None, words, "", "en")


def draft(generation: int, text: str) -> DraftFrame:
    return DraftFrame(generation, "turn_1", text, "zh", speculative=True)


def finished(generation: int, text: str, heard: str) -> Up:
    status = "completed" if heard == text else "interrupted"
    return Up(PlayoutFinishedFrame(generation, status, text, heard))


ONE_TURN: tuple[Step, ...] = (
    draft(1, "我睡不好"),
    CommitFrame(1, "turn_1"),
    finished(1, "多久了？", "多久了？"),
)
SYSTEM = Message("system", "system")
AFTER_ONE_TURN = (SYSTEM, Message("user", "我睡不好"), Message("assistant", "多久了？"))


def test_words_are_prefilled_as_they_grow():
    """Agreed or not, and others in their place; not those that have been, nor another mark."""
    heard = (partial("", "我"), partial("我", "最近。"), partial("我", "最近"), partial("我"))
    prefills = run(*heard, partial("我", "最紧"), model_judges=False).all(PrefillFrame)
    assert [frame.turn_so_far for frame in prefills] == ["我", "我最近。", "我最紧"]


def test_a_model_that_judges_is_asked_about_agreed_words():
    """Others may never have been said, and nothing is evaluated twice."""
    passed = run(partial("", "我"), partial("我最近"), partial("我最近", "睡"), partial("我最近睡"))
    assert [frame.user_so_far for frame in passed.all(PrefillFrame)] == ["我最近", "我最近睡"]


def test_another_language_is_prefilled_when_it_is_agreed():
    """Its opening costs the evaluated history: what may yet change does not choose it."""
    unstable = TranscriptFrame("turn_2", None, "", "I can't sleep at night", "en")
    agreed = TranscriptFrame("turn_2", None, "I can't sleep", " at night", "en")
    history, english = run(*ONE_TURN, unstable, agreed, model_judges=False).all(PrefillFrame)
    assert (history.messages, history.turn_so_far) == (AFTER_ONE_TURN, "")
    assert english.messages[: len(ENGLISH.opening())] == ENGLISH.opening()
    assert english.turn_so_far == "I can't sleep at night"


def test_words_before_a_silence_are_told_from_words_in_mid_speech():
    """A draft that reads them may follow at once."""
    silent = TranscriptFrame("turn_1", None, "我最近", "睡不好", "zh", complete=True)
    prefills = run(partial("我"), silent, model_judges=False).all(PrefillFrame)
    assert [frame.draft_near for frame in prefills] == [False, True]


def test_after_the_greeting_the_other_language_is_read_too():
    """Nobody knows yet what the caller speaks; from the first turn on it is known."""
    greeted = (draft(1, ""), CommitFrame(1, "turn_1"), finished(1, LINES.greeting, LINES.greeting))
    (greeting,) = run(*greeted).all(PrefillFrame)
    said = Message("assistant", LINES.greeting)
    assert greeting.messages == (SYSTEM, said)
    reminder = Message("system", REMINDERS["en"])
    assert greeting.afterwards == (*ENGLISH.opening(), said, reminder)
    assert run(*ONE_TURN).all(PrefillFrame)[-1].afterwards == ()


def test_a_fixed_language_leaves_the_other_unread():
    """Nothing else is recognised."""
    greeted = (draft(1, ""), CommitFrame(1, "turn_1"), finished(1, LINES.greeting, LINES.greeting))
    manners = {"zh": Manner("system", LINES), "en": ENGLISH}
    (greeting,) = drive(ContextStage(manners, heard="zh"), *greeted).all(PrefillFrame)
    assert greeting.afterwards == ()


def test_words_over_the_bot_are_prefilled_before_they_are_agreed():
    """Their probability of being a whole turn decides whether the bot goes on."""
    over = (draft(1, "我睡不好"), CommitFrame(1, "turn_1"), partial("", "太难"))
    assert run(*over).all(PrefillFrame)[-1].turn_so_far == "太难"
    assert run(*over[:2], partial("", "太难了我不想再说")).all(PrefillFrame) == []
    assert run(*over, model_judges=False).all(PrefillFrame) == []
    assert run(*ONE_TURN, partial("", "太难")).all(PrefillFrame)[-1].turn_so_far == ""


def test_a_caller_who_speaks_english_is_answered_in_english():
    """The opening of the context changes with the language; the history stays.

    A small model would go on in the history's language, so it is reminded right before the
    turn; not any more when the bot has spoken the new one.
    """
    english = DraftFrame(2, "turn_2", "I can't sleep at night", "en", speculative=True)
    answered = finished(2, "Since when?", "Since when?")
    later = DraftFrame(3, "turn_3", "Since I moved here", "en", speculative=True)
    _, request, last = run(*ONE_TURN, english, CommitFrame(2, "turn_2"), answered, later).all(
        ReplyRequestFrame
    )
    reminder = Message("system", REMINDERS["en"])
    assert request.messages == (*ENGLISH.opening(), *AFTER_ONE_TURN[1:], reminder)
    assert reminder not in last.messages
    assert (request.language, last.language) == ("en", None)


def test_a_sound_over_the_bot_does_not_change_the_language():
    """Echo and noise are heard in any; a turn that is too short to tell goes on in the call's."""
    over = (draft(1, "我睡不好"), CommitFrame(1, "turn_1"), english_partial("thank you"))
    after = DraftFrame(2, "turn_2", "Yes.", "en", speculative=True)
    passed = run(*over, finished(1, "多久了？", "多久了？"), after)
    assert passed.all(PrefillFrame)[-1].messages == (SYSTEM,)
    assert passed.all(ReplyRequestFrame)[-1].messages == AFTER_ONE_TURN


def test_words_that_nobody_took_do_not_change_the_language():
    """A partial that was noise, a draft that was dropped: what was taken counts."""
    passed = run(
        english_partial("thank you all so much"),
        DraftFrame(1, "turn_1", "Thank you all so much.", "en", speculative=True),
        DropFrame(1, "resumed"),
        DraftFrame(2, "turn_2", "Yes.", "en", speculative=True),
        CommitFrame(2, "turn_2"),
    )
    assert passed.all(PrefillFrame)[0].messages == ENGLISH.opening()
    noise, turn = passed.all(ReplyRequestFrame)
    assert (noise.messages, turn.messages) == (ENGLISH.opening(), (SYSTEM,))


def test_a_turn_that_was_taken_keeps_its_language():
    """The short ones after it are answered in it."""
    english = DraftFrame(2, "turn_2", "I can't sleep at night", "en", speculative=True)
    passed = run(
        *ONE_TURN,
        english,
        CommitFrame(2, "turn_2"),
        finished(2, "Since when?", "Since when?"),
        draft(3, "嗯"),
    )
    assert passed.all(ReplyRequestFrame)[-1].messages[:3] == ENGLISH.opening()


def test_a_single_word_does_not_change_the_language():
    """Whisper takes a short sound for either."""
    request = run(DraftFrame(1, "turn_1", "Okay.", "en", speculative=True)).all(ReplyRequestFrame)[
        0
    ]
    assert request.messages == (SYSTEM,)


def test_typed_words_choose_the_language_too():
    """Text alone tells which it is."""
    (say,) = run(TakeTextFrame("", "I would like to talk"), draft(1, "")).all(ReplyRequestFrame)
    assert say.messages == ENGLISH.opening()


def test_a_draft_asks_the_model():
    """With the history so far; the draft itself leaves no trace in it."""
    passed = run(draft(1, "我睡"), DropFrame(1, "resumed"), draft(2, "我睡不好"))
    requests = passed.all(ReplyRequestFrame)
    assert [frame.user_text for frame in requests] == ["我睡", "我睡不好"]
    assert requests[1].messages == (SYSTEM,)


def test_a_heard_reply_enters_the_history():
    """The next draft is asked with both sides of the turn before."""
    passed = run(*ONE_TURN, draft(2, "三个月"))
    assert passed.all(ReplyRequestFrame)[-1].messages == AFTER_ONE_TURN


def test_a_draft_after_a_cut_waits_for_what_was_heard():
    """Playout answers the drop; only then the model is asked, with the words that were heard."""
    passed = run(
        draft(1, "我睡不好"),
        CommitFrame(1, "turn_1"),
        DropFrame(1, "interrupted"),
        TakeTextFrame("", "不是"),
        draft(2, ""),
        CommitFrame(2, ""),
        0.1,
        finished(1, "多久了？", "多久"),
    )
    assert passed.kinds()[-3:] == [DropFrame, ReplyRequestFrame, CommitFrame]
    request = passed.all(ReplyRequestFrame)[-1]
    assert request.user_text == "不是"
    assert request.messages == (
        SYSTEM,
        Message("user", "我睡不好"),
        Message("assistant", "多久……"),
    )


def test_a_pause_does_not_overtake_the_commit_of_its_reply():
    """Both wait for the end of the reply before it; what is about that one does not."""
    passed = run(
        draft(1, "我睡不好"),
        CommitFrame(1, "turn_1"),
        PauseFrame(1),
        DropFrame(1, "replaced"),
        draft(2, "不是"),
        CommitFrame(2, ""),
        PauseFrame(2),
        ResumeFrame(2),
        0.1,
        finished(1, "多久了？", "多久"),
    )
    after = [CommitFrame, PauseFrame, DropFrame, ReplyRequestFrame, CommitFrame, PauseFrame]
    assert passed.kinds()[1:] == [*after, ResumeFrame]


def test_a_turn_that_nobody_answered_is_joined_to_the_next():
    """Its reply was cut before its first syllable."""
    passed = run(
        draft(1, "我睡不好"),
        CommitFrame(1, "turn_1"),
        DropFrame(1, "interrupted"),
        finished(1, "多久了？", ""),
        draft(2, "三个月了"),
    )
    request = passed.all(ReplyRequestFrame)[-1]
    assert (request.messages, request.user_text) == ((SYSTEM,), "我睡不好三个月了")
    assert (request.waiting_text, request.turn_text) == ("我睡不好", "三个月了")


def test_what_was_said_is_evaluated_before_the_caller_speaks():
    """As soon as the reply is over, with what was heard of it."""
    (ahead,) = run(*ONE_TURN).all(PrefillFrame)
    assert (ahead.messages, ahead.user_so_far) == (AFTER_ONE_TURN, "")
    unheard = run(*ONE_TURN[:2], finished(1, "多久了？", "")).all(PrefillFrame)
    assert [(ahead.messages, ahead.user_so_far) for ahead in unheard] == [((SYSTEM,), "我睡不好")]


def test_nothing_is_evaluated_ahead_of_words_that_are_there():
    """Neither while a caller goes on speaking after the reply nor while the next one sounds."""
    speaking = run(*ONE_TURN[:2], partial("", "太难"), ONE_TURN[2])
    assert [frame.turn_so_far for frame in speaking.all(PrefillFrame)] == ["太难"]
    again = run(*ONE_TURN[:2], draft(2, ""), CommitFrame(2, ""), ONE_TURN[2])
    assert again.all(PrefillFrame) == []
    dropped = run(draft(1, "我睡"), Up(PlayoutFinishedFrame(1, None, "", "")))
    assert dropped.all(PrefillFrame) == []


def test_an_empty_draft_greets_first_and_checks_in_later():
    """Without the model; and what is said so is remembered."""
    passed = run(draft(1, ""), CommitFrame(1, ""), finished(1, "你好。", "你好。"), draft(2, ""))
    assert [frame.text for frame in passed.all(SayFrame)] == ["你好。", "还在吗？"]
    assert passed.all(ReplyRequestFrame) == []


def test_a_caller_who_asks_to_go_on_gets_the_unheard_rest():
    """Word for word, instead of a new reply."""
    passed = run(
        draft(1, "我睡不好"),
        CommitFrame(1, "turn_1"),
        DropFrame(1, "interrupted"),
        finished(1, "多久了？愿意说说吗？", "多久了？"),
        draft(2, "你继续说"),
    )
    assert [frame.text for frame in passed.all(SayFrame)] == ["好，愿意说说吗？"]


def test_an_apology_is_not_remembered():
    """It answers nothing: the turn that failed still waits."""
    passed = run(
        draft(1, "我睡不好"),
        CommitFrame(1, "turn_1"),
        finished(1, "", ""),
        SayFrame(2, "turn_1", "抱歉。", enters_context=False),
        CommitFrame(2, "turn_1"),
        finished(2, "抱歉。", "抱歉。"),
        draft(3, "你在吗"),
    )
    request = passed.all(ReplyRequestFrame)[-1]
    assert (request.messages, request.user_text) == ((SYSTEM,), "我睡不好你在吗")

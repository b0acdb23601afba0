"""Notes that the model is given with single turns."""

from __future__ import annotations

import logging

import pytest

from pipeline.context.manner import Manner, ScriptedLines
from pipeline.context.notes import Note
from pipeline.context.stage import ContextStage
from pipeline.frames import (
    CommitFrame,
    ConfigureFrame,
    DraftFrame,
    PlayoutFinishedFrame,
    PrefillFrame,
    ReplyRequestFrame,
    TranscriptFrame,
)
from pipeline.llm.base import Message, Sampling
from tests.fakes.driver import Passed, Step, Up, drive

MANNER = Manner("system", ScriptedLines("你好。", "还在吗？", lambda text: False))
CAT = Note("你养过一只叫阿福的猫。", ("9f2c:1",))


class KnowsCats:
    """Has a note for whatever names a cat."""

    def note(self, user_text: str) -> Note | None:
        return CAT if "猫" in user_text else None


def run(*steps: Step) -> Passed:
    return drive(ContextStage({"zh": MANNER}, note_sources=(KnowsCats(),)), *steps)


def draft(generation: int, text: str) -> DraftFrame:
    return DraftFrame(generation, "turn_1", text, "zh", speculative=True)


def test_a_note_stands_right_before_its_turn():
    """In the prefill and in the request, behind everything that was said."""
    partial = TranscriptFrame("turn_1", None, "我家的猫", "", "zh")
    passed = run(partial, draft(1, "我家的猫走了"))
    told = (Message("system", "system"), Message("system", CAT.text))
    assert passed.all(PrefillFrame)[-1].messages == told
    assert passed.all(ReplyRequestFrame)[0].messages == told


def test_a_note_is_gone_with_the_next_turn():
    """The history keeps what was said, not what was looked up."""
    passed = run(
        draft(1, "我家的猫走了"),
        CommitFrame(1, "turn_1"),
        Up(PlayoutFinishedFrame(1, "completed", "嗯。", "嗯。")),
        draft(2, "我睡不好"),
    )
    assert passed.all(ReplyRequestFrame)[-1].messages == (
        Message("system", "system"),
        Message("user", "我家的猫走了"),
        Message("assistant", "嗯。"),
    )


def test_sources_are_logged_once_the_answer_is_given(caplog: pytest.LogCaptureFixture):
    """By id, never by their words, and not for a draft that was dropped."""
    caplog.set_level(logging.INFO)
    run(draft(1, "我家的猫"), draft(2, "我家的猫走了"), CommitFrame(2, "turn_1"))
    cited = [record.getMessage() for record in caplog.records if "9f2c:1" in record.getMessage()]
    assert cited == ["turn_1 answered with 9f2c:1"]
    assert CAT.text not in caplog.text


class AsksWhoElse:
    """Has a question for every turn, and nothing for the model's eyes."""

    def note(self, user_text: str) -> Note | None:
        return Note(question={"zh": "家里还有谁？", "en": "Who is at home with you?"})


def test_a_question_goes_with_the_request_and_not_to_the_model():
    """The prompt stays as it was evaluated while the caller spoke."""
    stage = ContextStage({"zh": MANNER}, note_sources=(KnowsCats(), AsksWhoElse()))
    passed = drive(stage, draft(1, "我睡不好"))
    (request,) = passed.all(ReplyRequestFrame)
    assert request.question == "家里还有谁？"
    assert request.messages == (Message("system", "system"),)


def test_a_question_is_asked_in_the_language_of_the_answer():
    """Of which the persona of one's own may have no other."""
    english = DraftFrame(1, "turn_1", "I can not sleep at night", "en", speculative=True)
    for manners, question in (
        ({"zh": MANNER, "en": MANNER}, "Who is at home with you?"),
        ({"zh": MANNER}, "家里还有谁？"),
    ):
        passed = drive(ContextStage(manners, note_sources=(AsksWhoElse(),)), english)
        assert [request.question for request in passed.all(ReplyRequestFrame)] == [question]


def test_new_choices_bring_their_own_notes():
    """Another persona in the middle of a call asks nothing that is not its own."""
    chosen = ConfigureFrame({"zh": MANNER}, Sampling(), None, True, "polite", False)
    stage = ContextStage({"zh": MANNER}, note_sources=(AsksWhoElse(),))
    (request,) = drive(stage, chosen, draft(1, "我睡不好")).all(ReplyRequestFrame)
    assert request.question == ""

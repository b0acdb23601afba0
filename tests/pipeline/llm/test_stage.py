"""The language model's stage: requests in, growing replies and opinions out."""

from __future__ import annotations

import pytest

from pipeline.errors import GenerationError
from pipeline.events import CallFailed
from pipeline.frames import (
    CommitFrame,
    DropFrame,
    EndOfTurnFrame,
    PrefillFrame,
    ReplyCostFrame,
    ReplyRequestFrame,
    ReplyTextFrame,
)
from pipeline.llm.base import Message, Sampling
from pipeline.llm.stage import LlmStage
from pipeline.text import Language
from tests.fakes.driver import Passed, Step, drive
from tests.fakes.engines import FakeLanguageModel

MESSAGES = (Message("system", "system"),)


def run(*steps: Step, model: FakeLanguageModel | None = None) -> Passed:
    model = model or FakeLanguageModel()
    passed = drive(LlmStage(model.open(), Sampling(seed=100)), *steps)
    assert model.open_conversations == 0
    return passed


def text_of(passed: Passed, generation: int) -> str:
    frames = passed.all(ReplyTextFrame)
    return "".join(frame.text for frame in frames if frame.generation == generation)


def test_a_reply_is_streamed_to_its_end():
    """Token by token; the last frame says so, and the first is marked."""
    passed = run(ReplyRequestFrame(1, MESSAGES, "我睡不好"), 2.0)
    frames = passed.all(ReplyTextFrame)
    assert text_of(passed, 1) == "嗯，我在听。"
    assert [frame.last for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert [frame.tokens for frame in frames] == list(range(1, len(frames) + 1))
    assert passed.marks == ["first_token"]


def test_a_reply_ends_where_its_limit_is():
    """The question is the last that is said, and the stream ends with it."""
    model = FakeLanguageModel(answer=lambda text: "多久了？可以多运动。")
    passed = run(ReplyRequestFrame(1, MESSAGES, "我睡不好"), 2.0, model=model)
    assert text_of(passed, 1) == "多久了？"
    assert passed.all(ReplyTextFrame)[-1].last


def test_a_question_that_is_due_is_said_in_place_of_the_models_own():
    """After its first sentence, and the stream ends with it."""
    model = FakeLanguageModel(answer=lambda text: "三个月，真久。你在哪里？")
    request = ReplyRequestFrame(1, MESSAGES, "三个月睡不好", question="家里还有谁？")
    passed = run(request, 2.0, model=model)
    assert text_of(passed, 1) == "三个月，真久。家里还有谁？"
    assert [frame.last for frame in passed.all(ReplyTextFrame)].count(True) == 1


@pytest.mark.parametrize(("language", "held"), [("en", True), ("zh", False), (None, False)])
def test_an_english_answer_does_without_chinese(language: Language | None, held: bool):
    """A Mandarin one may quote any word."""
    model = FakeLanguageModel(answer=lambda text: "I'm listening.")
    run(ReplyRequestFrame(1, MESSAGES, "I can't sleep", language=language), 2.0, model=model)
    assert [sampling.without_chinese for sampling in model.samplings] == [held]


def test_a_model_without_words_asks_nothing_either():
    """A failed reply is not dressed up as one."""
    model = FakeLanguageModel(answer=lambda text: "")
    passed = run(ReplyRequestFrame(1, MESSAGES, "嗯", question="家里还有谁？"), 2.0, model=model)
    assert not text_of(passed, 1)


def test_a_reply_without_words_is_drawn_once_more():
    """A model that ends its turn at once leaves nobody without an answer."""
    answers = iter(["……", "我在听。"])
    model = FakeLanguageModel(answer=lambda text: next(answers))
    passed = run(ReplyRequestFrame(1, MESSAGES, "我睡不好"), 2.0, model=model)
    assert text_of(passed, 1).endswith("我在听。")
    assert [frame.last for frame in passed.all(ReplyTextFrame)].count(True) == 1


def test_a_model_without_words_is_not_asked_for_ever():
    """After the second wordless reply the turn machine must know that none comes."""
    model = FakeLanguageModel(answer=lambda text: "")
    passed = run(ReplyRequestFrame(1, MESSAGES, "我睡不好"), 2.0, model=model)
    assert [frame.last for frame in passed.all(ReplyTextFrame)] == [True]
    assert len(model.prompts) == 2


def test_a_reply_comes_in_the_callers_script():
    """Every piece is rewritten on its way out; capitals stand for a script here."""
    model = FakeLanguageModel(answer=lambda text: "go on")
    stage = LlmStage(model.open(), Sampling(), rewrite=str.upper)
    passed = drive(stage, ReplyRequestFrame(1, MESSAGES, "hello"), 2.0)
    assert text_of(passed, 1) == "GO ON"


def test_every_request_says_whether_the_turn_is_over():
    """Prefills while the caller speaks, and the request at the soft end."""
    model = FakeLanguageModel(end_of_turn=lambda text: 0.9 if text == "我睡不好" else 0.1)
    passed = run(
        PrefillFrame(MESSAGES, "我睡"),
        0.2,
        ReplyRequestFrame(1, MESSAGES, "我睡不好"),
        0.2,
        model=model,
    )
    opinions = [(frame.turn_text, frame.probability) for frame in passed.back(EndOfTurnFrame)]
    assert opinions == [("我睡", 0.1), ("我睡不好", 0.9)]


def test_an_opinion_names_the_turns_own_words():
    """What waited before it is part of the prompt, but the turn machine does not know it."""
    model = FakeLanguageModel(end_of_turn=lambda text: 0.9 if text.startswith("我睡不好") else 0.1)
    passed = run(
        PrefillFrame(MESSAGES, "三个", "我睡不好"),
        0.2,
        ReplyRequestFrame(1, MESSAGES, "三个月了", "我睡不好"),
        0.2,
        model=model,
    )
    opinions = [(frame.turn_text, frame.probability) for frame in passed.back(EndOfTurnFrame)]
    assert opinions == [("三个", 0.9), ("三个月了", 0.9)]


def test_a_reply_takes_over_the_judgement_of_the_same_words():
    """Its own words may have gone ahead as a prefill: they are judged once, told if known."""
    judged = list[str]()
    model = FakeLanguageModel(end_of_turn=lambda text: judged.append(text) or 0.9)
    for pause_secs in (0.0, 1.0):
        judged.clear()
        passed = run(
            PrefillFrame(MESSAGES, "我睡不好"),
            pause_secs,
            ReplyRequestFrame(1, MESSAGES, "我睡不好"),
            2.0,
            model=model,
        )
        assert judged == ["我睡不好"]
        told = passed.back(EndOfTurnFrame)[-1]
        assert (told.turn_text, told.probability) == ("我睡不好", 0.9)
        assert text_of(passed, 1) == "嗯，我在听。"


def test_a_judgement_taken_over_is_not_replaced_by_a_partial():
    """A partial transcript that comes beside the draft waits for the draft's words."""
    passed = run(
        PrefillFrame(MESSAGES, "我睡不好"),
        ReplyRequestFrame(1, MESSAGES, "我睡不好"),
        PrefillFrame(MESSAGES, "我睡不好啊"),
        2.0,
    )
    opinions = [frame.turn_text for frame in passed.back(EndOfTurnFrame)]
    assert opinions == ["我睡不好", "我睡不好啊"]
    assert text_of(passed, 1) == "嗯，我在听。"


def test_a_newer_prefill_replaces_an_older_one():
    """Nobody needs the opinion about fewer words."""
    passed = run(PrefillFrame(MESSAGES, "我"), PrefillFrame(MESSAGES, "我睡"), 0.5)
    assert [frame.turn_text for frame in passed.back(EndOfTurnFrame)] == ["我睡"]


def test_words_that_come_beside_a_draft_leave_it_alone():
    """A partial transcript while the draft's own prompt is evaluated fails no reply."""
    passed = run(ReplyRequestFrame(1, MESSAGES, "我睡不好"), PrefillFrame(MESSAGES, "我睡"), 2.0)
    assert not passed.events(CallFailed)
    assert text_of(passed, 1) == "嗯，我在听。"
    opinions = [frame.turn_text for frame in passed.back(EndOfTurnFrame)]
    assert opinions == ["我睡不好", "我睡"]


def test_a_failed_prefill_costs_an_opinion_and_no_reply():
    """It is an optimisation: a model that can still write answers all the same."""

    def no_opinion(text: str) -> float:
        raise GenerationError("The context is full")

    passed = run(
        ReplyRequestFrame(1, MESSAGES, "我睡不好"),
        2.0,
        model=FakeLanguageModel(end_of_turn=no_opinion),
    )
    assert text_of(passed, 1) == "嗯，我在听。"
    assert not passed.events(CallFailed)


def test_a_dropped_draft_stops_within_a_token():
    """And the drop goes on to the stages that still hold its text."""
    passed = run(ReplyRequestFrame(1, MESSAGES, "我睡"), 0.1, DropFrame(1, "resumed"), 2.0)
    assert len(text_of(passed, 1)) <= 2
    assert passed.kinds()[-1] is DropFrame


def test_dropping_another_generation_changes_nothing():
    """A drop that comes late must not stop the reply that replaced what it meant."""
    passed = run(
        ReplyRequestFrame(1, MESSAGES, "我睡"),
        0.1,
        ReplyRequestFrame(2, MESSAGES, "我睡不好"),
        DropFrame(1, "resumed"),
        2.0,
    )
    assert text_of(passed, 2) == "嗯，我在听。"


def test_a_newer_request_replaces_the_reply_under_way():
    """At most one reply of a call is written."""
    passed = run(
        ReplyRequestFrame(1, MESSAGES, "我睡"), 0.15, ReplyRequestFrame(2, MESSAGES, "好"), 2.0
    )
    generations = [frame.generation for frame in passed.all(ReplyTextFrame)]
    assert generations == sorted(generations)
    assert not any(f.last for f in passed.all(ReplyTextFrame) if f.generation == 1)


def test_a_failed_model_ends_the_reply_as_failed():
    """With an event for the client and a last frame for the stages after."""
    passed = run(
        ReplyRequestFrame(1, MESSAGES, "我睡"), 1.0, model=FakeLanguageModel(fail=lambda: True)
    )
    (frame,) = passed.all(ReplyTextFrame)
    assert (frame.text, frame.last, frame.failed) == ("", True, True)
    assert [failed.code for failed in passed.events(CallFailed)] == ["generation_error"]


def test_the_cost_of_a_draft_is_told_token_by_token():
    """As long as it may be for nothing."""
    passed = run(ReplyRequestFrame(1, MESSAGES, "我睡不好"), 2.0)
    costs = [(frame.generation, frame.tokens) for frame in passed.back(ReplyCostFrame)]
    assert costs == [(1, frame.tokens) for frame in passed.all(ReplyTextFrame)]


def test_of_a_committed_reply_only_the_first_token_is_told():
    """It says how long a reply takes to begin."""
    passed = run(CommitFrame(1, "turn_1"), ReplyRequestFrame(1, MESSAGES, "我睡不好"), 2.0)
    assert [frame.tokens for frame in passed.back(ReplyCostFrame)] == [1]


def test_a_model_that_need_not_judge_reads_the_words_with_the_reply():
    """It says nothing of the turn's end, and no prefill is waited for, related or not."""
    model = FakeLanguageModel(end_of_turn=lambda text: 0.9, prefill_secs=60.0)
    stage = LlmStage(model.open(), Sampling(), judges=False)
    passed = drive(
        stage,
        PrefillFrame(MESSAGES, "我睡"),
        ReplyRequestFrame(1, MESSAGES, "我睡不好"),
        2.0,
        PrefillFrame(MESSAGES, "那"),
        ReplyRequestFrame(2, MESSAGES, "还是不好"),
        2.0,
    )
    assert not passed.back(EndOfTurnFrame)
    assert [text_of(passed, generation) for generation in (1, 2)] == ["嗯，我在听。"] * 2


OTHER = (Message("system", "another"),)


def reading(*steps: Step) -> list[tuple[Message, ...]]:
    """What a model that need not judge has begun and ended to evaluate, each in its order."""
    model = FakeLanguageModel()
    drive(LlmStage(model.open(), Sampling(), judges=False), *steps)
    return [*model.begun, *model.evaluated]


def test_words_before_a_silence_are_left_to_the_draft_that_follows():
    """Evaluated alone first, they would take a step that the reply waits for."""
    near = PrefillFrame(MESSAGES, "我睡不好", draft_near=True)
    assert reading(near, 0.05, ReplyRequestFrame(1, MESSAGES, "我睡不好"), 2.0) == []


def test_words_before_a_silence_that_no_draft_follows_are_evaluated():
    """The caller went on, or is answered by heart."""
    near = PrefillFrame(MESSAGES, "我睡不好", draft_near=True)
    assert reading(near, 1.0) == [MESSAGES, MESSAGES]


def test_a_model_that_judges_the_turn_does_so_at_once():
    """Its opinion is what the end of the turn waits for."""
    near = PrefillFrame(MESSAGES, "我睡不好", draft_near=True)
    passed = run(near, 0.1)
    assert [frame.turn_text for frame in passed.back(EndOfTurnFrame)] == ["我睡不好"]


def test_what_may_be_wanted_next_is_read_when_the_words_have_been():
    """A newer prefill would else take the place of theirs."""
    read = [MESSAGES, OTHER]
    assert reading(PrefillFrame(MESSAGES, "", afterwards=OTHER), 1.0) == [*read, *read]


def test_whatever_comes_stops_reading_ahead():
    """Before it has begun, and while it is under way."""
    ahead = PrefillFrame(MESSAGES, "", afterwards=OTHER)
    words, request = PrefillFrame(MESSAGES, "我"), ReplyRequestFrame(1, MESSAGES, "我")
    before, under_way = 0.02, 0.07
    assert OTHER not in reading(ahead, before, words, 1.0)
    assert OTHER not in reading(ahead, before, request, 2.0)
    begun_and_ended = [MESSAGES, OTHER, MESSAGES, MESSAGES, MESSAGES]
    assert reading(ahead, under_way, words, 1.0) == begun_and_ended
    assert reading(ahead, under_way, request, 2.0) == [MESSAGES, OTHER, MESSAGES]


def test_words_that_wait_stop_nothing_that_is_under_way():
    """A history that is being read is wanted by the draft, too."""
    near = PrefillFrame(OTHER, "我睡不好", draft_near=True)
    assert reading(PrefillFrame(MESSAGES, "我"), near, 0.1) == [MESSAGES, MESSAGES]


@pytest.mark.parametrize("heard", ["我睡", "我睡。"])
def test_a_prefill_of_the_beginning_is_finished_for_the_reply(heard: str):
    """The recogniser sets a mark behind every hypothesis, which the model does not read."""
    words, request = PrefillFrame(MESSAGES, heard), ReplyRequestFrame(1, MESSAGES, "我睡不好")
    assert reading(words, 0.01, request, 1.0) == [MESSAGES, MESSAGES]

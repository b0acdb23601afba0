"""The guardian's place in the context stage."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from pipecat.frames.frames import Frame
from pipecat.tests.utils import run_test

from pipeline.context.manner import Manner, ScriptedLines
from pipeline.context.stage import ContextStage
from pipeline.events import CallEvent, CrisisNoted
from pipeline.frames import (
    CancelReplyFrame,
    CommitFrame,
    DraftFrame,
    EventFrame,
    PlayoutFinishedFrame,
    PrefillFrame,
    ReplyRequestFrame,
    SayFrame,
    SpeechRateFrame,
    TranscriptFrame,
)

LINES = ScriptedLines("hello", "still here", lambda text: False)
NOTICE = CrisisNoted("elevated", "suicide", ())


class Watchful:
    """Answers whatever contains its word; tells of every turn that it was told of."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.took: list[str] = []
        self.was_heard: list[str] = []

    def hushes(self, text: str, *, asks: bool = False) -> bool:
        return False

    def holds(self, text: str) -> bool:
        return self.word in text

    def answer(self, text: str) -> str | None:
        return "scripted" if self.word in text else None

    def rate(self, text: str) -> float:
        return 0.8 if self.word in text else 1.0

    def taken(self, text: str) -> CallEvent | None:
        self.took.append(text)
        return NOTICE if self.word in text else None

    def heard(self, text: str) -> None:
        self.was_heard.append(text)


async def play(guardian: Watchful, *frames: Frame) -> tuple[list[Frame], list[Frame]]:
    """The frames that a stage with this guardian sends down and up."""
    stage = ContextStage({"en": Manner("be kind", LINES)}, guardian=guardian)
    down, up = await run_test(stage, frames_to_send=list(frames))
    return list(down), list(up)


async def test_a_guarded_turn_is_never_answered_by_the_model():
    """The draft becomes a scripted line, and the notice follows its commit."""
    guardian = Watchful("red")
    down, _ = await play(
        guardian,
        DraftFrame(1, "turn_1", "red", "en", speculative=True),
        CommitFrame(1, "turn_1"),
    )
    said = [frame for frame in down if isinstance(frame, SayFrame)]
    assert [frame.text for frame in said] == ["scripted"]
    assert not [frame for frame in down if isinstance(frame, ReplyRequestFrame)]
    assert NOTICE in [frame.event for frame in down if isinstance(frame, EventFrame)]
    assert guardian.took == ["red"]


async def test_the_guardian_says_how_fast_its_answer_is_spoken():
    """Before the text, so that the first clause has the rate; the usual rate is not told."""
    down, _ = await play(
        Watchful("red"),
        DraftFrame(1, "turn_1", "red", "en", speculative=True),
        DraftFrame(2, "turn_1", "blue", "en", speculative=True),
    )
    ours = [frame for frame in down if isinstance(frame, SpeechRateFrame | SayFrame)]
    assert [type(frame) for frame in ours] == [SpeechRateFrame, SayFrame]
    assert ours[0].rate == 0.8


async def test_other_turns_go_to_the_model():
    """Without an answer from the guardian nothing changes."""
    down, _ = await play(Watchful("red"), DraftFrame(1, "turn_1", "blue", "en", speculative=True))
    assert [type(frame) for frame in down if isinstance(frame, ReplyRequestFrame | SayFrame)] == [
        ReplyRequestFrame
    ]


async def test_words_over_a_reply_ask_for_its_end():
    """Each partial that must be answered, under its turn; it may be the echo up to the last."""
    partial = TranscriptFrame("turn_2", None, "red", "", "en")
    _, up = await play(
        Watchful("red"),
        DraftFrame(1, "turn_1", "blue", "en", speculative=False),
        CommitFrame(1, "turn_1"),
        partial,
        partial,
    )
    asked = [frame.turn_id for frame in up if isinstance(frame, CancelReplyFrame)]
    assert asked == ["turn_2", "turn_2"]


async def test_the_guardian_is_told_what_was_heard_of_its_own_answers():
    """Not of the model's, and not of an answer that another turn has followed."""
    guardian = Watchful("red")
    await play(
        guardian,
        DraftFrame(1, "turn_1", "red", "en", speculative=True),
        CommitFrame(1, "turn_1"),
        PlayoutFinishedFrame(1, "interrupted", "scripted", "scri"),
        PlayoutFinishedFrame(1, "interrupted", "scripted", "scrip"),
        DraftFrame(2, "turn_2", "blue", "en", speculative=True),
        CommitFrame(2, "turn_2"),
        PlayoutFinishedFrame(2, "completed", "hello", "hello"),
        PlayoutFinishedFrame(1, "interrupted", "scripted", ""),
    )
    assert guardian.was_heard == ["scri", "scrip"]


async def test_the_model_judges_the_words_while_the_guardian_reads_them():
    """The words go on before the answer is there, and to a thread where there is one."""
    with ThreadPoolExecutor(1) as workers:
        threads = list[str]()

        class Reader(Watchful):
            def answer(self, text: str) -> str | None:
                threads.append(threading.current_thread().name)
                return super().answer(text)

        stage = ContextStage(
            {"en": Manner("be kind", LINES)}, guardian=Reader("knife"), workers=workers
        )
        down, _ = await run_test(stage, frames_to_send=[DraftFrame(1, "t1", "I rest", "en", True)])
        assert [type(frame) for frame in down] == [PrefillFrame, ReplyRequestFrame]
        prefill, request = down
        assert isinstance(prefill, PrefillFrame)
        assert isinstance(request, ReplyRequestFrame)
        assert (prefill.messages, prefill.user_so_far) == (request.messages, request.user_text)
        assert threading.current_thread().name not in threads


async def test_a_model_that_does_not_judge_is_not_sent_ahead():
    """The words are then read in one step with what the reply begins with."""
    stage = ContextStage(
        {"en": Manner("be kind", LINES)}, guardian=Watchful("red"), model_judges=False
    )
    down, _ = await run_test(stage, frames_to_send=[DraftFrame(1, "t1", "I rest", "en", True)])
    assert [type(frame) for frame in down] == [ReplyRequestFrame]

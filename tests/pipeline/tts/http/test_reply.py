"""A whole reply through the voice's stage while its server breaks down."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.clauses import Clause
from pipeline.events import CallFailed
from pipeline.frames import ClauseFrame, ReplyTextEndFrame, SpeechEndFrame, SpeechFrame
from pipeline.tts.base import SpeechStyle
from pipeline.tts.fallback import FallbackVoice
from pipeline.tts.patience import Patience
from pipeline.tts.stage import TtsStage
from tests.fakes import voice_servers as fakes
from tests.fakes.driver import Passed, drive
from tests.fakes.engines import FakeVoice, InlineExecutor
from tests.fakes.speech import SYLLABLE_SECS, listen
from tests.pipeline.tts.http.conftest import MakeGptSovits

CLAUSES = ("我听到了，", "你很累。", "想说说吗？")
PATIENCE = Patience(first_audio_secs=0.3, stall_secs=0.3, retry_secs=600.0, warm_up_secs=20.0)


def reply(voice: FallbackVoice) -> Passed:
    """The three clauses, spoken."""
    frames, start = list[ClauseFrame | ReplyTextEndFrame](), 0
    for index, text in enumerate(CLAUSES):
        frames.append(ClauseFrame(1, Clause(text, start, start + len(text), index)))
        start += len(text)
    stage = TtsStage(voice, SpeechStyle(), InlineExecutor())
    return drive(stage, *frames, ReplyTextEndFrame(1), 0.1)


@pytest.mark.parametrize(
    "fault", [fakes.refuses(400), fakes.model_fails, fakes.breaks_off, fakes.hangs, fakes.stalls]
)
def test_a_server_that_breaks_down_in_mid_reply(gptsovits: MakeGptSovits, fault: fakes.Answer):
    """The caller hears every clause, the later ones in the other voice; the call goes on."""
    server, board = gptsovits(timeout_secs=fakes.FAR)
    others = FakeVoice()
    board.faults.extend([lambda h, asked: board.answer("/tts")(h, asked), fault])
    passed = reply(FallbackVoice([server, others], PATIENCE))
    assert board.spoken == list(CLAUSES[:2])
    frames = passed.all(SpeechFrame)
    tail = np.concatenate([frame.pcm for frame in frames if frame.clause_index >= 1])
    assert listen(tail, OUTPUT_RATE_HZ).endswith("你很累。想说说吗？")
    first = sum(len(frame.pcm) for frame in frames if frame.clause_index == 0)
    assert first == pytest.approx((len(CLAUSES[0]) * SYLLABLE_SECS + 0.1) * OUTPUT_RATE_HZ, abs=48)
    assert [frame.failed for frame in passed.all(SpeechEndFrame)] == [False]
    assert passed.events(CallFailed) == []
    assert frames[-1].last
    heard = [mark.chars for frame in frames for mark in frame.marks]
    assert heard == sorted(heard)
    assert heard[-1] == sum(map(len, CLAUSES))

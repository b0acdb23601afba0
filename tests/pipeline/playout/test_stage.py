"""The playout stage: holds, paces, pauses, ends, and knows what was heard."""

from __future__ import annotations

import numpy as np

from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.clauses import Clause
from pipeline.events import (
    PlayoutFlushed,
    PlayoutPaused,
    PlayoutResumed,
    ReplyAmended,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
)
from pipeline.frames import (
    ClauseFrame,
    CommitFrame,
    DropFrame,
    EventFrame,
    MeasureFrame,
    PauseFrame,
    PlayedFrame,
    PlayoutFinishedFrame,
    PlayoutStartedFrame,
    ReplyCostFrame,
    ResumeFrame,
    SpeechEndFrame,
    SpeechFrame,
)
from pipeline.playout.stage import LEAD_SECS, PlayoutStage
from pipeline.tts.base import CharMark
from tests.fakes.driver import Passed, Step, drive
from tests.fakes.speech import SYLLABLE_SECS, speak

TEXT = "听起来你真的很累，愿意说说吗？"
SYLLABLE_SAMPLES = round(SYLLABLE_SECS * OUTPUT_RATE_HZ)
PATIENCE_SECS = 4.0


def run(*steps: Step | list[Step], reporting: bool = False) -> Passed:
    flat: list[Step] = []
    for step in steps:
        flat += step if isinstance(step, list) else [step]
    return drive(PlayoutStage(holds_on_pause=reporting, patience_secs=PATIENCE_SECS), *flat)


def reply(generation: int, text: str = TEXT, *, ends: bool = True) -> list[Step]:
    """All of a reply's frames, its voice a syllable a frame."""
    frames: list[Step] = [ClauseFrame(generation, Clause(text, 0, len(text), 0))]
    for index, character in enumerate(text, start=1):
        marks = (CharMark(index, index * SYLLABLE_SAMPLES),)
        frames.append(SpeechFrame(generation, 0, speak(character, OUTPUT_RATE_HZ), marks))
    return [*frames, SpeechEndFrame(generation)] if ends else frames


def played(syllables: float, *, final: bool = False) -> PlayedFrame:
    return PlayedFrame("reply_1", round(syllables * SYLLABLE_SAMPLES), final=final)


def commit(generation: int) -> CommitFrame:
    return CommitFrame(generation, f"turn_{generation}")


def sent_secs(passed: Passed) -> float:
    return sum(len(event.pcm) for event in passed.events(ReplyAudio)) / 2 / OUTPUT_RATE_HZ


def test_a_draft_is_held_until_it_is_committed():
    """Nothing of it reaches the client, not even its text."""
    passed = run(reply(1), 5.0)
    assert passed.events(ReplyStarted) == passed.events(ReplyText) == []
    assert sent_secs(passed) == 0.0


def test_a_dropped_draft_leaves_no_trace():
    """The turn stage learns that it is gone; the next reply is the call's first."""
    passed = run(reply(1), DropFrame(1, "resumed"), reply(2, "好。"), commit(2), 3.0)
    assert passed.back(PlayoutFinishedFrame)[0].status is None
    assert [event.reply_id for event in passed.events(ReplyFinished)] == ["reply_1"]
    assert passed.events(ReplyFinished)[0].text == "好。"


def test_frames_of_a_dropped_generation_are_ignored():
    """The voice may be a clause behind its drop."""
    passed = run(DropFrame(1, "resumed"), reply(1), commit(1), 3.0)
    assert passed.events(ReplyStarted) == []


def test_a_committed_reply_is_played_to_its_end():
    """Started, text, audio, finished; upstream hears of the first and the last sample."""
    passed = run(reply(1), commit(1), 5.0)
    (finished,) = passed.events(ReplyFinished)
    assert (finished.status, finished.heard_text, finished.estimated) == ("completed", TEXT, True)
    assert sent_secs(passed) == len(TEXT) * SYLLABLE_SECS == finished.audio_secs
    assert [f.status for f in passed.back(PlayoutFinishedFrame)] == ["completed"]
    assert len(passed.back(PlayoutStartedFrame)) == 1
    assert passed.marks == ["first_playout"]
    assert len(passed.all(MeasureFrame)) == 1


def test_a_commit_before_the_voice_is_served_as_it_comes():
    """A slow voice must not cost the reply."""
    passed = run(commit(1), 1.0, reply(1), 5.0)
    assert passed.events(ReplyFinished)[0].status == "completed"


def test_sending_stays_close_to_the_loudspeaker():
    """At most the lead ahead, so that a cut throws little away."""
    passed = run(reply(1), commit(1), 1.5)
    sent = 0.0
    for frame in passed.all(EventFrame):
        if isinstance(frame.event, ReplyAudio):
            sent += len(frame.event.pcm) / 2 / OUTPUT_RATE_HZ
            elapsed = passed.when(frame) - passed.when(passed.down[0])
            assert sent - elapsed <= LEAD_SECS + 0.2


def test_a_cut_keeps_what_was_heard():
    """By the client's own count, to the character; the rest is flushed."""
    passed = run(
        reply(1), commit(1), 0.9, played(4), DropFrame(1, "interrupted"), 0.5, reporting=True
    )
    (finished,) = passed.events(ReplyFinished)
    assert (finished.status, finished.heard_text) == ("interrupted", TEXT[:4])
    assert finished.estimated is False
    assert len(passed.events(PlayoutFlushed)) == 1
    assert [f.heard_text for f in passed.back(PlayoutFinishedFrame)] == [TEXT[:4]]


def test_a_cut_is_estimated_for_a_client_that_does_not_report():
    """From the pace of sending: one syllable off at most."""
    passed = run(reply(1), commit(1), 1.0, DropFrame(1, "interrupted"), 0.5)
    (finished,) = passed.events(ReplyFinished)
    assert finished.estimated
    assert abs(len(finished.heard_text) - 1.0 / SYLLABLE_SECS) <= 1


def test_nothing_is_sent_while_paused():
    """And the reply goes on where it stopped."""
    passed = run(reply(1), commit(1), 0.6, PauseFrame(1), 2.0, ResumeFrame(1), 6.0, reporting=True)
    pause, resume = (
        next(f for f in passed.all(EventFrame) if isinstance(f.event, kind))
        for kind in (PlayoutPaused, PlayoutResumed)
    )
    audio_at = [passed.when(f) for f in passed.all(EventFrame) if isinstance(f.event, ReplyAudio)]
    assert not [at for at in audio_at if passed.when(pause) < at < passed.when(resume)]
    assert sent_secs(passed) == len(TEXT) * SYLLABLE_SECS
    assert passed.events(ReplyFinished)[0].status == "completed"


def test_a_resume_goes_back_to_a_border_and_never_ahead():
    """What the client holds from there on is played again, so that no word is torn."""
    passed = run(
        reply(1),
        commit(1),
        0.7,
        PauseFrame(1),
        played(2.5),
        0.3,
        ResumeFrame(1),
        0.1,
        reporting=True,
    )
    (resumed,) = passed.events(PlayoutResumed)
    assert 0 <= resumed.from_sample <= 2.5 * SYLLABLE_SAMPLES


def test_pausing_another_generation_changes_nothing():
    """Late orders are recognised by their number."""
    passed = run(reply(2), commit(2), 0.5, PauseFrame(1), ResumeFrame(1), 5.0)
    assert passed.events(PlayoutPaused) == []
    assert passed.events(ReplyFinished)[0].status == "completed"


def test_a_reporting_client_is_waited_for():
    """Its loudspeaker may lag; it is not waited for longer than the grace."""
    steps: list[Step] = [*reply(1), commit(1), 2.0, played(9)]
    behind = run(steps, 1.4, reporting=True)
    assert "completed" not in [event.status for event in behind.events(ReplyFinished)]
    done = run(steps, 1.4, played(len(TEXT)), 0.1, reporting=True)
    assert done.events(ReplyFinished)[0].status == "completed"
    gone = run(steps, 5.0, reporting=True)
    assert gone.events(ReplyFinished)[0].status == "completed"


def test_a_truncating_client_has_the_last_word():
    """Whether it stops the running reply or corrects one that is over."""
    running = run(reply(1), commit(1), 1.5, played(3, final=True), 0.1)
    (finished,) = running.events(ReplyFinished)
    assert (finished.status, finished.heard_text) == ("interrupted", TEXT[:3])
    assert running.events(PlayoutFlushed) == []
    late = run(reply(1), commit(1), 1.5, DropFrame(1, "interrupted"), played(3, final=True), 0.1)
    assert late.back(PlayoutFinishedFrame)[-1].heard_text == TEXT[:3]
    (amended,) = late.events(ReplyAmended)
    assert (amended.text, amended.heard_text) == (TEXT, TEXT[:3])


def test_a_reply_without_a_sound_has_failed():
    """Whatever its text: an answer that nobody hears is none."""
    silent = [
        ClauseFrame(1, Clause("😀", 0, 1, 0)),
        SpeechFrame(1, 0, np.zeros(0, dtype=np.int16), (CharMark(1, 0),), last=True),
        SpeechEndFrame(1),
    ]
    passed = run(silent, commit(1), 1.0)
    assert passed.events(ReplyFinished)[0].status == "failed"


def test_a_reply_that_runs_dry_has_failed():
    """After the patience that a caller has, counted from its last sound."""
    passed = run(reply(1, ends=False), commit(1), len(TEXT) * SYLLABLE_SECS + PATIENCE_SECS + 0.3)
    (finished,) = passed.events(ReplyFinished)
    assert (finished.status, finished.heard_text) == ("failed", TEXT)


def test_a_pause_of_the_voice_is_no_failure():
    """A late clause goes on as if nothing had been."""
    late = [frame for frame in reply(1) if isinstance(frame, SpeechEndFrame)]
    passed = run(reply(1, ends=False), commit(1), 5.0, late, 0.1)
    assert passed.events(ReplyFinished)[0].status == "completed"


def test_a_newer_commit_ends_the_reply_before():
    """Two replies never sound at once."""
    passed = run(reply(1), commit(1), 0.6, reply(2, "好。"), commit(2), 3.0)
    assert [event.status for event in passed.events(ReplyFinished)] == ["interrupted", "completed"]
    kinds = [type(f.event) for f in passed.all(EventFrame)]
    assert kinds.index(ReplyFinished) < len(kinds) - 1 - kinds[::-1].index(ReplyStarted)


def test_the_voice_of_a_draft_is_told_until_it_is_committed():
    """In samples since its start; a dropped draft's late voice costs nothing more."""
    passed = run(reply(1)[:3], commit(1), reply(1)[3:5], DropFrame(2, "resumed"), reply(2))
    costs = [(frame.generation, frame.audio_samples) for frame in passed.back(ReplyCostFrame)]
    assert costs == [(1, SYLLABLE_SAMPLES), (1, 2 * SYLLABLE_SAMPLES)]

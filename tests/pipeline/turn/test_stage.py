"""The turn stage: what the machine decides, as frames and events."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.audio import INPUT_RATE_HZ, OUTPUT_RATE_HZ, WINDOW_SAMPLES, FloatArray
from pipeline.events import (
    Acknowledged,
    SpeechStarted,
    SpeechStopped,
    StateChanged,
    TranscriptCompleted,
    TranscriptUpdated,
)
from pipeline.frames import (
    CancelReplyFrame,
    CommitAudioFrame,
    CommitFrame,
    DraftFrame,
    EndOfTurnFrame,
    LedgerFrame,
    PlayoutFinishedFrame,
    PlayoutProgressFrame,
    PlayoutStartedFrame,
    ReplyCostFrame,
    RespondFrame,
    SayFrame,
    SoftEndFrame,
    TakeTextFrame,
    TranscriptFrame,
    UserTextFrame,
    UtteranceStartFrame,
    WindowFrame,
)
from pipeline.interruption import InterruptionPolicy
from pipeline.speculation import SLOW_SECS
from pipeline.turn.acknowledge import Acknowledgement, Acknowledger
from pipeline.turn.endpointing import TurnSettings
from pipeline.turn.machine import TurnMachine
from pipeline.turn.stage import TurnStage
from pipeline.turn.words import Question, WordsInQuestion
from pipeline.vad.gate import VadState
from tests.fakes.driver import Passed, Step, Up, drive
from tests.fakes.engines import InlineExecutor
from tests.fakes.speech import speak

SOFT_END, DRAFT = 1, 2  # generations of the first turn
LINES = {"unheard": "没听清。", "apology": "抱歉。"}
WINDOW_SECS = WINDOW_SAMPLES / INPUT_RATE_HZ
SPEECH = speak("我", INPUT_RATE_HZ)[:WINDOW_SAMPLES]
SETTINGS = TurnSettings(min_wait_secs=0.2, max_wait_secs=0.6)


class Opinion:
    """An audio model that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def probability(self, audio: FloatArray) -> float:
        self.asked.append(len(audio))
        return 0.9


class Stream:
    """Windows of one call, in real time."""

    def __init__(self) -> None:
        self.end = 0
        self.last_voiced = 0

    def windows(self, secs: float, *, speaking: bool) -> list[Step]:
        steps: list[Step] = []
        opened = speaking
        for _ in range(round(secs / WINDOW_SECS)):
            self.end += WINDOW_SAMPLES
            onset = self.end - WINDOW_SAMPLES if opened and speaking else None
            if speaking:
                self.last_voiced = self.end
            silence_secs = (self.end - self.last_voiced) / INPUT_RATE_HZ
            still = speaking or silence_secs < SETTINGS.soft_end_secs
            state = VadState(still, onset, None, self.last_voiced, silence_secs)
            samples = SPEECH if speaking else SPEECH * 0
            steps += [WindowFrame(samples, self.end, self.end / INPUT_RATE_HZ, state), WINDOW_SECS]
            opened = False
        return steps

    def heard(self, amplitude: float) -> list[Step]:
        """A window that is no speech but not silent either: an echo, or noise."""
        (frame, secs) = self.windows(WINDOW_SECS, speaking=False)
        assert isinstance(frame, WindowFrame)
        sign = np.where(np.arange(WINDOW_SAMPLES) % 40 < 20, 1, -1)
        frame.samples = np.rint(sign * amplitude * 32_767).astype(np.int16)
        return [frame, secs]

    def speech(self, secs: float = 0.64) -> list[Step]:
        return self.windows(secs, speaking=True)

    def silence(self, secs: float) -> list[Step]:
        return self.windows(secs, speaking=False)


def transcript(text: str, generation: int | None = None) -> Up:
    return Up(TranscriptFrame("turn_1", generation, text, "", "zh"))


def run(
    *steps: Step | list[Step], take_turns: bool = True, opinion: Opinion | None = None
) -> Passed:
    flat: list[Step] = []
    for step in steps:
        flat += step if isinstance(step, list) else [step]
    machine = TurnMachine(SETTINGS, InterruptionPolicy(), take_turns=take_turns)
    return drive(TurnStage(machine, LINES, opinion, InlineExecutor()), *flat)


def a_turn(stream: Stream) -> list[Step]:
    """A complete turn up to its commit."""
    return [
        *stream.speech(),
        transcript("我睡不好"),
        *stream.silence(0.16),
        transcript("我睡不好。", SOFT_END),
        Up(EndOfTurnFrame("我睡不好。", 0.99)),
        *stream.silence(1.0),
    ]


def test_a_turn_is_drafted_then_committed():
    """Utterance, soft end, draft, commit: each frame once, in this order."""
    passed = run(a_turn(Stream()))
    wanted = (UtteranceStartFrame, SoftEndFrame, DraftFrame, CommitFrame)
    assert [kind for kind in passed.kinds() if kind in wanted] == list(wanted)
    (draft,), (commit,) = passed.all(DraftFrame), passed.all(CommitFrame)
    assert draft.generation == commit.generation
    assert (draft.text, draft.speculative) == ("我睡不好。", True)


def test_the_client_is_told_in_order():
    """Speech, words, the end of both, thinking."""
    passed = run(a_turn(Stream()))
    told = [
        kind
        for kind in (type(f.event) for f in passed.down if hasattr(f, "event"))
        if kind is not StateChanged
    ]
    assert told == [
        SpeechStarted,
        TranscriptUpdated,
        TranscriptUpdated,
        SpeechStopped,
        TranscriptCompleted,
    ]
    assert [event.state for event in passed.events(StateChanged)] == ["listening", "thinking"]


def test_speech_ends_with_its_last_voiced_sample():
    """Not when the silence was long enough."""
    passed = run(a_turn(Stream()))
    assert passed.events(SpeechStopped)[0].at_secs == 0.64
    assert passed.marks == ["speech_end", "soft_end", "transcript_final", "turn_commit"]


def test_every_window_goes_on_to_recognition():
    """Before what it sets off: the recogniser must have heard what it is asked about."""
    passed = run(a_turn(Stream()))
    soft_end = passed.all(SoftEndFrame)[0]
    before = passed.down[: passed.down.index(soft_end)]
    last = [frame for frame in before if isinstance(frame, WindowFrame)][-1]
    assert last.end_sample >= soft_end.end_sample
    assert len(passed.all(WindowFrame)) == sum(isinstance(s, WindowFrame) for s in a_turn(Stream()))


def test_the_audio_model_is_asked_only_in_doubt():
    """Once a silence, about the audio up to it; never where it would not change the wait."""
    for words, language, probability, asked in (
        ("i left my coat there.", "en", 0.5, 1),
        ("i left because", "en", 0.0001, 0),
        ("我把外套忘在那里了。", "zh", 0.5, 0),
    ):
        opinion, stream = Opinion(), Stream()
        run(
            stream.speech(),
            stream.silence(0.16),
            Up(TranscriptFrame("turn_1", SOFT_END, words, "", language)),
            Up(EndOfTurnFrame(words, probability)),
            0.1,
            opinion=opinion,
        )
        assert len(opinion.asked) == asked


class Judge:
    """A judge of words that remembers what it was asked, and in what order."""

    def __init__(self, verdict: float | None = 0.99) -> None:
        self.asked: list[tuple[str, str]] = []
        self.verdict = verdict

    def probability(self, bot_text: str, words: str) -> float | None:
        self.asked.append((bot_text, words))
        return self.verdict


def judged(judge: Judge, *steps: Step | list[Step], opinion: Opinion | None = None) -> Passed:
    """What a stage with this judge of words does."""
    flat = [one for step in steps for one in (step if isinstance(step, list) else [step])]
    machine = TurnMachine(SETTINGS, InterruptionPolicy())
    threads = InlineExecutor()
    return drive(TurnStage(machine, LINES, opinion, threads, judge, threads), *flat)


def test_a_judge_of_words_is_asked_in_silences():
    """Not of partial words while the caller speaks; behind what was heard of the bot last."""
    judge, stream = Judge(), Stream()
    passed = judged(
        judge,
        stream.speech(),
        transcript("我睡"),
        stream.silence(0.16),
        transcript("我睡不好。", SOFT_END),
        stream.silence(0.3),
        Up(PlayoutStartedFrame(DRAFT)),
        Up(PlayoutFinishedFrame(DRAFT, "completed", "多久了？", "多久了？")),
        stream.speech(),
        Up(TranscriptFrame("turn_2", None, "三个", "", "zh")),
        stream.silence(0.16),
        Up(TranscriptFrame("turn_2", 3, "三个月了。", "", "zh")),
        stream.silence(0.3),
    )
    assert judge.asked[0] == ("", "我睡不好。")
    assert judge.asked[-1] == ("多久了？", "三个月了。")
    assert len(passed.all(CommitFrame)) == 2


@pytest.mark.parametrize(("verdict", "taken"), [(0.99, True), (0.001, False)])
def test_the_judge_of_words_decides(verdict: float, taken: bool):
    """At once, or not before the longest wait."""
    stream = Stream()
    passed = judged(
        Judge(verdict),
        stream.speech(),
        stream.silence(0.16),
        transcript("我睡不好。", SOFT_END),
        stream.silence(0.16),
    )
    assert bool(passed.all(CommitFrame)) is taken


def test_a_judge_that_fails_is_asked_once_and_leaves_the_word_to_the_audio_model():
    """Not again with every window of the silence."""
    judge, opinion, stream = Judge(None), Opinion(), Stream()
    judged(
        judge,
        stream.speech(),
        stream.silence(0.16),
        Up(TranscriptFrame("turn_1", SOFT_END, "i left my coat there.", "", "en")),
        stream.silence(0.3),
        opinion=opinion,
    )
    assert judge.asked == [("", "i left my coat there.")]
    assert len(opinion.asked) == 1


def test_what_is_left_of_words_over_the_bot_is_judged():
    """The echo's words fall away once the floor is the caller's; the rest is another question."""
    questions = WordsInQuestion()
    questions.note_reply(1)
    questions.note_heard(1, "听起来你最近压力很大。")
    assert questions.ask("听起来我不想说")
    assert questions.take() == Question("听起来你最近压力很大。", "听起来我不想说")
    assert not questions.ask("听起来我不想说")
    assert questions.ask("我不想说")
    assert questions.take() == Question("听起来你最近压力很大。", "我不想说")


def test_only_the_newest_words_wait():
    """And none once it does not matter any more; the same ones are asked again in a new turn."""
    questions = WordsInQuestion()
    assert questions.ask("我")
    assert questions.ask("我睡")
    assert questions.take() == Question("", "我睡")
    assert questions.take() is None
    assert not questions.ask("")
    assert questions.ask("我睡")


def test_late_news_of_an_older_reply_change_nothing():
    """Nor does a reply that was cut before its first word leave the one before in its place."""
    questions = WordsInQuestion()
    questions.note_reply(1)
    questions.note_heard(1, "多久了？")
    questions.note_reply(2)
    questions.note_heard(1, "多久了？是从什么时候")
    questions.ask("三个月")
    assert questions.take() == Question("", "三个月")


def test_the_bots_playout_is_a_state():
    """Speaking from its first sample, listening after its last."""
    passed = run(
        a_turn(Stream()),
        Up(PlayoutStartedFrame(DRAFT)),
        Up(PlayoutFinishedFrame(DRAFT, "completed", "嗯。", "嗯。")),
    )
    states = [event.state for event in passed.events(StateChanged)]
    assert states == ["listening", "thinking", "speaking", "listening"]


def test_a_failed_reply_is_apologised_for():
    """With the call's own line, outside the context."""
    passed = run(a_turn(Stream()), Up(PlayoutFinishedFrame(DRAFT, "failed", "", "")))
    (say,) = passed.all(SayFrame)
    assert (say.text, say.enters_context) == ("抱歉。", False)
    assert passed.all(CommitFrame)[-1].generation == say.generation


def test_push_to_talk_takes_the_turn_at_the_clients_word():
    """What was said waits in the context until the client asks for an answer."""
    stream = Stream()
    steps = [
        *stream.speech(),
        CommitAudioFrame(),
        transcript("我睡不好", SOFT_END),
    ]
    passed = run(steps, take_turns=False)
    assert [frame.text for frame in passed.all(TakeTextFrame)] == ["我睡不好"]
    assert passed.all(CommitFrame) == []
    assert passed.events(TranscriptCompleted)[0].text == "我睡不好"
    assert len(run(steps, RespondFrame(), take_turns=False).all(CommitFrame)) == 1


def test_a_typed_turn_enters_the_context_and_waits():
    """Its client knows the text, so there is no transcript of it."""
    passed = run(UserTextFrame("你好"))
    assert [frame.text for frame in passed.all(TakeTextFrame)] == ["你好"]
    assert passed.events(TranscriptCompleted) == []


def test_a_hit_is_booked_ahead_of_its_commit():
    """So that the measurement of the turn carries it."""
    passed = run(a_turn(Stream()))
    booked = [frame for frame in passed.down if isinstance(frame, LedgerFrame | CommitFrame)]
    assert [type(frame) for frame in booked] == [LedgerFrame, CommitFrame]
    (ledger,) = passed.all(LedgerFrame)
    assert (ledger.generation, ledger.entries["hits"], ledger.entries["misses"]) == (DRAFT, 1, 0)
    draft, commit = passed.all(DraftFrame)[0], passed.all(CommitFrame)[0]
    saved_ms = (passed.when(commit) - passed.when(draft)) * 1000
    assert ledger.entries["saved_ms"] == pytest.approx(saved_ms, abs=1.0)


@pytest.mark.parametrize(("audio_samples", "learnt"), [(0, False), (480, True)])
def test_the_machine_is_told_when_a_draft_can_be_heard(audio_samples: int, learnt: bool):
    """So that it knows how long the next one takes; a token is no sound yet."""
    stream = Stream()
    machine = TurnMachine(SETTINGS, InterruptionPolicy())
    steps = [
        *stream.speech(),
        *stream.silence(0.16),
        transcript("我睡不", SOFT_END),
        *stream.silence(0.32),
        Up(ReplyCostFrame(DRAFT, tokens=3, audio_samples=audio_samples)),
    ]
    drive(TurnStage(machine, LINES, None, InlineExecutor()), *steps)
    pace = machine.floor.pace
    pace.begin(99, 100.0)
    expected_secs = 0.32 if learnt else 0.0
    assert pace.remaining_secs(100.0) == pytest.approx(expected_secs, abs=WINDOW_SECS)


def test_a_miss_is_booked_with_what_it_cost():
    """The caller went on; the turn that came of it carries the account."""
    stream = Stream()
    passed = run(
        stream.speech(),
        stream.silence(0.16),
        transcript("我睡", SOFT_END),
        Up(ReplyCostFrame(DRAFT, tokens=5)),
        Up(ReplyCostFrame(DRAFT, audio_samples=OUTPUT_RATE_HZ)),
        stream.speech(),
        transcript("我睡不好"),
        Up(ReplyCostFrame(DRAFT, tokens=9)),
        stream.silence(0.16),
        transcript("我睡不好。", SOFT_END + 2),
        Up(EndOfTurnFrame("我睡不好。", 0.99)),
        stream.silence(1.0),
    )
    (ledger,) = passed.all(LedgerFrame)
    entries = ledger.entries
    assert (entries["drafts"], entries["hits"], entries["misses"]) == (2, 1, 1)
    assert (entries["wasted_tokens"], entries["wasted_audio_ms"]) == (5, 1000.0)


def turn_answered_after(stream: Stream, number: int, soft_end: int, secs: float) -> list[Step]:
    """A turn whose reply shows its first token `secs` after the commit, then is cancelled."""

    def words(generation: int | None) -> Up:
        return Up(TranscriptFrame(f"turn_{number}", generation, "我睡不好。", "", "zh"))

    draft = soft_end + 1
    return [
        *stream.speech(),
        words(None),
        *stream.silence(0.16),
        words(soft_end),
        Up(EndOfTurnFrame("我睡不好。", 0.99)),
        *stream.silence(0.32),
        secs,
        Up(ReplyCostFrame(draft, tokens=1)),
        CancelReplyFrame(),
        *stream.silence(0.64),
    ]


def test_drafts_are_left_out_under_load_and_come_back():
    """Three slow replies, then turns are answered at their commit until replies are quick."""
    stream = Stream()
    slow, at_once = SLOW_SECS, 0.0
    steps: list[Step] = []
    for number, secs in enumerate([slow, slow, slow, at_once, at_once, at_once], start=1):
        steps += turn_answered_after(stream, number, 2 * number - 1, secs)
    drafts = run(steps).all(DraftFrame)
    assert [draft.speculative for draft in drafts] == [True, True, True, False, False, True]


STORY = "那天我回到家里看到他一个人坐着"


def a_story(stream: Stream, bot_levels_dbfs: tuple[float, ...], echo_dbfs: float) -> list[Step]:
    """The bot speaks, its echo is heard at some level below it, and then the caller tells."""
    steps: list[Step] = [RespondFrame(), Up(PlayoutStartedFrame(1))]
    for level in bot_levels_dbfs:
        at = (stream.end + WINDOW_SAMPLES) / INPUT_RATE_HZ - WINDOW_SECS
        progress = PlayoutProgressFrame(
            1, "你好", "", all_said=False, at=at, levels_dbfs=(level,) * 2
        )
        amplitude = 10 ** ((level + echo_dbfs) / 20)
        steps += [Up(progress), *stream.heard(amplitude)]
    return [
        *steps,
        Up(PlayoutFinishedFrame(1, "completed", "你好", "你好")),
        *stream.silence(1.0),
        *stream.speech(6.0),
        *stream.silence(0.16),
        transcript(STORY, 2),
        Up(EndOfTurnFrame(STORY, 0.01)),
        *stream.silence(0.6),
    ]


@pytest.mark.parametrize(("echo_dbfs", "told"), [(-60.0, ["嗯"]), (-15.0, [])])
def test_an_acknowledgement_is_told_unless_the_microphone_hears_the_bot(
    echo_dbfs: float, told: list[str]
):
    """All of its sound goes with it; where the bot's voice comes back, silence is better."""
    settings = TurnSettings(pacing="counsellor")
    said = Acknowledgement("嗯", speak("嗯", OUTPUT_RATE_HZ).tobytes())
    machine = TurnMachine(
        settings, InterruptionPolicy(), acknowledger=Acknowledger(settings, {"zh": [said]})
    )
    voice = tuple(-20.0 - 25.0 * (window % 7 in (2, 3, 6)) for window in range(60))
    steps = a_story(Stream(), voice, echo_dbfs)
    passed = drive(TurnStage(machine, LINES, None, InlineExecutor()), *steps)
    assert [event.text for event in passed.events(Acknowledged)] == told
    assert all(event.pcm == said.pcm for event in passed.events(Acknowledged))

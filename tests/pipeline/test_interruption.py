"""The barge-in policy: a table of what callers do over the bot, and laws for all of it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio import WINDOW_SECS
from pipeline.interruption import (
    NOTICE_SECS,
    WAIT,
    InterruptionMode,
    InterruptionParams,
    InterruptionPolicy,
    OverlapDecision,
)

BOT = "听起来你最近压力很大，晚上总是睡不好。你觉得是从什么时候开始的呢？"
BOT_EN = "It sounds like you have been under a lot of pressure. When did that begin?"
DECIDE_SECS = InterruptionParams().patience_secs
LEVEL_DBFS = -30.0
STOP_SECS = 0.1  # silence after which the recogniser decodes a sound for the last time


@dataclass(frozen=True)
class Sound:
    """What a caller does over the bot, from the opening of the speech gate on.

    Attributes:
        voiced_secs: How long the sound is voiced.
        texts: Hypotheses and when they come in; the last is final if it comes after the
            sound.
        over_echo_db, over_usual_db: Its level.
        bot_text: What the bot is saying.
        end_of_turn: What the language model thinks of the words.
    """

    voiced_secs: float
    texts: tuple[tuple[float, str], ...] = ()
    over_echo_db: float | None = None
    over_usual_db: float | None = None
    bot_text: str = BOT
    end_of_turn: float | None = None

    def text_at(self, at: float) -> str | None:
        return next((text for since, text in reversed(self.texts) if since <= at), None)

    def is_final_at(self, at: float) -> bool:
        ended = self.voiced_secs + STOP_SECS
        return bool(self.texts) and ended <= self.texts[-1][0] <= at


def play(
    sound: Sound, policy: InterruptionPolicy | None = None, start: float = 0.0
) -> list[tuple[float, OverlapDecision]]:
    """Every decision but "wait" that the sound leads to, with its time after the gate opened.

    As in a call, a sound that goes on after its resume begins anew, and one that has
    ended is forgotten.
    """
    policy = policy or InterruptionPolicy()
    decisions: list[tuple[float, OverlapDecision]] = []
    began = 0.0
    policy.note_bot_text(sound.bot_text, "")
    policy.begin(start, start)
    for window in range(1, round((sound.voiced_secs + 1.0) / WINDOW_SECS) + 1):
        at = window * WINDOW_SECS
        voiced_until = min(at, sound.voiced_secs)
        decision = policy.judge(
            start + at,
            voiced_secs=max(0.0, voiced_until - began),
            silence_secs=at - voiced_until,
            level_dbfs=LEVEL_DBFS,
            text=sound.text_at(at),
            text_is_final=sound.is_final_at(at),
            end_of_turn=sound.end_of_turn,
            echo_dbfs=None if sound.over_echo_db is None else LEVEL_DBFS - sound.over_echo_db,
            usual_dbfs=None if sound.over_usual_db is None else LEVEL_DBFS - sound.over_usual_db,
        )
        if decision.kind != "wait":
            decisions.append((at, decision))
        if decision.kind == "commit" or (decision.kind == "resume" and at >= sound.voiced_secs):
            break
        if decision.kind == "resume":
            began = at
            policy.begin(start + at, start + at)
    return decisions


def outcome(sound: Sound) -> list[str]:
    """The decisions of `play` in words."""
    return [f"{decision.kind} {decision.reason}".strip() for _, decision in play(sound)]


def said(text: str, voiced_secs: float = 0.25, heard_at: float = 0.35, **kind: object) -> Sound:
    return Sound(voiced_secs, ((heard_at, text),), **kind)  # type: ignore[arg-type]


BACKCHANNEL_ROWS = [
    said(text)
    for text in (
        *("嗯", "嗯嗯", "对", "對對對", "是", "好", "哦", "原来如此", "是啊", "真的"),
        *("mm-hm", "yeah", "right", "uh-huh", "okay", "I see", "恩", "摁。"),
    )
]
COMMAND_ROWS = [
    said(text)
    for text in (
        *(
            "等一下",
            "等等",
            "停",
            "停一下",
            "不是",
            "不對",
            "我想说",
            "先别说",
            "让我说完",
            "不",
        ),
        *("wait", "stop", "hold on", "no", "actually", "excuse me", "嗯，等一下", "不是，我是说"),
    )
]
WORDS_ROWS = [
    said(text, voiced_secs=1.2)
    for text in (
        *("我昨天又失眠了", "昨天没有那么严重", "可以换个问题吗", "我妈妈打电话来了"),
        *("my mother is calling", "can we talk about something else"),
    )
]
NOISE_ROWS = [
    Sound(0.04),
    Sound(0.1),
    Sound(0.2),
    Sound(0.24),
    Sound(0.1, ((0.3, ""),)),
    Sound(0.3),
    Sound(0.3, ((0.45, ""),)),
    Sound(1.5, ((0.3, ""),)),
    said("的", voiced_secs=0.2, heard_at=0.3),
    said("嘟", voiced_secs=0.7, heard_at=0.3),
]
ECHO_ROWS = [
    said("晚上总是睡不好", voiced_secs=1.5),
    said("晚上總是睡不好", voiced_secs=1.5, bot_text="聽起來你晚上總是睡不好。"),
    said("你最近鸭力很大晚上总是睡不好", voiced_secs=1.5),
    said("压力很大", voiced_secs=1.5),
    said("压力"),
    said("You have been under a lot of pressure", voiced_secs=1.5, bot_text=BOT_EN),
    said("a lot of pleasure. When did that begin", voiced_secs=1.5, bot_text=BOT_EN),
]

TABLE: list[tuple[Sound, list[str]]] = [
    *((row, ["pause", "resume backchannel"]) for row in BACKCHANNEL_ROWS),
    *((row, ["pause", "commit command"]) for row in COMMAND_ROWS),
    *((row, ["pause", "commit words"]) for row in WORDS_ROWS),
    *((row, ["pause", "resume noise"]) for row in NOISE_ROWS),
    *((row, ["pause", "resume echo"]) for row in ECHO_ROWS),
    # The reference says that it is the bot, or the level that it is another person.
    (Sound(1.5, over_echo_db=0.0), []),
    (said("我想问你一个问题", voiced_secs=1.5, over_echo_db=2.0), []),
    (Sound(1.5, over_usual_db=-25.0), []),
    (said("等一下", over_usual_db=-25.0), []),
    (said("等一下", over_echo_db=10.0, over_usual_db=-6.0), ["pause", "commit command"]),
    # Loud and clear, it is the caller, even in the bot's own words.
    (said("晚上总是睡不好", voiced_secs=1.2, over_echo_db=20.0), ["pause", "commit words"]),
    (said("什么时候", voiced_secs=0.6, over_echo_db=20.0), ["pause", "commit command"]),
    # The caller's words beside the echo count alone.
    (said("你最近压力很大 等一下", voiced_secs=1.2), ["pause", "commit command"]),
    (said("晚上总是睡不好我昨天睡着了", voiced_secs=1.5), ["pause", "commit words"]),
    (said("晚上总是睡不好 的了", voiced_secs=1.5), ["pause", "resume noise"]),
    (said("晚上总是睡不好 嗯", voiced_secs=0.6), ["pause", "resume backchannel"]),
    # What the bot said long ago does not come back as an echo.
    (said("晚上总是睡不好", 1.5, bot_text=BOT + "慢" * 40), ["pause", "commit words"]),
    # Still speaking, and the recogniser has not answered yet.
    (Sound(1.5, over_echo_db=10.0), ["pause", "commit speech"]),
    (Sound(1.5), ["pause", "resume noise"]),
    # A backchannel that goes on into a sentence, before and after the verdict.
    (Sound(1.5, ((0.2, "对"), (0.35, "对我妈也这样说"))), ["pause", "commit words"]),
    (
        Sound(1.5, ((0.3, "对"), (0.7, "对我妈也这样说"))),
        ["pause", "resume backchannel", "commit words"],
    ),
    (Sound(1.5, ((0.3, ""), (0.7, "等一下"))), ["pause", "resume noise", "commit command"]),
    # The same short sound heard once as a backchannel and then as a word that is none.
    (Sound(0.3, ((0.36, "好的"), (0.5, "好灯"))), ["pause", "resume backchannel"]),
    (Sound(0.3, ((0.2, "是的"), (0.35, "是等"))), ["pause", "resume backchannel"]),
    # A few words: enough once the caller has finished or the turn is complete.
    (said("好难过", voiced_secs=0.3, heard_at=0.4), ["pause", "commit words"]),
    (said("好难过", voiced_secs=1.5), ["pause", "commit words"]),
    (said("太难", voiced_secs=1.5, heard_at=0.2, end_of_turn=0.9), ["pause", "commit words"]),
    (said("Why?"), ["pause", "commit command"]),
]


def test_the_table_is_long_enough_to_mean_something() -> None:
    """At least sixty cases."""
    assert len(TABLE) >= 60


@pytest.mark.parametrize(("sound", "expected"), TABLE)
def test_what_a_sound_leads_to(sound: Sound, expected: list[str]) -> None:
    """Each sound over the bot gets the answer a polite person would give."""
    assert outcome(sound) == expected


@pytest.mark.parametrize("sound", [row for row, expected in TABLE if expected])
def test_pause_and_verdict_come_in_time(sound: Sound) -> None:
    """Playout pauses with the first window, the verdict is in by the deadline."""
    (paused_at, pause), (decided_at, _) = play(sound)[:2]
    assert pause.kind == "pause"
    assert paused_at == WINDOW_SECS
    assert decided_at < DECIDE_SECS + WINDOW_SECS


def test_the_deadline_is_known_while_a_sound_is_weighed() -> None:
    """A caller of the policy can tell when the verdict will be in."""
    policy = InterruptionPolicy()
    policy.begin(9.968, 9.94)
    assert policy.deadline is None
    policy.judge(10.0, voiced_secs=0.032, silence_secs=0.0, level_dbfs=LEVEL_DBFS)
    assert policy.deadline == pytest.approx(9.94 + DECIDE_SECS)
    policy.judge(10.3, voiced_secs=0.032, silence_secs=0.3, level_dbfs=-80.0)
    assert policy.deadline is None


def test_what_the_bot_is_about_to_say_may_be_its_echo() -> None:
    """Reports lag behind the loudspeaker, so the next words count as well."""
    policy = InterruptionPolicy()
    policy.begin(0.0, 0.0)
    policy.note_bot_text("听起来", "你最近压力很大，晚上总是睡不好。")
    judged = [
        policy.judge(
            at, voiced_secs=at, silence_secs=0.0, level_dbfs=LEVEL_DBFS, text="起来你最近压力"
        )
        for at in (0.032, 0.064)
    ]
    assert judged[-1] == OverlapDecision("resume", "echo")


def test_a_sound_that_is_over_is_not_waited_for() -> None:
    """Without a word by then it was a noise for now; a word that comes late still commits."""
    params = InterruptionParams()
    (_, pause), (resumed_at, resume) = play(Sound(0.28))
    assert (pause.kind, resume.reason) == ("pause", "noise")
    assert resumed_at <= 0.28 + params.quiet_secs + 2 * WINDOW_SECS
    (_, _), (given_up_at, _) = play(Sound(1.5))
    assert given_up_at > params.decide_secs


def test_a_sound_that_was_faint_for_long_is_weighed_from_where_it_rises() -> None:
    """Its time is not over before it was noticed."""
    policy = InterruptionPolicy()
    policy.begin(0.0, 0.0)

    def judge(at: float, over_echo_db: float) -> str:
        return policy.judge(
            at,
            voiced_secs=at,
            silence_secs=0.0,
            level_dbfs=LEVEL_DBFS,
            echo_dbfs=LEVEL_DBFS - over_echo_db,
        ).kind

    assert judge(2.0, 0.0) == "wait"
    assert judge(2.032, 20.0) == "pause"
    assert judge(2.064, 20.0) == "wait"
    assert policy.deadline == pytest.approx(2.032 - NOTICE_SECS + DECIDE_SECS)


@pytest.mark.parametrize(
    ("rises_after_secs", "left"),
    [(0.0, "晚上总是睡不好，等一下"), (0.2, "晚上总是睡不好，等一下"), (0.5, "等一下")],
)
def test_only_a_sound_that_began_as_the_echo_begins_with_the_bots_words(
    rises_after_secs: float, left: str
) -> None:
    """Who repeats them over the bot has said them."""
    policy = InterruptionPolicy()
    policy.note_bot_text(BOT[:10], BOT[10:])
    policy.begin(4.0, 4.0)
    rises_at = 4.0 + rises_after_secs
    policy.judge(
        rises_at + WINDOW_SECS,
        voiced_secs=rises_after_secs + WINDOW_SECS,
        silence_secs=0.0,
        level_dbfs=LEVEL_DBFS,
        echo_dbfs=LEVEL_DBFS - 20.0,
    )
    caller_words = policy.caller_words(4.0)
    policy.note_bot_text("", "我们说点别的。")
    assert caller_words("晚上总是睡不好，等一下") == left


def test_a_judged_sound_is_done_when_the_caller_is_no_longer_heard() -> None:
    """An echo that goes on is not waited for."""
    policy = InterruptionPolicy()
    policy.begin(0.0, 0.0)
    for at, over_echo_db, text in ((0.1, 20.0, None), (0.4, 20.0, ""), (0.8, 0.0, "")):
        policy.judge(
            at,
            voiced_secs=at,
            silence_secs=0.0,
            level_dbfs=LEVEL_DBFS,
            text=text,
            text_is_final=text is not None,
            echo_dbfs=LEVEL_DBFS - over_echo_db,
        )
        assert not policy.is_done(at)
    assert policy.is_done(0.4 + InterruptionParams().gone_secs)


def test_an_echo_that_is_learnt_while_it_lasts_takes_no_floor() -> None:
    """What was let pass as an unknown sound is the bot's, whatever was heard in it."""
    policy = InterruptionPolicy()
    for start in (0.0, 2.0):
        play(Sound(0.3), policy, start=start)
    policy.begin(4.0, 4.0)
    decisions = [
        policy.judge(
            at,
            voiced_secs=at - 4.0,
            silence_secs=0.0,
            level_dbfs=LEVEL_DBFS,
            text=text,
            echo_dbfs=echo_dbfs,
        )
        for at, text, echo_dbfs in (
            (4.032, None, None),
            (4.4, "", None),
            (4.6, "你最近丫梨很大", LEVEL_DBFS + 1.0),
            (4.632, "你最近丫梨很大", LEVEL_DBFS - 20.0),
        )
    ]
    assert [decision.kind for decision in decisions] == ["wait", "wait", "wait", "pause"]


def test_two_sounds_are_judged_apart() -> None:
    """After a backchannel and a silence, the next sound pauses again."""
    policy = InterruptionPolicy()
    first = play(said("嗯"), policy)
    second = play(said("等一下"), policy, start=10.0)
    assert [decision.kind for _, decision in first] == ["pause", "resume"]
    assert [decision.kind for _, decision in second] == ["pause", "commit"]


def test_an_echo_makes_the_bot_stutter_twice_and_no_more() -> None:
    """Pauses for nothing end when nothing tells an echo; words still take the floor."""
    policy = InterruptionPolicy()
    kinds = [[d.kind for _, d in play(Sound(0.3), policy, start=2.0 * n)] for n in range(4)]
    assert kinds == [["pause", "resume"], ["pause", "resume"], [], []]
    assert play(said("等一下"), policy, start=8.0)[-1][1] == OverlapDecision("commit", "command")
    assert [d.kind for _, d in play(Sound(0.3), policy, start=30.0)] == ["pause", "resume"]


def test_one_sound_pauses_once() -> None:
    """An echo that was recognised does not pause again while it lasts."""
    decisions = play(said("晚上总是睡不好", voiced_secs=5.0))
    assert [decision.kind for _, decision in decisions] == ["pause", "resume"]


def test_after_a_commit_the_next_reply_can_be_interrupted() -> None:
    """A commit holds until the speech gate opens over another reply."""
    policy = InterruptionPolicy()
    assert play(said("停"), policy)[-1][1] == OverlapDecision("commit", "command")
    late = policy.judge(1.0, voiced_secs=0.9, silence_secs=0.0, level_dbfs=LEVEL_DBFS, text="停")
    assert late == WAIT
    assert play(said("停"), policy, start=10.0)[-1][1] == OverlapDecision("commit", "command")


def test_instant_mode_commits_with_the_first_near_window() -> None:
    """Any voice at the caller's level stops the bot."""
    policy = InterruptionPolicy("instant")
    policy.begin(0.0, 0.0)
    far = policy.judge(0.03, voiced_secs=0.03, silence_secs=0.0, level_dbfs=-30.0, echo_dbfs=-30.0)
    near = policy.judge(0.06, voiced_secs=0.06, silence_secs=0.0, level_dbfs=-30.0, echo_dbfs=-50.0)
    assert (far, near) == (WAIT, OverlapDecision("commit", "instant"))


@pytest.mark.parametrize(("sound", "expected"), TABLE)
def test_off_mode_never_stops_the_bot(sound: Sound, expected: list[str]) -> None:
    """Whatever the caller does, playout goes on."""
    assert play(sound, InterruptionPolicy("off")) == []


TEXTS = st.sampled_from(
    [None, "", "嗯", "对对", "等一下", "停", "的", "我觉得", "我昨天没睡", "晚上总是睡不好", "wait"]
)
Window = tuple[bool, float | None, str | None, bool]
WINDOWS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([None, -3.0, 8.0, 20.0]), TEXTS, st.booleans()),
    max_size=60,
)


def run(windows: list[Window], mode: InterruptionMode = "polite") -> list[OverlapDecision]:
    """The decision on every window: voiced, level above the echo, words, whether final."""
    policy = InterruptionPolicy(mode)
    policy.note_bot_text(BOT, "")
    policy.begin(0.0, 0.0)
    decisions = []
    voiced_secs = silence_secs = 0.0
    for index, (voiced, over_echo_db, text, is_final) in enumerate(windows, start=1):
        voiced_secs += WINDOW_SECS if voiced else 0.0
        silence_secs = 0.0 if voiced else silence_secs + WINDOW_SECS
        decision = policy.judge(
            index * WINDOW_SECS,
            voiced_secs=voiced_secs,
            silence_secs=silence_secs,
            level_dbfs=LEVEL_DBFS,
            text=text,
            text_is_final=is_final,
            echo_dbfs=None if over_echo_db is None else LEVEL_DBFS - over_echo_db,
        )
        decisions.append(decision)
        if decision.kind == "resume":
            policy.begin(index * WINDOW_SECS, index * WINDOW_SECS)
    return decisions


@given(WINDOWS)
def test_every_pause_is_answered_once_and_in_time(windows: list[Window]) -> None:
    """Pause, then resume or commit by the deadline, then perhaps the next pause."""
    settling: list[Window] = [(False, None, None, False)] * 20
    windows_left: int | None = None
    for decision in run(windows + settling):
        if windows_left is not None:
            windows_left -= 1
            assert windows_left >= 0
            assert decision.kind != "pause"
        if decision.kind == "resume":
            assert windows_left is not None
        if decision.kind in ("resume", "commit"):
            windows_left = None
        elif decision.kind == "pause":
            windows_left = round(DECIDE_SECS / WINDOW_SECS) + 1
    assert windows_left is None


@given(WINDOWS)
def test_a_commit_is_final(windows: list[Window]) -> None:
    """Nothing but "wait" follows a commit."""
    kinds = [decision.kind for decision in run(windows)]
    if "commit" in kinds:
        assert set(kinds[kinds.index("commit") + 1 :]) <= {"wait"}


@given(WINDOWS)
def test_instant_mode_never_pauses(windows: list[Window]) -> None:
    """It commits with the first near voice, or waits."""
    kinds = [decision.kind for decision in run(windows, "instant")]
    near = [voiced and over_echo_db != -3.0 for voiced, over_echo_db, _, _ in windows]
    assert kinds.count("commit") == int(any(near))
    assert set(kinds) <= {"wait", "commit"}


@given(WINDOWS)
def test_off_mode_only_waits(windows: list[Window]) -> None:
    """No order of events pauses or stops the bot."""
    assert set(run(windows, "off")) <= {WAIT}


@given(WINDOWS)
def test_a_voice_at_the_echos_level_never_stops_the_bot(windows: list[Window]) -> None:
    """Without a window above the echo, no words are the caller's."""
    quiet: list[Window] = [(voiced, -3.0, text, final) for voiced, _, text, final in windows]
    assert set(run(quiet)) <= {WAIT}

"""The barge-in policy: a table of what callers do over the bot, and laws for all of it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio import WINDOW_SECS
from pipeline.interruption import (
    Commit,
    Decision,
    InterruptionMode,
    InterruptionParams,
    InterruptionPolicy,
    Pause,
    Resume,
    Wait,
    without_echo,
)
from pipeline.turn.lexicon import is_backchannel, is_command

BOT = "听起来你最近压力很大，晚上总是睡不好。你觉得是从什么时候开始的呢？"
BOT_EN = "It sounds like you have been under a lot of pressure. When did that begin?"
DECIDE_SECS = InterruptionParams().decide_secs


def make(mode: InterruptionMode = "polite") -> InterruptionPolicy:
    params = InterruptionParams(mode=mode)
    return InterruptionPolicy(params, is_backchannel=is_backchannel, is_command=is_command)


@dataclass(frozen=True)
class Sound:
    """What a caller does over the bot, from second 0 on.

    Attributes:
        voiced_secs: How long the sound is voiced.
        texts: Hypotheses and when they come in.
        over_echo_db, over_usual_db: Its level.
        bot_text: What the bot is saying.
        end_probability: What the language model thinks of the words.
    """

    voiced_secs: float
    texts: tuple[tuple[float, str], ...] = ()
    over_echo_db: float | None = None
    over_usual_db: float | None = None
    bot_text: str = BOT
    end_probability: float = 0.0


def play(
    sound: Sound, policy: InterruptionPolicy | None = None, start: float = 0.0, secs: float = 1.6
) -> list[tuple[float, Decision]]:
    """Every decision but Wait that the sound leads to, with its time after the sound's start."""
    policy = policy or make()
    waiting = list(sound.texts)
    decisions: list[tuple[float, Decision]] = []
    for window in range(1, round(secs / WINDOW_SECS) + 1):
        at = window * WINDOW_SECS
        if at <= sound.voiced_secs + 1e-9:
            decision = policy.on_voice(
                start + at,
                WINDOW_SECS,
                over_echo_db=sound.over_echo_db,
                over_usual_db=sound.over_usual_db,
            )
        else:
            decision = policy.on_silence(start + at)
        decisions.append((at, decision))
        while waiting and waiting[0][0] <= at:
            decision = policy.on_transcript(
                start + at,
                waiting.pop(0)[1],
                bot_text=sound.bot_text,
                end_probability=sound.end_probability,
            )
            decisions.append((at, decision))
    return [(at, decision) for at, decision in decisions if not isinstance(decision, Wait)]


def outcome(sound: Sound) -> list[str]:
    """The decisions of `play`, shortened to words."""
    return [
        f"{type(decision).__name__} {decision.reason}".lower()
        if isinstance(decision, Resume | Commit)
        else type(decision).__name__.lower()
        for _, decision in play(sound)
    ]


def said(text: str, voiced_secs: float = 0.4, heard_at: float = 0.4, **kind: object) -> Sound:
    return Sound(voiced_secs, ((heard_at, text),), **kind)  # type: ignore[arg-type]


BACKCHANNEL_ROWS = [
    said(text, voiced_secs=0.3)
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
    Sound(0.1),
    Sound(0.2),
    Sound(0.28),
    Sound(0.1, ((0.4, ""),)),
    Sound(0.35),
    Sound(0.45, ((0.4, ""),)),
    Sound(1.5, ((0.4, ""),)),
    said("的", voiced_secs=0.2),
    said("嘟", voiced_secs=0.7),
]
ECHO_ROWS = [
    said("晚上总是睡不好", voiced_secs=1.5),
    said("晚上總是睡不好", voiced_secs=1.5, bot_text="聽起來你晚上總是睡不好。"),
    said("你最近鸭力很大晚上总是睡不好", voiced_secs=1.5),
    said("压力很大", voiced_secs=1.5),
    said("压力", voiced_secs=0.4),
    said("You have been under a lot of pressure", voiced_secs=1.5, bot_text=BOT_EN),
    said("a lot of pleasure. When did that begin", voiced_secs=1.5, bot_text=BOT_EN),
]

TABLE: list[tuple[Sound, list[str]]] = [
    *((row, ["pause", "resume backchannel"]) for row in BACKCHANNEL_ROWS),
    *((row, ["pause", "commit command"]) for row in COMMAND_ROWS),
    *((row, ["pause", "commit words"]) for row in WORDS_ROWS),
    *((row, ["pause", "resume noise"]) for row in NOISE_ROWS),
    *((row, ["pause", "resume echo"]) for row in ECHO_ROWS),
    # A keystroke is too short to pause for.
    (Sound(0.04), []),
    # The reference says that it is the bot, or the level that it is another person.
    (Sound(1.5, over_echo_db=0.0), []),
    (said("我想问你一个问题", voiced_secs=1.5, over_echo_db=2.0), []),
    (Sound(1.5, over_usual_db=-25.0), []),
    (said("等一下", over_usual_db=-25.0), []),
    (said("等一下", over_echo_db=10.0, over_usual_db=-6.0), ["pause", "commit command"]),
    # Loud and clear, it is the caller, even in the bot's own words.
    (said("晚上总是睡不好", voiced_secs=1.2, over_echo_db=20.0), ["pause", "commit words"]),
    (said("什么时候", voiced_secs=0.6, over_echo_db=20.0), ["pause", "commit command"]),
    # The caller's words behind the echo count alone.
    (said("你最近压力很大 等一下", voiced_secs=1.2), ["pause", "commit command"]),
    (said("晚上总是睡不好可是我昨天睡着了", voiced_secs=1.5), ["pause", "commit words"]),
    (said("晚上总是睡不好 的了", voiced_secs=1.5), ["pause", "resume noise"]),
    (said("晚上总是睡不好 嗯", voiced_secs=0.6), ["pause", "resume backchannel"]),
    # Still speaking, and the recogniser has not answered yet.
    (Sound(1.5), ["pause", "commit speech"]),
    # A backchannel that goes on into a sentence.
    (Sound(1.5, ((0.3, "对"), (0.45, "对我妈也这样说"))), ["pause", "commit words"]),
    (
        Sound(1.5, ((0.3, "对"), (0.7, "对我妈也这样说"))),
        ["pause", "resume backchannel", "commit words"],
    ),
    # Words that come in after the verdict.
    (Sound(0.2, ((0.7, "停"),)), ["pause", "resume noise", "commit command"]),
    (Sound(0.35, ((0.9, "嗯"),)), ["pause", "resume noise"]),
    (Sound(0.35, ((0.9, "我听到了"),)), ["pause", "resume noise", "commit words"]),
    # A few words: enough once the caller has finished or the turn is complete.
    (said("好难过", voiced_secs=0.42, heard_at=0.42), ["pause", "commit words"]),
    (said("好难过", voiced_secs=1.5, heard_at=0.3), ["pause", "commit words"]),
    (said("太难", 1.5, 0.2, end_probability=0.9), ["pause", "commit words"]),
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
    """Playout pauses two windows after the first voice, the verdict is in by the deadline."""
    (paused_at, pause), (decided_at, _) = play(sound)[:2]
    assert isinstance(pause, Pause)
    assert paused_at <= 2 * WINDOW_SECS
    assert decided_at <= DECIDE_SECS + WINDOW_SECS


def test_a_verdict_comes_without_more_audio() -> None:
    """When windows stop coming, the deadline and a tick are enough."""
    policy = make()
    policy.on_voice(10.0, 0.064)
    assert policy.deadline == pytest.approx(9.936 + DECIDE_SECS)
    assert policy.tick(10.43) == Wait()
    assert policy.tick(10.44) == Resume("noise")
    assert policy.deadline is None


def test_two_sounds_are_judged_apart() -> None:
    """After a backchannel and a silence, the next sound pauses again."""
    policy = make()
    first = play(said("嗯", voiced_secs=0.2), policy)
    second = play(said("等一下"), policy, start=10.0)
    assert [type(decision) for _, decision in first] == [Pause, Resume]
    assert [type(decision) for _, decision in second] == [Pause, Commit]


def test_one_sound_pauses_once() -> None:
    """A sound that was judged an echo does not pause again while it lasts."""
    decisions = play(said("晚上总是睡不好", voiced_secs=5.0), secs=5.5)
    assert [decision for _, decision in decisions] == [Pause(), Resume("echo")]


def test_after_a_commit_nothing_happens_until_the_next_reply() -> None:
    """The same reply is interrupted once; the next one can be interrupted again."""
    policy = make()
    assert play(said("停"), policy)
    assert play(said("等一下"), policy, start=5.0) == []
    policy.begin_reply()
    assert play(said("等一下"), policy, start=10.0)


def test_words_from_before_the_reply_do_not_interrupt_it() -> None:
    """A transcript without a sound over this reply belongs to the turn it answers."""
    policy = make()
    policy.begin_reply()
    assert policy.on_transcript(0.1, "我想问你一个问题") == Wait()


def test_instant_mode_commits_at_the_first_voiced_window() -> None:
    """Any voice at the caller's level stops the bot."""
    policy = make("instant")
    assert policy.on_voice(0.032, WINDOW_SECS, over_echo_db=0.0) == Wait()
    assert policy.on_voice(0.064, WINDOW_SECS, over_echo_db=20.0) == Commit("instant")


@pytest.mark.parametrize(("sound", "expected"), TABLE)
def test_off_mode_never_stops_the_bot(sound: Sound, expected: list[str]) -> None:
    """Whatever the caller does, playout goes on."""
    assert play(sound, make("off")) == []


def test_homophones_can_be_folded_by_sound() -> None:
    """With a function that maps units to sounds, a misheard echo is still an echo."""
    same = {"是": "shi", "试": "shi", "事": "shi"}
    assert without_echo("试试看", "是事看", lambda unit: same.get(unit, unit)) == ""
    assert without_echo("试试看", "是事看") == "试试看"


@pytest.mark.parametrize(
    ("text", "bot_text", "left"),
    [
        ("", BOT, ""),
        ("我很好", "", "我很好"),
        ("晚上总是睡不好", BOT, ""),
        ("不是", "这不是你的错", ""),
        ("不是", BOT, "不是"),
        ("我觉得不是这样", "你觉得这样好吗", "我觉得不是这样"),
        ("晚上总是睡不好 等一下", BOT, "等 一 下"),
        ("等一下 晚上总是睡不好", BOT, "等 一 下"),
        ("你最近鸭力很大晚上", BOT, ""),
        ("under a lot of pressure wait", BOT_EN, "wait"),
    ],
)
def test_without_echo(text: str, bot_text: str, left: str) -> None:
    """Runs of the bot's words go, the caller's stay."""
    assert without_echo(text, bot_text) == left


@given(st.text(alphabet="我你很好累吗", min_size=2, max_size=30))
def test_without_echo_leaves_nothing_of_the_bots_own_text(text: str) -> None:
    """What the bot says, heard perfectly, is nothing but echo."""
    assert without_echo(text, f"嗯，{text}。") == ""


LEVELS = st.sampled_from([None, -3.0, 8.0, 20.0])
TEXTS = st.sampled_from(
    ["", "嗯", "对对", "等一下", "停", "的", "我觉得", "我昨天没睡", "晚上总是睡不好", "wait"]
)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("voice"), LEVELS),
        st.tuples(st.just("silence"), st.none()),
        st.tuples(st.just("tick"), st.none()),
        st.tuples(st.just("text"), TEXTS),
        st.tuples(st.just("reply"), st.none()),
    ),
    max_size=120,
)


def run(
    policy: InterruptionPolicy, events: list[tuple[str, object]]
) -> list[tuple[float, Decision]]:
    """The decision on every event, one window apart."""
    decisions: list[tuple[float, Decision]] = []
    for index, (kind, value) in enumerate(events, start=1):
        at = index * WINDOW_SECS
        decision: Decision = Wait()
        if kind == "voice":
            decision = policy.on_voice(at, WINDOW_SECS, over_echo_db=value)  # type: ignore[arg-type]
        elif kind == "silence":
            decision = policy.on_silence(at)
        elif kind == "tick":
            decision = policy.tick(at)
        elif kind == "text":
            decision = policy.on_transcript(at, str(value), bot_text=BOT)
        decisions.append((at, decision))
    return decisions


@given(EVENTS)
def test_every_pause_is_answered_once_and_in_time(events: list[tuple[str, object]]) -> None:
    """Pause, then Resume or Commit by the deadline, then perhaps the next Pause."""
    events = [event for event in events if event[0] != "reply"]
    paused_at = None
    settled = [*events, *[("silence", None)] * 20]
    for at, decision in run(make(), settled):
        if isinstance(decision, Pause):
            assert paused_at is None
            paused_at = at
        elif isinstance(decision, Resume):
            assert paused_at is not None
        if isinstance(decision, Resume | Commit):
            paused_at = None
        assert paused_at is None or at < paused_at + DECIDE_SECS
    assert paused_at is None


@given(EVENTS)
def test_a_commit_is_final(events: list[tuple[str, object]]) -> None:
    """Nothing but Wait follows a Commit."""
    decisions = [decision for _, decision in run(make(), events)]
    committed = False
    for decision in decisions:
        assert not committed or decision == Wait()
        committed = committed or isinstance(decision, Commit)


@given(EVENTS)
def test_instant_mode_never_pauses(events: list[tuple[str, object]]) -> None:
    """It commits or waits, and a near voice always commits."""
    decisions = [decision for _, decision in run(make("instant"), events)]
    near = [kind == "voice" and level != -3.0 for kind, level in events]
    assert set(decisions) <= {Wait(), Commit("instant")}
    assert decisions.count(Commit("instant")) == int(any(near))


@given(EVENTS)
def test_off_mode_only_waits(events: list[tuple[str, object]]) -> None:
    """No order of events pauses or stops the bot."""
    assert all(decision == Wait() for _, decision in run(make("off"), events))


@given(EVENTS)
def test_a_voice_at_the_echos_level_never_stops_the_bot(events: list[tuple[str, object]]) -> None:
    """Without a window above the echo, no words are the caller's."""
    quiet = [(kind, -3.0 if kind == "voice" else value) for kind, value in events]
    assert all(decision == Wait() for _, decision in run(make(), quiet))

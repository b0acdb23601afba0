"""What a turn asks for: plain wordings, hard ones that ask nothing, and unseen ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.asked.about import MOST_UNITS, asked_about, decided
from agent.asked.kinds import ABOUTS, About
from agent.safety.detector import assess
from pipeline.text import language_of

pytest.importorskip("scipy", reason="the check shares the fit's examples, and its extra")
from agent.asked.check import measured
from agent.asked.fit import (
    MANNER_UNSEEN,
    SECOND_UNSEEN,
    THIRD_UNSEEN,
    UNSEEN,
    grave,
    labelled,
)

ASKED: tuple[tuple[About, str], ...] = (
    ("human", "你是真人嗎"),
    ("human", "我现在是在跟机器说话吗"),
    ("human", "are you human?"),
    ("human", "Am I talking to a robot?"),
    ("name", "你叫什麼名字"),
    ("name", "你是ChatGPT吗"),
    ("name", "Who are you?"),
    ("name", "are you ChatGPT"),
    ("pills", "我可以自己停藥嗎"),
    ("pills", "安眠药一次吃两片行吗"),
    ("pills", "Can I take two sleeping pills?"),
    ("pills", "is it safe to mix Xanax with my other tablets"),
    ("diagnosis", "我是不是憂鬱症"),
    ("diagnosis", "这算焦虑症吗"),
    ("diagnosis", "Do I have depression?"),
    ("diagnosis", "is this bipolar"),
    ("secrecy", "你會告訴別人嗎"),
    ("secrecy", "这通电话会录音吗"),
    ("secrecy", "Will you tell anyone?"),
    ("secrecy", "is this being recorded"),
    ("goodbye", "我先掛了"),
    ("goodbye", "那就这样，再见"),
    ("goodbye", "I have to go now."),
    ("goodbye", "okay, bye"),
    ("there", "喂 你還在嗎"),
    ("there", "听得到吗"),
    ("there", "怎么没声音了"),
    ("there", "are you still there"),
    ("there", "hello can you hear me"),
    ("errand", "可以幫我打電話給我媽嗎"),
    ("errand", "能帮我叫个滴滴吗"),
    ("errand", "幫我轉接真人客服"),
    ("errand", "could you book me a taxi"),
    ("errand", "please ring my daughter for me"),
    ("emergency", "帮我叫救护车"),
    ("emergency", "你可以幫我報警嗎 有人在敲門"),
    ("emergency", "could you call 911 for me"),
    ("emergency", "please call the police"),
)

CROSS = (
    "滚，什么破玩意儿，听不懂人话",
    "幹你講話好像機器",
    "你根本没在听",
    "你就是在重复我的话",
    "你根本没用",
    "This is fucking useless, you just repeat what I say.",
    "shut up",
    "you're not even listening",
    "stupid machine",
)
NOT_CROSS = (
    "我先生说，你根本没在听我说话",
    "我婆婆骂，闭嘴",
    "男朋友跟我吵，说你有病吧",
    "闭嘴两个字我说不出口",
    "我对孩子吼，你有病啊，吼完我好后悔",
    "You are useless, that's what I hear in my head",
    "I told my son to shut up and now I feel awful",
    "我在家整理垃圾东西",
    "我买了个破东西，心情很差",
    "这破机器又坏了",
    "this is rubbish weather",
    "stupid computer at work crashed again",
    "I would go to hell and back for her",
    "跟你说也没用",
    "fuck this, I'm done",
    "水滚了",
    "他叫我滚",
    "我妈说我没用",
    "他根本没在听",
    "我就是个废物",
    "she told me to shut up",
    "he says you're useless",
    "I feel useless",
    "我觉得活着没用",
    "老师骂我是白痴",
)
NOT_ASKED = (
    "",
    "嗯",
    "主管把我當機器人在操",
    "我吃了安眠药还是睡不着",
    "医生说我这是抑郁症",
    "他說了再見就再也沒有回來",
    "他就問我說你是誰啊",
    "我怕我媽知道，所以一直瞞著",
    "I feel like a machine",
    "he hung up on me and I cried",
    "I have to go to court on Thursday",
    "my doctor said it is depression",
    "everyone on those apps is a robot",
    "他問我聽得到嗎 我就把電話掛了",
    "我请邻居帮我打电话给物业 他不肯",
    "你可以慢慢聽我說嗎",
    "nobody is ever there for me",
    "he said can you call my mum and I froze",
    "could you say that again",
    "我不能叫车回家",
    "给我打电话的都是催债的",
    "我女朋友怎么不说话了",
    "我们断了",
    "我昨天叫了救護車",
    "how could you send your own child away",
    "people tell me you are quiet",
    "I called the police on him last week",
)


@pytest.mark.parametrize(("about", "text"), ASKED)
def test_plain_questions_are_recognised(about: About, text: str) -> None:
    """In both languages and scripts."""
    assert asked_about(text) == about


@pytest.mark.parametrize("text", CROSS)
def test_who_swears_at_the_listener_is_not_repeated(text: str) -> None:
    """A small model takes up the insult, or says that it cannot hear."""
    assert asked_about(text) == "cross"


@pytest.mark.parametrize("text", NOT_CROSS)
def test_what_others_said_is_no_oath_at_the_listener(text: str) -> None:
    """Nor what callers say of themselves."""
    assert asked_about(text) is None


@pytest.mark.parametrize("text", NOT_ASKED)
def test_their_words_alone_ask_nothing(text: str) -> None:
    """A story may hold every word of a question."""
    assert asked_about(text) is None


WITHIN: tuple[tuple[About | None, str], ...] = (
    ("secrecy", "您好 我问一下 我说的这些单位能查到吗 我在公立医院 住院部 护士长 带了二十个人"),
    ("secrecy", "我跟我姊講過一次。我說的這些你會不會跟我爸媽講？她那次講出去了。"),
    ("human", "小姐啊 你是真人還是機器 喔 好啦沒差 我開計程車的 開了三十一年 停在河堤邊"),
    (
        "human",
        "So my sister rang on Sunday. Are you a real person? Anyway, she says mum is moving in.",
    ),
    (
        "secrecy",
        "我昨天跟他吵完就出来了 坐在公园里 你会不会跟我老师说啊 你不会跟我老师说吧 我怕",
    ),
    (
        "secrecy",
        "So I left the house on Sunday and I have been at my cousin's since then, the one in Leeds "
        "with the dog. Will you tell my boss about this? Because I rang in sick and I was not sick "
        "at all, I just could not go in.",
    ),
    (
        "human",
        "喂 你是真人还是机器 好吧 算了 我讲我的吧 我儿子去当兵了嘛 家里就剩我了喔 电视开着嘛",
    ),
    (None, "他问我你是真人吗 我就笑了 然后我们就认识了 后来他每天都发消息 我也每天回"),
    (None, "我上礼拜打客服电话 转了三次 我就问你是机器人吧 他就一直重复那一句 我就挂了"),
    (None, "她就问那个护士你会不会告诉我家里人吧 护士说不会 结果第二天我妈就来了学校"),
    (
        None,
        "So I rang my insurance on Monday and I was on hold for an hour with the music and I keep "
        "asking are you a real person. It just repeats the menu, and then my break was over and I "
        "went back to the ward and nobody had covered my beds.",
    ),
    (None, "那就这样吧 再见 我跟他说 然后我就把门关上 走到楼下 在车里坐了一个小时"),
)


@pytest.mark.parametrize(("about", "text"), WITHIN)
def test_a_question_is_heard_in_the_middle_of_a_story(about: About | None, text: str) -> None:
    """Without pauses, too; what others asked, and said goodbye to, is told."""
    assert asked_about(text) == about
    if language_of(text) == "zh":
        assert asked_about(re.sub(r"[\s，。]", "", text)) == about


@pytest.mark.parametrize(
    "text",
    [
        "这些话我不会让我妈妈知道",
        "我今天说了会让领导知道的",
        "我说这些会让家里知道我没出息",
        "这些都写下来吧",
        "你说的这个我要记下来",
    ],
)
def test_who_says_that_others_will_know_does_not_ask(text: str) -> None:
    """A rule for a question needs one."""
    assert asked_about(text) is None


def test_whoever_may_be_in_danger_is_not_told_of_recordings() -> None:
    """What the crisis detector finds anything in is left to the protocol."""
    text = "你们这个电话录音吗 录着吧 给我闺女留着 我上了那个塔吊了 风很大 也没有人看见我"
    assert assess(text).tier != "none"
    assert asked_about(text) is None


def test_long_turns_that_end_in_a_question_are_answered() -> None:
    """However much was told before it."""
    story = "我今天早上去上班" * (MOST_UNITS // 8)
    assert asked_about(story) is None
    assert asked_about(f"{story}你是真人吗") == "human"


def test_a_doubt_takes_a_rule_back_and_two_rules_are_weighed() -> None:
    """The classifier alone must be sure; of two things that rules find the likelier counts."""
    unlikely = dict.fromkeys(ABOUTS, -9.0)
    assert decided({"human"}, unlikely) is None
    assert decided({"human"}, unlikely | {"human": -4.0}) == "human"
    assert decided({"human", "name"}, unlikely | {"human": -4.0, "name": -2.0}) == "name"
    assert decided(set(), unlikely | {"human": -4.0}) is None
    assert decided(set(), unlikely | {"human": 1.0}) == "human"


def test_of_two_groups_the_likelier_counts_and_an_emergency_before_all() -> None:
    """A rule of one group hides nothing of the other."""
    odds = dict.fromkeys(ABOUTS, -9.0) | {"secrecy": -3.0, "errand": 0.4}
    assert decided({"secrecy"}, odds) == "errand"
    assert decided({"secrecy"}, odds | {"errand": -0.1}) == "secrecy"
    assert decided({"errand"}, odds | {"errand": -5.0, "goodbye": 2.0}) == "goodbye"
    assert decided({"emergency", "secrecy"}, odds) == "emergency"


def test_ordinary_questions_are_left_to_the_model() -> None:
    """Am I too impatient? Do you read books? Nothing said by heart answers them."""
    turns = labelled(UNSEEN.with_name("ordinary.jsonl"))
    left = [turn.text for turn in turns if turn.about is None]
    assert len(left) > 30
    assert [text for text in left if asked_about(text) is not None] == []


@pytest.mark.parametrize(
    ("path", "precision", "recall"),
    [
        (UNSEEN, 0.95, 0.5),
        (SECOND_UNSEEN, 0.95, 0.53),
        (THIRD_UNSEEN, 0.9, 0.42),
        (MANNER_UNSEEN, 0.8, 0.4),
    ],
)
def test_unseen_wordings_are_seldom_answered_wrongly(
    path: Path, precision: float, recall: float
) -> None:
    """Turns that were put aside unread; floors a little under what was measured."""
    found = measured(labelled(path))
    assert found["precision"] >= precision
    assert found["recall"] >= recall


@pytest.mark.parametrize(
    "text", ["你家的狗叫什么", "你家的狗叫什麼名字", "你家里的狗叫什么", "你的猫叫什么名字"]
)
def test_the_name_of_somebody_else_is_not_its_own(text: str) -> None:
    """Only who asks for the bot's name is told it."""
    assert asked_about(text) is None


FAREWELLS_TO_THE_WORLD = (
    "想跟大家說再見",
    "我想跟这个世界说拜拜了",
    "就这样吧 我在楼顶 再见了",
    "學生傳訊息跟我說老師再見 他在頂樓",
    "not tonight no but I do mean to go",
    "I'm going to say goodbye to everyone forever",
)


@pytest.mark.parametrize("text", FAREWELLS_TO_THE_WORLD)
def test_who_leaves_the_world_gets_no_friendly_farewell(text: str) -> None:
    """The crisis protocol answers first; what passes it by is no end of a call either."""
    assert assess(text).tier != "none" or asked_about(text) is None


def test_grave_utterances_are_known_for_none() -> None:
    """The fit has the crisis detector's grave utterances, and none of them asks for anything."""
    turns = grave()
    assert turns
    assert {(one.about, one.source) for one in turns} == {(None, "grave")}

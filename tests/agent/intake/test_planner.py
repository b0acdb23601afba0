"""One question at a time, and none where feelings or a refusal come first."""

from __future__ import annotations

import pytest

from agent.intake.planner import QuestionPlanner
from agent.intake.questions import questions_in
from agent.intake.taker import IntakeTaker
from pipeline.events import CrisisNoted
from pipeline.text import Language

BEGINNING = (("我失恋了", "失恋。我在听。"), ("嗯是这样的", "嗯，我听着。"))
BEGUN_IN_ENGLISH = (("my boyfriend left", "He left."), ("it was his flat", "His flat."))


def after(*turns: tuple[str, str], locale="zh-Hans"):
    """A taker after pairs of caller's and bot's words."""
    taker = IntakeTaker(locale)
    for caller, bot in turns:
        taker.caller_text(caller)
        taker.bot_text(bot)
    return taker


def due(taker: IntakeTaker, text: str, language: Language = "zh", *remembered: str) -> str | None:
    """The field that is asked about in the answer to a spoken turn."""
    note = QuestionPlanner(taker, remembered).note(text)
    if note is None:
        return None
    asked = questions_in("en" if language == "en" else taker.record.locale)
    return {words: field for field, words in asked.items()}[note.question[language]]


@pytest.mark.parametrize("turns", [0, 1])
def test_the_first_turns_are_left_alone(turns: int):
    """Nobody is greeted with a form."""
    assert due(after(*BEGINNING[:turns]), "我失恋了") is None


def test_what_is_missing_is_asked_in_order():
    """Since when comes before who knows."""
    assert due(after(*BEGINNING), "房子里空空的") == "since"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("大概三个月了", "supports"),
        ("上个月的事 我朋友也知道", "intensity"),
        ("房子里空空的", "since"),
        ("我姑娘也不知道这事", "since"),
    ],
)
def test_what_came_up_is_not_asked(text: str, asked: str):
    """Whether or not the record caught it: nobody is asked for what they have just said."""
    assert due(after(*BEGINNING), text) == asked


def test_what_came_up_long_ago_is_not_asked():
    """Every turn of the call counts, and what is remembered of earlier ones."""
    taker = after(("三个月前我失恋了", "失恋。我在听。"), *BEGINNING)
    assert due(taker, "房子里空空的") == "supports"
    assert due(after(*BEGINNING), "房子里空空的", "zh", "从去年春天开始") == "supports"


@pytest.mark.parametrize(
    "text",
    [
        "我快崩溃了",
        "我流产了",
        "心里好难受，想他想得不行",
        "你觉得我该怎么办",
        "你是机器人吧，我不太信",
        "没听清",
        "你刚刚也这样讲",
        "you said that before",
        "给我讲个笑话",
        "等一下",
        "我想自己静一静",
        "谢谢你，我好多了",
        "I'm scared",
        "I miss her so much",
        "pardon",
        "tell me what to do",
        "that's all, thank you",
    ],
)
def test_what_wants_something_else_is_not_answered_with_a_question(text: str):
    """Comfort, an answer, a repetition, silence or an end."""
    assert due(after(*BEGINNING, ("房子里空空的", "空空的。")), text) is None


@pytest.mark.parametrize("text", ["我刚才哭了一晚上", "我流产了", "我好怕", "I lost the baby"])
def test_after_tears_the_next_turn_is_free_too(text: str):
    """A short 嗯 after weeping is no place for a form."""
    assert due(after(*BEGINNING, (text, "我在。")), "嗯") is None


@pytest.mark.parametrize(
    "text",
    [
        "你别一直问我",
        "问过了呀",
        "领导的事我不想多说",
        "我不太想说",
        "不想再说了",
        "不想提这个",
        "你问题好多",
        "能不能不问了",
        "stop asking me things",
        "no more questions",
        "I do not want to talk about it",
        "I don't wanna talk",
        "leave me alone",
    ],
)
def test_who_does_not_want_to_be_asked_is_asked_nothing_more(text: str):
    """In the whole call."""
    later = (("房子里空空的", "空空的。"), ("还有一只猫", "一只猫。"), ("它叫阿福", "阿福。"))
    assert due(after(*BEGINNING, (text, "好，我听着。"), *later), "窗外有棵树") is None


@pytest.mark.parametrize(
    "text",
    [
        "我去医院问过了",
        "我老公不想说话",
        "我不想谈恋爱了",
        "他叫我别问",
        "I've got a job interview on Monday",
        "I already asked my manager",
        "I don't want to talk to him anymore",
    ],
)
def test_who_tells_of_asking_is_not_meant(text: str):
    """It is said of others, or to them."""
    later = (("房子里空空的", "空空的。"), ("还有一只猫", "一只猫。"), ("它叫阿福", "阿福。"))
    assert due(after(*BEGINNING, (text, "好，我听着。"), *later), "窗外有棵树") is not None


def test_risk_silences_it():
    """Heard by the intake itself, or by the protocol: then that leads."""
    taker = after(*BEGINNING, ("我不想活了", "我在。"))
    assert due(taker, "房子里空空的") is None
    taker = after(*BEGINNING)
    taker.note(CrisisNoted("concern", "suicide", (), "不想在这里待着"))
    taker.caller_text("不想在这里待着")
    taker.bot_text("我在。")
    assert [entry.quote for entry in taker.record.of("risk")] == ["不想在这里待着"]
    assert due(taker, "房子里空空的") is None


def test_two_questions_never_follow_each_other():
    """After one was asked two turns are free, and none is asked twice."""
    taker = after(*BEGINNING, ("房子里空空的", "空空的。这样有多久了？"))
    for text, bot in (("好一阵子了", "好一阵子，不短。"), ("走不出来", "走不出来，我听着。")):
        assert due(taker, text) is None
        taker.caller_text(text)
        taker.bot_text(bot)
    assert due(taker, "房子里空空的") == "supports"


@pytest.mark.parametrize("heard", ["空空的。这样有多久了", "空空的。这样有多", "空空的。这样有—"])
def test_a_question_cut_off_counts_as_asked(heard: str):
    """Who answers over its last syllables is not asked it again."""
    taker = after(*BEGINNING, ("房子里空空的", heard), ("说不清楚", "嗯。"), ("就是空", "空。"))
    assert due(taker, "房子里空空的") == "supports"
    assert due(after(*BEGINNING, ("房子里空空的", heard)), "说不清楚啊我也") is None


def test_a_typed_turn_is_counted_once():
    """It is told before it is answered, a spoken one afterwards."""
    taker = after(*BEGINNING[:1])
    taker.caller_text("房子里空空的")
    assert due(taker, "房子里空空的") is None
    taker.bot_text("空空的。")
    taker.caller_text("还有一只猫")
    assert due(taker, "还有一只猫") == "since"


def test_what_the_model_asks_counts():
    """A question of its own is one of the intake's, too."""
    taker = after(*BEGINNING, ("房子里空空的", "空空的。你试过什么办法？"))
    assert due(taker, "走不出来") is None


def test_small_talk_is_not_interviewed():
    """There is nothing yet to ask further about."""
    taker = after(("你好", "你好，我在听。"), ("刚吃完饭", "吃完饭了。"))
    assert due(taker, "今天天气不错") is None
    assert due(taker, "今天天气不错", "zh", "我失恋了 很难过") is None


def test_the_question_is_there_in_both_languages():
    """In that of the answer it is said; the script is that of the call."""
    taker = after(*BEGUN_IN_ENGLISH, locale="en")
    assert due(taker, "it is so quiet here", "en") == "since"
    note = QuestionPlanner(after(*BEGINNING, locale="zh-Hant")).note("房子裡空空的")
    assert note is not None
    assert not note.text
    assert note.question == {
        "zh": questions_in("zh-Hant")["since"],
        "en": questions_in("en")["since"],
    }

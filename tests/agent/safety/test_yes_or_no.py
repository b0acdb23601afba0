"""Answers to a question of the protocol, in both languages and scripts."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.safety.yes_or_no import Meaning, yes_or_no

# fmt: off
YES = (
    "Yes, not sure when",
    "Yes. No one knows",
    "Yes, it's not the first time",
    "I do. I'm not lying",
    "不是没想过",
    "不能说没有",
    "有",
    "想過",
    "想过",
    "嗯",
    "对",
    "對",
    "没错",
    "沒錯",
    "好像有",
    "会",
    "不止一次",
    "不瞒你说，想过",
    "没人知道，其实想过",
    "我想过",
    "其实想过",
    "当然想过",
    "我有",
    "有时候会",
    "有的时候",
    "常常想",
    "每天都想",
    "嗯，有",
    "我以前有想过",
    "偶尔会",
    "有一点",
    "是的",
    "嗯嗯",
    "会啊，很怕",
    "有，東西在身邊",
    "不知道，可能有吧",
    "yes",
    "Yeah, I have.",
    "Of course",
    "sometimes",
    "Not only once",
    "i think so",
    "kind of",
    "um, yes",
    "well, maybe",
    "Yes, every day",
    "honestly yeah",
    "all the time",
    "I do",
    "I don't know, maybe",
    "uh huh",
    "Yes, I can't stop it",
    "I have, many times",
    "I've thought about it",
    "不只一次",
    "我怕",
    "怕",
    "想",
    "有啊",
    "I am",
    "对啊，不想活了",
)
NO = (
    "没有",
    "沒有，只是很累",
    "嗯，没有，就是累",
    "对不起，我没那个意思",
    "没想过",
    "不会啊，家里很安全",
    "I have never",
    "I have not thought about that",
    "I do not.",
    "Maybe not",
    "Um, no",
    "no",
    "Nope",
    "not really",
    "I don't",
    "I haven't",
    "I never planned that",
    "I would never do that",
    "不是",
    "不要",
    "还没",
    "怎么会",
    "没事",
    "哪有",
    "of course not",
    "No, I'm just tired",
    "没有没有",
    "我没有",
    "也没有",
    "倒是没有",
    "那倒不会",
    "是不是你听错了",
    "no no",
    "I'm not",
    "I have never planned that",
    "其实没有",
    "还好",
)
HEDGED = (
    "何止想过",
    "怎么没想过",
    "换谁都会想吧",
    "On and off, for years",
    "I'd be lying if I said no",
    "I guess so",
    "对，我也说不清",
    "有点，我也说不清",
    "对，说不出口",
    "我不知道，有点",
    "Yeah. I don't know.",
    "Yeah, it's hard to say.",
    "I don't know, yeah",
    "可能吧",
    "也许吧",
    "I might",
)
THOUGHTS = (
    "想过，但是我不会去做的",
    "yes but not seriously",
    "想是有想啦，但我不会做傻事",
    "念头是有",
    "偶尔会冒出来",
    "谁没想过",
    "who hasn't",
    "from time to time",
    "I don't have the guts",
    "it comes and goes",
    "就是想想，没真的要做。",
    "只是想想而已",
    "没有，就是有时候会闪过",
    "不会真的做",
    "想是想過，不會做的",
    "It's only a thought, I wouldn't do it.",
    "just thoughts",
    "it has crossed my mind",
    "sometimes, but I'd never act on it",
)
UNSURE = (
    "看情况",
    "it depends",
    "not yet",
    "不知道，真的不知道",
    "不知道怎么回答",
    "不知道该不该说",
    "不一定",
    "不知道",
    "不知道欸",
    "我也不知道",
    "我說不清楚",
    "很難說",
    "不知道怎么说",
    "I don't know",
    "um, not sure really",
    "hard to say",
    "I don't know how to put it",
)
REFUSED = (
    "问这个干嘛",
    "你管我",
    "why do you ask?",
    "let's talk about something else",
    "pass",
    "这个我不想说",
    "對不起，我不想說",
    "没有，我不想说",
    "我不想告诉你",
    "一定要说吗",
    "换个话题吧",
    "I don't feel comfortable answering that",
    "I'm sorry, I'd rather not say",
    "I won't answer that",
    "I can't tell you",
    "我不想说",
    "不想談這個",
    "可以不說嗎",
    "能不能不回答",
    "别问了",
    "不方便讲",
    "I'd rather not say",
    "I don't want to talk about it",
    "can we not talk about that",
    "do I have to answer that",
    "next question",
    "that's private",
)
PLAIN_NO = (
    "想过离婚，没想过死",
    "从来没有过",
    "I don't want to do this any more",
    "I can't go on",
    "I would not do that",
    "不想活了",
    "我不想说谎",
    "没有，我只是会想想以前的事",
    "没有，我只是有想法想跟老板说",
    "没有，不敢去做那个检查",
    "没有，我没胆子去做销售",
    "没有，我不想说他坏话",
    "没有，不想谈恋爱了",
    "no. I'm not going to say I'm perfect",
    "never. it is personal growth I want",
)
# Something else is told, though it begins with the same word.
NEITHER = (
    "嗯？",
    "有？",
    "Right?",
    "notebook",
    "我女兒在",
    "我昨天去上班",
    "我有个同事",
    "有个朋友跟我说",
    "他昨天又来了",
    "my boss called me",
    "what do you mean",
    "你说什么",
    "你是谁",
    "我想说的是工作",
    "在家",
    "号码是多少",
    "it's my job",
    "要去上班",
    "是我妈打来的",
    "对面的邻居",
    "会议很多",
    "the same as every day",
    "我爸",
    "I have a headache",
    "I'm at home",
    "I'm just tired",
    "我每天上班",
    "有点累",
    "我有点累",
    "sometimes my mother calls",
    "right now I'm at work",
    "我一直在加班",
    "有时候我去散步",
    "想去睡觉",
    "会议上他骂我",
    "要迟到了",
    "是我老板",
    "对我来说工作很难",
    "怕老板",
    "once I get home I sleep",
    "I do my job",
    "I have to go",
    "他没打我",
    "it is raining",
)
# fmt: on


@pytest.mark.parametrize("text", YES)
def test_a_yes_is_heard_behind_hesitation_and_in_its_own_words(text: str):
    """What confirms is not lost because it begins with something else."""
    assert yes_or_no(text) == "yes"


@pytest.mark.parametrize("text", NO)
def test_a_denial_is_no_yes_whatever_it_begins_with(text: str):
    """嗯，没有 puts nobody's call under the protocol."""
    assert yes_or_no(text) == "no"


@pytest.mark.parametrize("text", HEDGED)
def test_a_yes_is_one_though_it_cannot_be_explained(text: str):
    """What comes after it takes nothing back."""
    assert yes_or_no(text) == "yes"


@pytest.mark.parametrize("text", THOUGHTS)
def test_a_mere_thought_is_neither_denied_nor_meant(text: str):
    """Also behind a no."""
    assert yes_or_no(text) == "thoughts"


@pytest.mark.parametrize("text", ["it never crossed my mind", "没有想过", "我就是想想办法"])
def test_no_thought_is_none(text: str):
    """Nor is what is thought of something else."""
    assert yes_or_no(text) != "thoughts"


@pytest.mark.parametrize("text", UNSURE)
def test_who_does_not_know_has_not_said_no(text: str):
    """Nor yes."""
    assert yes_or_no(text) == "unsure"


@pytest.mark.parametrize("text", REFUSED)
def test_who_would_rather_not_say_has_not_said_no(text: str):
    """Though most of them begin with a negation."""
    assert yes_or_no(text) == "refused"


@pytest.mark.parametrize("text", PLAIN_NO)
def test_a_negation_alone_refuses_no_answer(text: str):
    """What is not wanted is the life, not the answer."""
    assert yes_or_no(text) == "no"


@pytest.mark.parametrize("text", NEITHER)
def test_what_tells_something_else_is_neither(text: str):
    """The conversation goes on."""
    assert yes_or_no(text) is None


@given(st.text(max_size=200))
def test_any_text_may_be_an_answer(text: str):
    """Whatever a recogniser writes."""
    assert yes_or_no(text) in (*get_args(Meaning), None)

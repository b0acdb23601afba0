"""A record fills with the call's events, and the model's reading yields to the caller."""

from __future__ import annotations

import asyncio

import pytest

from agent.intake.extract import Proposal
from agent.intake.spans import Span
from agent.intake.taker import IntakeTaker
from agent.safety.protocol import CrisisProtocol
from pipeline.errors import GenerationError
from pipeline.events import (
    CrisisNoted,
    ReplyAmended,
    ReplyFinished,
    SpeechStarted,
    TranscriptCompleted,
)


class SlowReader:
    """Reads a turn once it is let; stands for a model that has to wait for an idle engine."""

    def __init__(self, found=(), error=None):
        self.may_go = asyncio.Event()
        self.found = list(found)
        self.error = error
        self.began = 0
        self.closed = False

    async def read(self, text, bot_text):
        self.began += 1
        await self.may_go.wait()
        if self.error is not None:
            raise self.error
        return self.found

    async def close(self):
        self.closed = True


def said(taker, number, text, at_secs):
    taker.note(SpeechStarted(f"turn_{number}", at_secs))
    taker.note(TranscriptCompleted(f"turn_{number}", text, "zh"))


def answered(taker, number, text):
    taker.note(ReplyFinished(f"reply_{number}", "completed", text, text, False, 1.0))


def entries(taker):
    return [(one.field, one.quote, one.turn, one.at_secs) for one in taker.record.entries]


def test_entries_carry_the_words_and_their_place_in_the_recording():
    """A resumed turn counts from where it first began."""
    kept = []
    taker = IntakeTaker("zh-Hans", kept.append)
    said(taker, 1, "你好 我失恋了", 3.5)
    answered(taker, 1, "失恋很难受。这样多久了？")
    taker.note(SpeechStarted("turn_2", 9.0))
    taker.note(SpeechStarted("turn_2", 11.0))
    taker.note(TranscriptCompleted("turn_2", "三个月了", "zh"))
    assert ("concern", "我失恋了", 0, 3.5) in entries(taker)
    assert ("since", "三个月了", 1, 9.0) in entries(taker)
    assert kept[-1] == taker.record


def test_typed_turns_have_no_place_in_the_recording():
    """They are taken down all the same."""
    taker = IntakeTaker("en")
    taker.caller_text("I feel so alone")
    assert entries(taker) == [("concern", "I feel so alone", 0, None)]


def test_a_turn_of_which_nothing_was_found_is_kept_whole():
    """A counsellor may read out of it what the machine did not; what only asks stays out."""
    taker = IntakeTaker("zh-Hans")
    for text in (
        "那天的面条他煮咸了谁也没吭声",
        "已经半年了",
        "嗯对啊",
        "那我该怎么办呢你说说看",
        "你是真人还是机器人啊",
        "好了谢谢你那我先挂了再见",
    ):
        taker.caller_text(text)
    others = [one for one in taker.record.entries if one.field == "other"]
    assert [(one.quote, one.turn, one.found_by) for one in others] == [
        ("那天的面条他煮咸了谁也没吭声", 0, "nothing")
    ]
    assert others[0] not in taker.record.under_headings


@pytest.mark.parametrize(
    "text",
    [
        "请你不要记这个，我那天看见他们在仓库里",
        "off the record I saw the whole thing from the window",
        "打给我弟好了零九一二三四五六七八那个",
        "就在中山路二十号那家店的门口等了很久",
    ],
)
def test_what_is_not_for_paper_stands_on_no_sheet(text: str):
    """As if the machine had not been able to read it."""
    taker = IntakeTaker("zh-Hans")
    taker.caller_text(text)
    assert taker.record.of("other") == ()


def test_words_stand_in_one_place():
    """Said again, found late, or grave after all, they are not kept whole beside their heading."""
    taker = IntakeTaker("zh-Hans")
    for _ in range(2):
        taker.caller_text("我已经失眠三个月了")
    assert taker.record.of("other") == ()
    taker.caller_text("那天的面条他煮咸了谁也没吭声")
    (other,) = taker.record.of("other")
    words = {"turn": other.turn, "at_secs": None}
    found = taker.record.with_entry("family", "谁也没吭声", found_by="model", **words)
    assert found.of("other") == ()


def test_a_refusal_is_kept_for_what_was_asked():
    """The counsellor sees that it was asked and declined."""
    taker = IntakeTaker("zh-Hant")
    answered(taker, 1, "家裡還有誰？")
    taker.caller_text("我不想說")
    assert taker.record.state("family") == "declined"


def test_a_crisis_is_marked_with_its_tier_once():
    """By the words themselves, or by the protocol's notice where no words alone do."""
    taker = IntakeTaker("zh-Hans")
    taker.caller_text("我今天晚上就要自杀")
    taker.note(CrisisNoted("imminent", "suicide", (), "我今天晚上就要自杀"))
    assert [one.tier for one in taker.record.of("risk")] == ["imminent"]
    other = IntakeTaker("zh-Hans")
    other.caller_text("嗯 有的")
    other.note(CrisisNoted("elevated", "suicide", (), "嗯 有的"))
    assert [(one.quote, one.tier) for one in other.record.of("risk")] == [("嗯 有的", "elevated")]


@pytest.mark.parametrize("order", ["typed", "spoken", "typed over the reply"])
def test_a_notice_goes_to_the_words_that_raised_it(order: str):
    """Of a spoken turn it comes before the words, and the end of a reply may come between."""
    taker = IntakeTaker("zh-Hans")
    taker.caller_text("我失恋了")
    taker.bot_text("你有打算真的去做吗？")
    notice = CrisisNoted("imminent", "suicide", (), "有")
    cut = ReplyFinished("r1", "cut", "你有打算", "你有", estimated=False, audio_secs=1.0)
    said = TranscriptCompleted("turn_2", "有", "zh")
    for event in {
        "typed": (said, notice),
        "spoken": (notice, said),
        "typed over the reply": (said, cut, notice),
    }[order]:
        taker.note(event)
    assert [(one.turn, one.quote) for one in taker.record.of("risk")] == [(1, "有")]


@pytest.mark.parametrize(
    ("turns", "kept"),
    [
        (("我有时候真的想死", "有", "有"), [(0, "elevated"), (2, "imminent")]),
        (("我想死", "没想过怎么做", "对，我真的不想活了"), [(0, "elevated"), (2, "imminent")]),
        (("yes I want to kill myself", "I don't know", "yes"), [(0, "elevated"), (2, "imminent")]),
    ],
)
def test_the_record_is_as_grave_as_the_protocol(turns, kept):
    """Also where a yes alone is, or a turn whose own words are less grave."""
    taker, protocol = IntakeTaker("zh-Hans"), CrisisProtocol("zh-Hans", "CN")
    for turn in turns:
        taker.caller_text(turn)
        if (notice := protocol.taken(turn)) is not None:
            taker.note(notice)
    assert protocol.state.tier == "imminent"
    risks = taker.record.of("risk")
    assert [(one.turn, one.tier) for one in risks] == kept
    assert risks[-1].quote == turns[-1]


def test_a_question_that_was_not_heard_was_not_asked():
    """A late truncate takes it back, and leaves what had been asked before."""
    taker = IntakeTaker("zh-Hans")
    answered(taker, 1, "這樣多久了？")
    taker.caller_text("三个月了")
    answered(taker, 2, "三个月，不短。家里还有谁？")
    assert taker.record.state("family") == "asked"
    taker.note(ReplyAmended("reply_2", "三个月，不短。家里还有谁？", "三个月，", 1.0))
    assert taker.record.state("family") == "not_asked"
    assert taker.record.asked == {"since": 0}
    assert taker.heard == "三个月，"


def test_a_question_that_was_heard_after_all_keeps_its_place():
    """The turn before which it was asked stays the same."""
    taker = IntakeTaker("zh-Hans")
    taker.caller_text("你好")
    answered(taker, 1, "家里还有谁？这样多久了？")
    taker.caller_text("嗯")
    taker.note(ReplyAmended("reply_1", "家里还有谁？这样多久了？", "家里还有谁？", 1.0))
    assert taker.record.asked["family"] == 1
    assert "since" not in taker.record.asked


async def test_in_a_call_a_turn_is_looked_at_once_the_bot_has_finished():
    """In a thread, so that neither the caller's turn nor the bot's reply waits for it."""
    taker = IntakeTaker("zh-Hans", in_thread=True)
    said(taker, 1, "你好 我失恋了", 3.5)
    assert not taker.record.entries
    answered(taker, 1, "失恋很难受。")
    assert taker._looking is not None
    await taker._looking
    assert ("concern", "我失恋了", 0, 3.5) in entries(taker)


async def test_the_last_turn_is_looked_at_when_the_call_ends():
    """Before anybody is told that it is over, and once."""
    ends = []
    taker = IntakeTaker(
        "zh-Hans", on_closed=lambda one: ends.append(one.record.entries), in_thread=True
    )
    said(taker, 1, "你好 我失恋了", 3.5)
    await taker.close()
    await taker.close()
    assert [[entry.quote for entry in entries] for entries in ends] == [["我失恋了"]]


async def test_the_models_entries_join_those_of_the_turn():
    """Where a turn told a field already, the model is not asked to repeat it."""
    reader = SlowReader([Proposal("strengths", Span(0, 4)), Proposal("concern", Span(0, 4))])
    taker = IntakeTaker("zh-Hans", reader=reader)
    said(taker, 1, "我失恋了", 1.0)
    answered(taker, 1, "嗯。")
    reader.may_go.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [(one.field, one.found_by) for one in taker.record.entries] == [
        ("concern", "learned"),
        ("strengths", "model"),
    ]


async def test_reading_stops_when_the_caller_speaks_and_goes_on_later():
    """The turn that was being read is read again at the next pause."""
    reader = SlowReader([Proposal("goals", Span(0, 2))])
    taker = IntakeTaker("zh-Hans", reader=reader)
    said(taker, 1, "我失恋了", 1.0)
    answered(taker, 1, "嗯。")
    await asyncio.sleep(0)
    taker.note(SpeechStarted("turn_2", 5.0))
    reader.may_go.set()
    await asyncio.sleep(0)
    assert not taker.record.of("goals")
    answered(taker, 2, "我在听。")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert reader.began == 2
    assert taker.record.of("goals")
    await taker.close()
    assert reader.closed


async def test_a_failing_model_leaves_the_record():
    """The call does not hear of it."""
    reader = SlowReader(error=GenerationError("broken"))
    reader.may_go.set()
    taker = IntakeTaker("zh-Hans", reader=reader)
    said(taker, 1, "我失恋了", 1.0)
    answered(taker, 1, "嗯。")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [one.field for one in taker.record.entries] == ["concern"]

"""Whose turn is it: one speaks, the other answers."""

from __future__ import annotations

from itertools import pairwise

from pipeline.events import (
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    SpeechStarted,
    StateChanged,
    TranscriptCompleted,
    TranscriptUpdated,
    TurnMeasured,
)
from tests.fakes.engines import FakeLanguageModel
from tests.scenarios.scene import (
    APOLOGY,
    CHECK_IN,
    GREETING,
    UNHEARD,
    cancel,
    click,
    hear_out,
    play,
    respond,
    say,
    set_language,
    type_text,
    wait,
)


def test_a_question_is_answered():
    """What was said is recognised, answered, spoken and heard to the last syllable."""
    scene = play(say("我睡不好。"), hear_out(), answers={"我睡不好。": "多久了？"})
    assert scene.story == ["caller 我睡不好。", "bot    多久了？"]
    assert scene.loudspeaker == "多久了？"
    states = [event.state for event in scene.all(StateChanged)]
    assert states == ["listening", "thinking", "speaking", "listening"]


def test_a_language_set_in_mid_call_is_heard_from_the_next_turn_on():
    """Some seconds in, as standard clients do, or in mid-sentence: no word is lost."""
    scene = play(
        wait(5.0), set_language("en"), say("我睡不好。"), hear_out(),
        say("已经三个月了，"), set_language(None), say("每天都这样。"), hear_out(),
    )  # fmt: skip
    turns = scene.all(TranscriptCompleted)
    assert [turn.text for turn in turns] == ["我睡不好。", "已经三个月了，每天都这样。"]
    assert [turn.language for turn in turns] == ["en", "en"]


def test_a_second_turn_knows_the_first():
    """The context holds both sides of the conversation, in order."""
    scene = play(
        say("我睡不好。"),
        hear_out(),
        say("三个月了。"),
        hear_out(),
        answers={"我睡不好。": "多久了？", "三个月了。": "那很辛苦。"},
    )
    assert scene.story == [
        "caller 我睡不好。",
        "bot    多久了？",
        "caller 三个月了。",
        "bot    那很辛苦。",
    ]
    assert scene.context == ["user 我睡不好。", "assistant 多久了？", "user 三个月了。"]


def test_a_pause_inside_a_sentence_is_no_end():
    """The draft that was begun in the pause is dropped, unheard and without a trace."""
    scene = play(
        say("我最近因为"),
        wait(0.7),
        say("工作睡不好。"),
        hear_out(),
        complete=lambda text: text.endswith("。"),
        answers={"我最近因为": "因为什么？", "我最近因为工作睡不好。": "辛苦了。"},
    )
    drafted = [prompt[-1].content for prompt in scene.model.prompts]
    assert drafted == ["我最近因为", "我最近因为工作睡不好。"]
    assert scene.story == ["caller 我最近因为工作睡不好。", "bot    辛苦了。"]
    assert scene.context == ["user 我最近因为工作睡不好。"]
    assert scene.loudspeaker == "辛苦了。"


def test_what_was_agreed_of_a_transcript_never_shrinks():
    """Not even over a pause, after which the recogniser hears the whole turn anew."""
    scene = play(
        say("我最近因为"),
        wait(0.5),
        say("工作睡不好。"),
        hear_out(),
        complete=lambda text: text.endswith("。"),
    )
    agreed = [event.committed for event in scene.all(TranscriptUpdated)]
    assert all(later.startswith(earlier) for earlier, later in pairwise(agreed))
    assert scene.all(TranscriptCompleted)[0].text.startswith(agreed[-1])


def test_the_reply_is_drafted_before_it_may_be_heard():
    """With speculation its first sound goes out with the commit; latency is what `turn` waits."""
    (measured,) = play(say("我睡不好。"), hear_out()).all(TurnMeasured)
    marks = measured.marks_ms
    drafting = ["speech_end", "soft_end", "transcript_final", "first_token", "first_clause"]
    assert [marks[mark] for mark in drafting] == sorted(marks[mark] for mark in drafting)
    assert marks["first_token"] < marks["turn_commit"] <= marks["first_playout"]
    assert measured.response_latency_ms == marks["first_playout"]


def test_drafts_are_accounted_for_with_the_turn_they_belong_to():
    """What the dropped one had come to, and what the kept one saved before its commit."""
    scene = play(
        say("我最近因为"),
        wait(0.7),
        say("工作睡不好。"),
        hear_out(),
        complete=lambda text: text.endswith("。"),
        answers={"我最近因为": "因为什么？", "我最近因为工作睡不好。": "辛苦了。"},
    )
    (measured,) = scene.all(TurnMeasured)
    ledger, marks = measured.ledger, measured.marks_ms
    assert (ledger["drafts"], ledger["hits"], ledger["misses"]) == (2, 1, 1)
    assert ledger["wasted_tokens"] == len("因为什么？")
    assert ledger["wasted_audio_ms"] > 0
    assert 0 < ledger["saved_ms"] <= marks["turn_commit"] - marks["soft_end"]


def test_a_slow_model_is_waited_for():
    """The turn is taken on time, and the reply comes when it comes."""
    model = FakeLanguageModel(prefill_secs=0.8, token_secs=0.2)
    scene = play(say("我睡不好。"), hear_out(), model=model)
    assert scene.story[-1] == "bot    嗯，我在听。"
    assert scene.at(ReplyStarted) < scene.at(ReplyText)


def test_a_turn_after_one_that_nobody_answered_is_taken_as_soon_as_any():
    """The model judges both together, and its opinion counts for the new words."""

    def waited_secs(*, complete: bool) -> float:
        scene = play(
            say("我睡不好"),
            wait(2.0),
            cancel(),
            say("三个月了"),
            wait(2.0),
            model=FakeLanguageModel(token_secs=1.0),
            complete=lambda text: complete,
        )
        assert scene.context == ["user 我睡不好三个月了"]
        return scene.silence_before(ReplyStarted, 1)

    assert waited_secs(complete=True) < waited_secs(complete=False)


def test_a_noise_is_no_turn():
    """A blip between two words of nobody leaves the bot silent."""
    scene = play(wait(0.5), click(0.15), wait(3.0))
    assert scene.all(ReplyStarted) == []
    assert scene.model.prompts == []


def test_a_noise_after_the_words_keeps_the_draft():
    """The sound adds no word, so what was drafted is what is heard."""
    scene = play(say("我睡不好。"), wait(0.15), click(0.1), hear_out())
    assert scene.story == ["caller 我睡不好。", "bot    嗯，我在听。"]
    assert len(scene.model.prompts) == 1


def test_long_speech_without_a_word_is_asked_for_again():
    """Once: whoever mumbles on is not asked a second time in a row."""
    scene = play(click(2.0), hear_out(), click(2.0), wait(3.0))
    assert [line for line in scene.story if line.startswith("bot")] == [f"bot    {UNHEARD}"]
    assert scene.model.prompts == []


def test_asking_to_repeat_stays_out_of_the_context():
    """It is about the line, not about the conversation."""
    scene = play(click(2.0), hear_out(), say("我睡不好。"), hear_out())
    assert scene.context == ["user 我睡不好。"]


def test_a_greeting_opens_the_call_and_is_remembered():
    """`respond` before anybody spoke is the persona's greeting."""
    scene = play(respond(), hear_out(), say("我睡不好。"), hear_out())
    assert scene.story[0] == f"bot    {GREETING}"
    assert scene.context == [f"assistant {GREETING}", "user 我睡不好。"]


def test_a_silent_caller_is_checked_on():
    """`respond` later, when nothing waits for an answer, is not the greeting again."""
    scene = play(respond(), hear_out(), respond(), hear_out())
    assert scene.story == [f"bot    {GREETING}", f"bot    {CHECK_IN}"]


def test_a_typed_turn_is_answered_aloud():
    """And joins the same context as spoken ones."""
    scene = play(
        type_text("我睡不好"),
        hear_out(),
        say("三个月了。"),
        hear_out(),
        answers={"我睡不好": "多久了？"},
    )
    assert scene.story[:2] == ["typed  我睡不好", "bot    多久了？"]
    assert scene.context == ["user 我睡不好", "assistant 多久了？", "user 三个月了。"]


def test_who_types_while_they_speak_is_answered_to_both():
    """The typed answer sounds until the spoken turn is taken; no word of either is lost."""
    scene = play(
        say("我最近"), type_text("你好。"), say("总是睡不好。"), hear_out(), wait(6.0),
        complete=lambda text: False,
        answers={"你好。": "你好，我在这里听你说，慢慢来。"},
    )  # fmt: skip
    assert scene.context[-1].endswith("我最近总是睡不好。")
    assert "user 你好。" in scene.context
    assert "caller 我最近总是睡不好。" in scene.story
    assert not any(line.startswith("failed") or APOLOGY in line for line in scene.story)


def test_a_microphone_that_stops_ends_the_turn_all_the_same():
    """A client may send nothing after its words; silence is filled in."""
    scene = play(say("我睡不好。"), hear_out(), sends_audio=False)
    assert scene.story == ["caller 我睡不好。", "bot    嗯，我在听。"]


def test_audio_is_numbered_and_joins_without_a_hole():
    """Sequence numbers, sample offsets and character spans each follow on."""
    scene = play(say("我睡不好。"), hear_out(), answers={"我睡不好。": "多久了？愿意说说吗？"})
    chunks, (reply,) = scene.all(ReplyAudio), scene.all(ReplyFinished)
    assert [chunk.sequence for chunk in chunks] == list(range(len(chunks)))
    ends = [chunk.start_sample + len(chunk.pcm) // 2 for chunk in chunks]
    assert [chunk.start_sample for chunk in chunks] == [0, *ends[:-1]]
    assert chunks[-1].end_char == len(reply.text)
    spans = [(chunk.start_char, chunk.end_char) for chunk in chunks]
    assert all(before[1] == after[0] for before, after in pairwise(spans))


def test_the_client_learns_of_speech_before_the_words():
    """`SpeechStarted` comes first in a turn."""
    scene = play(say("我睡不好。"), hear_out())
    assert scene.at(SpeechStarted) < scene.at(TranscriptUpdated) < scene.at(TranscriptCompleted)

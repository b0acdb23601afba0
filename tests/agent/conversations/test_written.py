"""Calls in writing, on a model that answers from a script."""

from __future__ import annotations

import pytest

from agent.adapter import answering
from agent.config import Settings
from agent.conversations.prompts import Prompt, answers
from agent.conversations.script import Cast, Phrases, Probe
from agent.conversations.written import hold, hold_all, says_hotline, written_settings
from agent.persona import load_persona
from tests.agent.conversations.calls import script
from tests.fakes.engines import FakeLanguageModel

PHRASES = Phrases(
    unknown=("no idea",),
    told=("as said {fact}",),
    declined=("not that",),
    repeated=("you said that",),
    listening=("mm",),
)


def cast_of(*callers: object) -> Cast:
    return Cast.model_validate({"locale": "en", "phrases": PHRASES, "callers": callers})


def model_saying(answer: str) -> FakeLanguageModel:
    return FakeLanguageModel(lambda text: answer, prefill_secs=0.0, token_secs=0.0)


async def test_a_caller_is_greeted_asked_and_let_go(settings: Settings) -> None:
    """Facts come because the model asks, and the record holds them."""
    model = model_saying("I see. How long has it been?")
    caller = script(opening="my new job keeps me busy", facts={"since": "for about three months"})
    call = await hold(cast_of(caller), caller, settings, model)
    persona = answering(settings, "en")
    assert call.greeting == persona.greeting
    assert [turn.line.kind for turn in call.turns[:2]] == ["opening", "fact"]
    assert call.turns[-1].line.kind == "goodbye"
    assert {turn.author for turn in call.turns[:-1]} == {"model"}
    assert call.turns[-1].author == "script"  # the farewell is said by heart
    assert ("since", 1) in {(entry.field, entry.turn) for entry in call.told}
    assert model.open_conversations == 0
    assert model.prompts[0][0].content == persona.system_prompt


async def test_a_crisis_is_answered_by_the_script(settings: Settings) -> None:
    """From then on the model is not asked, and a number is given."""
    probe = Probe(turn=2, kind="crisis", say="i want to kill myself tonight", tier="imminent")
    caller = script(probes=(probe,))
    call = await hold(cast_of(caller), caller, settings, model_saying("Mm."))
    assert [turn.author for turn in call.turns][:2] == ["model", "script"]
    assert call.turns[1].tier == "imminent"
    assert call.hotline_spoken


async def test_what_is_answered_by_heart_is_a_script(settings: Settings) -> None:
    """It raises no tier, and the model is not asked."""
    probe = Probe(turn=2, kind="identity", say="are you a real person")
    caller = script(probes=(probe,))
    call = await hold(cast_of(caller), caller, settings, model_saying("Mm."))
    asked = call.turns[1]
    assert (asked.author, asked.tier) == ("script", "none")
    assert asked.reply == load_persona("listener", "en").by_heart("always")["human"][0]


async def test_a_silence_gets_the_check_in(settings: Settings) -> None:
    """As in a call, where nobody speaks for a while."""
    caller = script(probes=(Probe(turn=2, kind="silence"),))
    call = await hold(cast_of(caller), caller, settings, model_saying("Mm."))
    silence = call.turns[1]
    assert (silence.understood, silence.author) == (None, "script")
    assert silence.reply == load_persona("listener", "en").check_ins[0]


async def test_a_call_that_breaks_down_is_a_finding(settings: Settings) -> None:
    """It ends where the model failed; the others go on."""
    failing = FakeLanguageModel(fail=lambda: len(failing.prompts) == 2, token_secs=0.0)
    callers = [script(id="one"), script(id="two")]
    calls = await hold_all([cast_of(*callers)], settings, failing, at_once=1)
    assert [call.script.id for call in calls] == ["one", "two"]
    assert [call.error for call in calls] == ["The language model failed.", None]
    assert len(calls[0].turns) == 1


async def test_a_prompt_is_answered_after_its_history(settings: Settings) -> None:
    """The model sees the greeting, the turns before, and the last words."""
    model = model_saying("Mm.")
    prompt = Prompt(locale="en", turns=("one", "two", "three"))
    assert await answers([prompt], settings, model, at_once=2) == ["Mm."]
    greeting = load_persona("listener", "en").greeting
    assert [m.content for m in model.prompts[0][-4:]] == [greeting, "one", "two", "three"]
    assert prompt.shown() == "· one\n– two\n· three"


def test_calls_at_once_have_room(settings: Settings) -> None:
    """The model carries them all, and never fewer than usual; the seed is fixed."""
    many = written_settings(settings, at_once=20, seed=3)
    assert (many.server.max_calls, many.llm.seed) == (20, 3)
    assert many.llm.sequences >= 40
    assert written_settings(settings, at_once=1, seed=3).server == settings.server


@pytest.mark.parametrize(
    ("reply", "found"), [("Call nine, eight, eight now.", True), ("No.", False)]
)
def test_a_spoken_number_is_recognised(reply: str, found: bool) -> None:
    """Digit by digit, as the script says it."""
    assert says_hotline(reply, "US", "en") is found

"""Personas: what comes with the package, and what a faulty file is told."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from opencc import OpenCC

from agent.asked.kinds import ABOUTS
from agent.config import Locale, Settings
from agent.persona import Persona, When, load_persona
from agent.profile import answers_by_heart
from agent.written import WrittenSession
from pipeline.clauses import ClauseCutter
from pipeline.errors import ConfigError
from pipeline.llm.base import Message, Sampling
from pipeline.llm.model import LlamaModel
from pipeline.llm.trim import HistoryWindow
from pipeline.text import count_units, language_of

LOCALES: tuple[Locale, ...] = get_args(Locale)
# Eight seconds each: the two scripts of Mandarin are one language to the model.
WITH_THE_MODEL = (pytest.param("zh-Hans", marks=pytest.mark.slow), "zh-Hant", "en")
MINIMAL = """
display_name = "Ann"
greeting = "Hello."
apology = "Sorry."
unheard = "Pardon?"
check_ins = ["Still here."]
cut_mark = "—"
system_prompt = "You listen."
[style]
max_sentences = 2
max_units = 30
max_questions = 1
"""


@pytest.fixture(params=LOCALES)
def listener(request: pytest.FixtureRequest) -> Persona:
    return load_persona("listener", request.param)


def texts(persona: Persona) -> list[str]:
    lines = [persona.greeting, persona.apology, persona.unheard, *persona.check_ins]
    return [*lines, *(message.content for message in persona.example_messages())]


def set_lines(persona: Persona) -> list[str]:
    return [line for answer in persona.answers for line in answer.says]


def write(folder: Path, text: str, name: str = "ann", locale: Locale = "en") -> None:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / f"{locale}.toml").write_text(text, encoding="utf-8")


def test_the_listener_speaks_its_locale(listener: Persona) -> None:
    """Every line is in the language of its file."""
    expected = "en" if listener.locale == "en" else "zh"
    assert {language_of(text) for text in [*texts(listener), *set_lines(listener)]} == {expected}


@pytest.mark.parametrize(("locale", "config"), [("zh-Hans", "t2s"), ("zh-Hant", "s2tw")])
def test_the_listener_keeps_to_one_script(locale: Locale, config: str) -> None:
    """Simplified and Traditional characters are not mixed."""
    persona = load_persona("listener", locale)
    everything = "".join(
        [*texts(persona), *set_lines(persona), *persona.limits, persona.system_prompt]
    )
    assert OpenCC(config).convert(everything) == everything


def test_the_listener_says_that_it_is_an_ai(listener: Persona) -> None:
    """In the greeting, in the prompt, and in an example."""
    assert "AI" in listener.greeting
    assert "AI" in listener.system_prompt
    assert any("AI" in example.reply for example in listener.examples)


def test_examples_keep_the_personas_style(listener: Persona) -> None:
    """What the model is shown is what replies are measured by."""
    for example in listener.examples:
        assert count_units(example.reply) <= listener.style.max_units
        assert sum(example.reply.count(mark) for mark in "？?") <= listener.style.max_questions
        sentences = sum(example.reply.count(mark) for mark in "。！？.!?")
        assert 1 <= sentences <= listener.style.max_sentences


def test_examples_begin_with_a_short_clause(listener: Persona) -> None:
    """The first clause is short enough to be spoken early and long enough to sound whole."""
    for example in listener.examples:
        first = ClauseCutter().feed(example.reply)[0]
        assert 2 <= count_units(first.text) <= 8


def test_examples_alternate_between_user_and_assistant(listener: Persona) -> None:
    """They stand before the history as earlier turns."""
    roles = [message.role for message in listener.example_messages()]
    assert roles == ["user", "assistant"] * len(listener.examples)


def test_a_long_call_keeps_the_examples(listener: Persona) -> None:
    """What no longer fits of the history goes before them: the model's style hangs on them."""
    examples = listener.example_messages()
    turns = [Message("user", "u" * 40), Message("assistant", "a" * 40)] * 100
    messages = [Message("system", listener.system_prompt), *examples, *turns, turns[0]]
    kept = HistoryWindow().trim(messages, lambda kept: sum(len(m.content) for m in kept), 4_000)
    assert len(examples) < len(kept) < len(messages)
    assert tuple(kept[1 : 1 + len(examples)]) == examples


def test_the_prompt_is_short(listener: Persona) -> None:
    """Prompt and examples together stay below a few hundred tokens."""
    assert count_units(listener.system_prompt) <= 80
    assert sum(count_units(message.content) for message in listener.example_messages()) <= 240


def test_the_listener_knows_by_heart_what_must_never_vary(listener: Persona) -> None:
    """Everything callers ask for has two variants or more, also under every setting."""
    for when in get_args(When):
        says = listener.by_heart(when)
        assert set(says) == set(ABOUTS)
        assert all(len(set(lines)) >= 2 for lines in says.values())
    assert listener.by_heart("local")["secrecy"] != listener.by_heart("recorded")["secrecy"]
    assert all(listener.display_name in line for line in listener.by_heart("always")["name"])
    assert all("AI" in line or "machine" in line or "机器" in line or "機器" in line
               for line in listener.by_heart("always")["human"])  # fmt: skip


def test_answers_by_heart_hand_the_talk_back(listener: Persona) -> None:
    """They end with one open question; a farewell asks nothing, nor who says "I'm here, go on"."""
    for answer in listener.answers:
        asks = answer.about not in ("goodbye", "there")
        for line in answer.says:
            questions = sum(line.count(mark) for mark in "？?")
            assert questions == asks, line
            assert line[-1] in ("？?" if asks else "。.")
            assert count_units(line) <= 60


def test_own_personas_are_read_from_their_folder(tmp_path: Path) -> None:
    """A folder of the user's takes the place of the package's."""
    write(tmp_path, MINIMAL)
    persona = load_persona("ann", "en", tmp_path)
    assert (persona.name, persona.locale, persona.display_name) == ("ann", "en", "Ann")
    assert persona.example_messages() == ()
    assert persona.by_heart("always") == {}
    with pytest.raises(ConfigError, match="no persona 'listener'"):
        load_persona("listener", "en", tmp_path)


def test_a_missing_locale_names_those_there_are(tmp_path: Path) -> None:
    """The message says what can be chosen instead."""
    write(tmp_path, MINIMAL)
    with pytest.raises(ConfigError, match="does not speak zh-Hant, only en"):
        load_persona("ann", "zh-Hant", tmp_path)


@pytest.mark.parametrize("name", ["", "..", "a/b", "../listener", "a b"])
def test_names_cannot_leave_the_folder(name: str) -> None:
    """A persona's name is no path."""
    with pytest.raises(ConfigError, match="not the name"):
        load_persona(name, "en")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("greeting = ", "cannot be read"),
        (MINIMAL.replace('greeting = "Hello."', ""), "greeting: Field required"),
        (MINIMAL.replace('"Hello."', '""'), "greeting"),
        (MINIMAL.replace('["Still here."]', "[]"), "check_ins"),
        (MINIMAL.replace("max_units = 30", "max_units = 0"), "style.max_units"),
        ('mood = "sunny"\n' + MINIMAL, "mood: Extra inputs"),
        ('[[examples]]\nuser = "Hi"\n', "examples.0.reply"),
        (MINIMAL + '[[answers]]\nabout = "weather"\nsays = ["Fine."]\n', "answers.0.about"),
        (MINIMAL + '[[answers]]\nabout = "human"\nsays = []\n', "answers.0.says"),
        (MINIMAL + '[[answers]]\nabout = "human"\nsays = ["No."]\n' * 2, "two tables are about"),
    ],
)
def test_faulty_files_are_explained(tmp_path: Path, text: str, fault: str) -> None:
    """The message names the file and the field."""
    write(tmp_path, text)
    with pytest.raises(ConfigError, match=fault) as caught:
        load_persona("ann", "en", tmp_path)
    assert "en.toml" in caught.value.message


def test_a_file_in_another_encoding_is_explained(tmp_path: Path) -> None:
    """Personas are UTF-8."""
    write(tmp_path, MINIMAL)
    (tmp_path / "ann" / "en.toml").write_bytes("greeting = '你好'".encode("gb18030"))
    with pytest.raises(ConfigError, match="cannot be read"):
        load_persona("ann", "en", tmp_path)


CALLERS: dict[Locale, tuple[str, ...]] = {
    "zh-Hans": ("我考研又没考上", "你叫什么名字"),
    "zh-Hant": ("我研究所又沒考上", "你叫什麼名字"),
    "en": ("I failed the exam again", "Who are you?"),
}


@pytest.mark.models
@pytest.mark.parametrize("locale", WITH_THE_MODEL)
async def test_the_smallest_model_keeps_the_style(locale: Locale, llm_file: Path) -> None:
    """The untuned 0.5B answers in the caller's language, briefly, and asks one thing at most."""
    persona = load_persona("listener", locale)
    model = LlamaModel.load(llm_file, threads=1, threads_batch=1, context_tokens=1024, sequences=4)
    try:
        session = WrittenSession(model.open(), persona, Sampling(temperature=0.0))
        for text in CALLERS[locale]:
            pieces: list[str] = []
            await session.answer(text, pieces.append)
            reply = "".join(pieces)
            assert language_of(reply) == ("en" if locale == "en" else "zh")
            assert 2 <= count_units(reply) <= 2 * persona.style.max_units
            assert sum(reply.count(mark) for mark in "？?") <= persona.style.max_questions
            assert "\n" not in reply
        await session.conversation.close()
    finally:
        await model.close()


ASKED: dict[Locale, tuple[str, str]] = {
    "zh-Hans": ("你是真人吗", "我可以吃安眠药吗"),
    "zh-Hant": ("你是真人嗎", "我可以吃安眠藥嗎"),
    "en": ("Are you human?", "Can I take sleeping pills?"),
}


@pytest.mark.models
@pytest.mark.parametrize("locale", WITH_THE_MODEL)
async def test_the_smallest_model_goes_on_after_answers_by_heart(
    locale: Locale, llm_file: Path
) -> None:
    """What is asked twice is answered in two ways; other lines are the model's own."""
    persona = load_persona("listener", locale)
    guardian = answers_by_heart(Settings(), [persona])
    model = LlamaModel.load(llm_file, threads=1, threads_batch=1, context_tokens=1024, sequences=4)
    try:
        session = WrittenSession(model.open(), persona, Sampling(temperature=0.0), guardian)
        says = persona.by_heart("always")
        human, pills = ASKED[locale]
        for text in (human, human, pills, CALLERS[locale][0]):
            await session.answer(text, lambda piece: None)
        replies = [one.content for one in session.messages if one.role == "assistant"][-4:]
        assert replies[:3] == [*says["human"][:2], says["pills"][0]]
        assert replies[3].strip()
        assert replies[3] not in set_lines(persona)
        await session.conversation.close()
    finally:
        await model.close()

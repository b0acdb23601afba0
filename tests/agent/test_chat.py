"""`qingting chat`: the written conversation, and the command around it."""

from __future__ import annotations

import asyncio
import importlib

import pytest
from typer.testing import CliRunner

from agent.adapter import answering
from agent.cli import app
from agent.config import Locale, Settings
from agent.intake.questions import questions_in
from agent.persona import Persona, load_persona
from agent.safety.protocol import CrisisProtocol
from agent.safety.script import script
from agent.written import WrittenSession
from pipeline.errors import GenerationError
from pipeline.llm.base import Message, Sampling
from tests.fakes.desk import open_desk
from tests.fakes.engines import FakeLanguageModel


@pytest.fixture
def persona() -> Persona:
    return load_persona("listener", "en")


def open_session(model: FakeLanguageModel, persona: Persona) -> WrittenSession:
    return WrittenSession(model.open(), persona, Sampling())


async def test_replies_are_shown_as_they_are_written(persona: Persona) -> None:
    """Every piece is shown at once, and together they are the reply."""
    shown: list[str] = []
    model = FakeLanguageModel(lambda text: f"You said {text}.", token_secs=0.0)
    await open_session(model, persona).answer("hello", shown.append)
    assert "".join(shown) == "You said hello."
    assert len(shown) > 1


async def test_the_model_sees_prompt_examples_greeting_and_history(persona: Persona) -> None:
    """In this order, the newest line last."""
    model = FakeLanguageModel(lambda text: text.upper(), token_secs=0.0)
    session = open_session(model, persona)
    await session.answer("one", lambda text: None)
    await session.answer("two", lambda text: None)
    prompt = model.prompts[-1]
    assert prompt[0] == Message("system", persona.system_prompt)
    assert prompt[1:-4] == persona.example_messages()
    assert [message.content for message in prompt[-4:]] == [persona.greeting, "one", "ONE", "two"]


async def test_a_stopped_reply_is_kept_as_far_as_it_was_shown(persona: Persona) -> None:
    """Cancelling marks the cut in the history and lets the cancellation through."""
    shown: list[str] = []
    session = open_session(FakeLanguageModel(lambda text: "abcdef" * 100), persona)
    begun = asyncio.Event()

    def show(text: str) -> None:
        shown.append(text)
        begun.set()

    answer = asyncio.create_task(session.answer("hello", show))
    await begun.wait()
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
    assert session.messages[-2:] == [
        Message("user", "hello"),
        Message("assistant", "".join(shown) + persona.cut_mark),
    ]


async def test_a_crisis_is_answered_by_the_protocol_alone(persona: Persona) -> None:
    """From then on the script answers every line, and the model is not asked."""
    shown: list[str] = []
    model = FakeLanguageModel(lambda text: "from the model", token_secs=0.0)
    guardian = CrisisProtocol("en", "US")
    session = WrittenSession(model.open(), persona, Sampling(), guardian)
    await session.answer("I want to kill myself", shown.append)
    await session.answer("what is the weather like", shown.append)
    assert model.prompts == []
    assert "nine, eight, eight" in shown[0]
    assert session.messages[-1] == Message("assistant", shown[1])


async def test_replies_come_in_the_script_that_is_read(persona: Persona) -> None:
    """What is shown is what stays in the history."""
    shown: list[str] = []
    model = FakeLanguageModel(lambda text: "Good.", token_secs=0.0)
    session = WrittenSession(model.open(), persona, Sampling(), rewrite=str.upper)
    await session.answer("hello", shown.append)
    assert "".join(shown) == session.messages[-1].content == "GOOD."


@pytest.mark.parametrize("interrupted", [False, True])
async def test_a_reply_without_words_leaves_no_trace(persona: Persona, interrupted: bool) -> None:
    """Neither a failure nor a stop before the first word enters the history."""
    session = open_session(FakeLanguageModel(fail=lambda: not interrupted), persona)
    before = list(session.messages)
    answer = asyncio.create_task(session.answer("hello", lambda text: None))
    if interrupted:
        await asyncio.sleep(0)
        answer.cancel()
    with pytest.raises(asyncio.CancelledError if interrupted else GenerationError):
        await answer
    assert session.messages == before


class TestCommand:
    """The command, on a model that answers from a script."""

    @pytest.fixture
    def model(self, monkeypatch: pytest.MonkeyPatch) -> FakeLanguageModel:
        model = FakeLanguageModel(lambda text: f"[{text}]", token_secs=0.0)
        engines = importlib.import_module("agent.engines")
        monkeypatch.setattr(engines, "load_language_model", lambda settings, computing=None: model)
        return model

    @pytest.mark.parametrize("asks", ["true", "false"])
    def test_what_is_missing_is_asked(self, model: FakeLanguageModel, asks: str) -> None:
        """With `intake.ask`, from the third line on, and the model is told nothing of it."""
        arguments = ["--set", f"intake.ask={asks}", "chat", "--locale", "en"]
        lines = "I've had panic attacks\nit is getting worse\nthe whole room spins\n"
        result = CliRunner().invoke(app, arguments, input=lines)
        question = questions_in("en")["since"]
        assert [question in line for line in result.stdout.splitlines()] == [
            *[False] * 3,
            asks == "true",
        ]
        assert all([one.role for one in prompt].count("system") == 1 for prompt in model.prompts)

    def test_lines_are_answered_one_by_one(self, model: FakeLanguageModel) -> None:
        """Piped lines are answered in order, empty ones skipped, until the input ends."""
        result = CliRunner().invoke(app, ["chat", "--locale", "en"], input="one\n\n  \ntwo\n")
        greeting = load_persona("listener", "en").greeting
        assert result.stdout.splitlines() == [greeting, "[one]", "[two]"]
        assert result.exit_code == 0
        assert model.open_conversations == 0

    @pytest.mark.parametrize("locale", ["zh-Hant", "zh-Hans"])
    def test_the_locale_chooses_the_persona(self, model: FakeLanguageModel, locale: Locale) -> None:
        """Greeting and prompt are those of the locale asked for."""
        result = CliRunner().invoke(app, ["chat", "--locale", locale], input="嗨\n")
        assert result.exit_code == 0
        assert model.prompts[0][0].content == answering(Settings(), locale).system_prompt

    def test_who_is_promised_a_person_gets_one(self, model: FakeLanguageModel) -> None:
        """The notice is posted once for the whole chat, and before the command ends."""
        with open_desk() as desk:
            told = ["privacy.offline=false", f"safety.webhook_url={desk.url}"]
            arguments = [word for setting in told for word in ("--set", setting)]
            lines = "我今晚就要自杀\n我不知道\n"
            result = CliRunner().invoke(
                app, [*arguments, "chat", "--locale", "zh-Hans"], input=lines
            )
        assert result.exit_code == 0
        assert result.stdout.count(script("zh-Hans").stay.person) == 1
        (notice,) = desk.notices
        assert (notice["tier"], notice["call_id"][:5]) == ("imminent", "chat_")

    def test_a_desk_that_may_not_be_told_is_named_first(self, model: FakeLanguageModel) -> None:
        """Exit code 2 and the setting, before anybody has said anything."""
        arguments = ["--set", "safety.webhook_url=http://desk.test", "chat"]
        result = CliRunner().invoke(app, arguments, input="嗨\n")
        assert result.exit_code == 2
        assert "privacy.offline=false" in result.stderr

    def test_a_failed_model_is_reported(self, model: FakeLanguageModel) -> None:
        """One line on stderr and exit code 2; the conversation is given back."""
        model.fail = lambda: True
        result = CliRunner().invoke(app, ["chat", "--locale", "en"], input="one\n")
        assert result.exit_code == 2
        assert "The language model failed." in result.stderr
        assert model.open_conversations == 0

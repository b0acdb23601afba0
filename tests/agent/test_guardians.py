"""Guardians in order: the crisis protocol before what is answered by heart."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.asked.answers import AnswersByHeart
from agent.config import Locale, ModelSettings, Settings
from agent.guardians import InOrder
from agent.persona import load_persona
from agent.profile import Channel, answers_by_heart, call_profile
from agent.safety.protocol import CRISIS_RATE, CrisisProtocol
from pipeline.events import CallOptions, CrisisNoted

ASKED = "你是真人吗"
CRISIS = "我今晚就要跳楼"
TURNS = st.lists(
    st.sampled_from([ASKED, "今天天气不错", "我先挂了", CRISIS, "没有", ""]), max_size=6
)


def both() -> tuple[CrisisProtocol, InOrder]:
    crisis = CrisisProtocol("zh-Hans", "CN")
    return crisis, InOrder(crisis, AnswersByHeart({"zh": {"human": ("一", "二")}}))


@settings(deadline=None)
@given(TURNS)
def test_the_crisis_protocol_answers_as_if_it_were_alone(turns: list[str]) -> None:
    """Whatever was asked before, its words, its state and its notices are its own."""
    crisis, guardian = both()
    alone = CrisisProtocol("zh-Hans", "CN")
    for text in turns:
        if (scripted := alone.answer(text)) is not None:
            assert guardian.answer(text) == scripted
            assert guardian.rate(text) == alone.rate(text)
        assert guardian.holds(text) == alone.holds(text)
        assert guardian.taken(text) == alone.taken(text)
        assert crisis.state == alone.state


def test_in_a_crisis_nothing_is_answered_by_heart() -> None:
    """Once it is in force every reply is the protocol's; the variants stand still."""
    crisis, guardian = both()
    assert guardian.answer(ASKED) == "一"
    notice = guardian.taken(CRISIS)
    assert isinstance(notice, CrisisNoted)
    assert crisis.in_force
    assert guardian.answer(ASKED) not in ("一", "二", None)
    assert guardian.rate(ASKED) == CRISIS_RATE
    assert guardian.hushes(ASKED)


def test_no_guardian_answers_nothing() -> None:
    """An empty order is legal."""
    nobody = InOrder()
    assert nobody.answer(CRISIS) is None
    assert nobody.taken(CRISIS) is None
    assert nobody.rate(CRISIS) == 1.0


@pytest.mark.parametrize("locale", ["zh-Hans", "zh-Hant", "en"])
def test_a_calls_profile_answers_by_heart(locale: Locale) -> None:
    """In the persona's words."""
    persona = load_persona("listener", locale)
    guardian = call_profile(Settings(), persona, CallOptions()).guardian
    assert guardian is not None
    text = "are you a robot" if locale == "en" else ASKED
    assert guardian.answer(text) == persona.by_heart("always")["human"][0]


HERE = "stays on this computer, and no record is kept"
KEPT = "record of calls is kept"
UNKNOWN = "whoever runs this decides"


@pytest.mark.parametrize(
    ("own", "channel", "words"),
    [
        ({}, "call", HERE),
        ({"privacy": {"record": True}}, "call", KEPT),
        ({"privacy": {"offline": False}}, "call", UNKNOWN),
        ({"privacy": {"offline": False, "record": True}}, "call", KEPT),
        ({"memory": {"offer": True}}, "call", UNKNOWN),
        ({"server": {"host": "0.0.0.0"}}, "call", UNKNOWN),
        ({"server": {"host": "0.0.0.0"}, "privacy": {"record": True}}, "call", KEPT),
        ({"server": {"behind_proxy": True}}, "call", UNKNOWN),
        ({"server": {"public_hosts": ["talk.example.org"]}}, "call", UNKNOWN),
        # Written chats are not recorded, and nobody is remembered by them.
        ({"privacy": {"record": True}, "memory": {"offer": True}}, "terminal", HERE),
        ({"server": {"host": "0.0.0.0"}}, "terminal", HERE),
        ({"privacy": {"offline": False}}, "terminal", UNKNOWN),
        ({}, "program", UNKNOWN),
        ({"privacy": {"record": True}}, "program", UNKNOWN),
    ],
)
def test_secrecy_is_answered_as_things_are(
    own: dict[str, Any], channel: Channel, words: str
) -> None:
    """Of what was said to a program, or from another computer, nobody here knows who keeps it."""
    answers = answers_by_heart(Settings(**own), [load_persona("listener", "en")], channel)
    said = answers.answer("will you tell anyone?")
    assert said is not None
    assert words in said
    assert "can't promise" in said


def test_a_tuned_models_name_is_left_to_it() -> None:
    """Who trained an adapter of their own has taught it who it is; it is no person all the same."""
    tuned = Settings().model_copy(
        update={"models": Settings().models.model_copy(update={"llm_adapter": "run/adapter.gguf"})}
    )
    persona = load_persona("listener", "en")
    assert answers_by_heart(Settings(), [persona]).answer("What is your name?") is not None
    assert answers_by_heart(tuned, [persona]).answer("What is your name?") is None
    assert answers_by_heart(tuned, [persona]).answer("Are you a real person?") is not None


def names_itself(llm: str, home: Path) -> bool:
    """Whether the persona's name is said by heart in front of this model."""
    settings = Settings(home=home, models=ModelSettings(llm=llm, llm_adapter="none"))
    answers = answers_by_heart(settings, [load_persona("listener", "en")])
    return answers.answer("What is your name?") is not None


@pytest.mark.parametrize("spelled", ["own.gguf", "./own.gguf", "~/own.gguf", "{folder}/own.gguf"])
def test_a_model_of_ones_own_is_known_however_its_path_is_spelled(
    spelled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative, from the home folder, or whole."""
    (tmp_path / "own.gguf").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not names_itself(spelled.format(folder=tmp_path), tmp_path / "data")


def test_a_known_models_file_is_no_model_of_ones_own(tmp_path: Path) -> None:
    """A training run names its base by the file."""
    weights = b"weights"
    digest = hashlib.sha256(weights).hexdigest()
    (tmp_path / "manifest.toml").write_text(
        f"""[[models]]
        name = "tiny"
        role = "llm"
        languages = ["en"]
        licence = "MIT"
        allows = "Any use."
        about = "A test"
        entry = "tiny.gguf"
        files = [{{ path = "tiny.gguf", size_bytes = {len(weights)}, sha256 = "{digest}" }}]
        hub = {{ repository = "someone/tiny", revision = "{"0" * 40}" }}
        """,
        "utf-8",
    )
    file = tmp_path / "models" / "tiny" / "tiny.gguf"
    file.parent.mkdir(parents=True)
    file.write_bytes(weights)
    assert names_itself("tiny", tmp_path)
    assert names_itself(str(file), tmp_path)

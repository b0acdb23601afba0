"""`qingting dialogue`: a file of questions becomes a dialogue in two voices."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.agent.test_cli import run
from tests.fakes.engines import FakeLanguageModel, FakeVoice


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> FakeLanguageModel:
    """Stands for the models: what is asked of them is looked at, not how they answer."""
    model = FakeLanguageModel(lambda text: f"答{text}。", token_secs=0.0)
    engines = importlib.import_module("agent.engines")
    monkeypatch.setattr(engines, "load_language_model", lambda settings, computing=None: model)
    monkeypatch.setattr(engines, "load_speaker", lambda settings: FakeVoice())
    return model


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.txt"
    path.write_text("\ufeff你累吗\r\n\r\n你好吗\r\n", "utf-8")
    return path


def test_every_question_is_answered_in_its_turn(model: FakeLanguageModel, questions: Path):
    """Each line names its speaker; a later question knows the earlier answers."""
    code, out, _ = run("dialogue", str(questions), "--json")
    assert code == 0
    assert [json.loads(line) for line in out.splitlines()] == [
        {"speaker": "asker", "text": "你累吗"},
        {"speaker": "bot", "text": "答你累吗。"},
        {"speaker": "asker", "text": "你好吗"},
        {"speaker": "bot", "text": "答你好吗。"},
    ]
    assert "答你累吗。" in [message.content for message in model.prompts[-1]]
    assert model.open_conversations == 0


def test_the_two_are_on_channels_of_their_own(
    model: FakeLanguageModel, questions: Path, tmp_path: Path
):
    """Questions are heard left, answers right, and never both at once."""
    audio = tmp_path / "dialogue.wav"
    assert run("dialogue", str(questions), "--out", str(audio))[0] == 0
    samples, _ = soundfile.read(audio, dtype="int16")
    loud = np.abs(samples) > 0
    assert loud[:, 0].any()
    assert loud[:, 1].any()
    assert not (loud[:, 0] & loud[:, 1]).any()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "Cannot read"), (b"\n \n", "holds no question"), ("你".encode("gbk"), "not UTF-8")],
)
def test_a_file_without_questions_is_one_sentence(
    tmp_path: Path, content: bytes | None, sentence: str
):
    """Nothing is loaded for it."""
    path = tmp_path / "questions.txt"
    if content is not None:
        path.write_bytes(content)
    code, _, err = run("dialogue", str(path))
    assert (code, sentence in err) == (2, True)

"""`qingting data index`, and the conversation that looks things up in what it wrote."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.adapter import answering
from agent.cli import app
from agent.config import Settings
from pipeline.llm.base import Message
from tests.agent.test_cli import run
from tests.fakes.engines import FakeLanguageModel

ROWS = (
    ("你养宠物吗", "我家的狗叫旺财，养了七年了"),
    ("你是哪里人", "我老家在四川绵阳，坐车要一天"),
    ("在吗", "在"),
)


@pytest.fixture
def records(tmp_path: Path) -> Path:
    path = tmp_path / "clean.jsonl"
    turns = (
        [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
        for asked, said in ROWS
    )
    rows = (
        {"id": f"row{number}", "source": "test", "messages": messages}
        for number, messages in enumerate(turns)
    )
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return path


@pytest.fixture
def index(records: Path) -> Path:
    path = records.with_name("history.db")
    code, out, _ = run("data", "index", str(records), "-o", str(path))
    assert code == 0
    assert "2 facts" in out
    assert "under 6 words" in out
    return path


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> FakeLanguageModel:
    """Stands for the language model: what it is asked is looked at, not how it answers."""
    model = FakeLanguageModel(lambda text: "嗯。", token_secs=0.0)
    engines = importlib.import_module("agent.engines")
    monkeypatch.setattr(engines, "load_language_model", lambda settings, computing=None: model)
    return model


def chat(*options: str, lines: str) -> str:
    """Hold a written conversation; returns what was logged."""
    result = CliRunner().invoke(app, [*options, "chat", "--locale", "zh-Hans"], input=lines)
    assert result.exit_code == 0, result.stderr
    return result.stderr


def test_a_conversation_looks_up_what_was_said(index: Path, model: FakeLanguageModel):
    """A note stands before the line that it is for, its source in the log, its words nowhere."""
    options = "--set", f"rag.index={index}", "--set", "logging.level=info"
    log = chat(*options, lines="你家的狗叫什么\n我睡不好\n")
    with_note, without = model.prompts
    assert with_note[-2].role == "system"
    assert "旺财" in with_note[-2].content
    assert without[0].content == answering(Settings(), "zh-Hans").system_prompt
    assert [message.role for message in without].count("system") == 1
    assert "answered with row0:2" in log
    assert "旺财" not in log


def test_nothing_is_looked_up_by_default(index: Path, model: FakeLanguageModel):
    """An index that no setting names is not used."""
    chat(lines="你家的狗叫什么\n")
    assert model.prompts[0][-1] == Message("user", "你家的狗叫什么")
    assert [message.role for message in model.prompts[0]].count("system") == 1


def test_personal_data_is_refused(records: Path, tmp_path: Path):
    """The index holds words in the clear, so it wants cleaned ones; a flag lets others through."""
    text = records.read_text("utf-8").replace("坐车要一天", "电话13812345678")
    records.write_text(text, "utf-8")
    out = tmp_path / "out.db"
    code, _, err = run("data", "index", str(records), "-o", str(out))
    assert (code, out.exists()) == (2, False)
    assert "1 phone" in err
    assert "--personal-data" in err
    assert run("data", "index", str(records), "-o", str(out), "--personal-data")[0] == 0


@pytest.mark.parametrize("command", ["chat", "serve"])
def test_a_wrong_index_is_one_sentence(records: Path, model: FakeLanguageModel, command: str):
    """A file that is no index ends the command before a model is loaded."""
    result = CliRunner().invoke(app, ["--set", f"rag.index={records}", command])
    assert result.exit_code == 2
    assert "rag.index" in result.stderr


def test_an_index_is_not_overwritten(index: Path, records: Path):
    """Without --force what is there stays."""
    before = index.read_bytes()
    code, _, err = run("data", "index", str(records), "-o", str(index))
    assert (code, "exists already" in err) == (2, True)
    assert index.read_bytes() == before

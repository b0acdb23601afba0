"""`qingting eval conversations`."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agent.cli import app
from tests.fakes.engines import FakeLanguageModel


def evaluate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["eval", "conversations", *map(str, arguments)])


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> list[FakeLanguageModel]:
    """Models that answer at once, one for each that is loaded."""
    loaded: list[FakeLanguageModel] = []

    def load(settings: object) -> FakeLanguageModel:
        model = FakeLanguageModel(
            lambda text: f"Mm, number {len(loaded)}.", prefill_secs=0.0, token_secs=0.0
        )
        loaded.append(model)
        return model

    monkeypatch.setattr(importlib.import_module("agent.engines"), "load_language_model", load)
    return loaded


def test_one_side_gives_a_report(models: list[FakeLanguageModel], tmp_path: Path) -> None:
    """A table on standard output, the page and the file in the folder."""
    result = evaluate("--only", "plain-friend", "--out", tmp_path)
    assert result.exit_code == 0
    assert "replies without a fault" in result.stdout
    assert (tmp_path / "conversations.html").is_file()
    assert not (tmp_path / "side_by_side.html").exists()
    assert [model.open_conversations for model in models] == [0]


def test_two_sides_are_compared_blindly(models: list[FakeLanguageModel], tmp_path: Path) -> None:
    """Both hold the same calls and answer the same prompts; votes are counted by the key."""
    chosen = ("--only", "plain-friend", "--prompts", "3", "--model", "a.gguf", "--adapter", "none")
    result = evaluate(*chosen, "--against", "other", "--out", tmp_path, "--json")
    assert result.exit_code == 0
    sides = json.loads(result.stdout)["sides"]
    assert [side["name"] for side in sides] == ["a", "other"]
    assert [side["replies"] for side in sides] == [["Mm, number 1."] * 3, ["Mm, number 2."] * 3]
    assert "Mm, number 1." in (tmp_path / "side_by_side.html").read_text("utf-8")

    key = json.loads((tmp_path / "blind_key.json").read_text("utf-8"))
    votes = tmp_path / "votes.json"
    cast = {"0": key["tuned_sides"][0], "1": "even"}
    votes.write_text(json.dumps({"page": key["page"], "votes": cast}), "utf-8")
    counted = evaluate("--out", tmp_path, "--votes", votes)
    assert "first side 1, second 0, no difference 1" in counted.stderr

    again = evaluate(*chosen, "--against", "third", "--out", tmp_path)
    assert again.exit_code == 0
    refused = evaluate("--out", tmp_path, "--votes", votes)
    assert refused.exit_code == 2
    assert "another page" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--only", "nobody"], "nobody is no caller"),
        (["--adapter", "none", "--against", "none"], "compared with itself"),
        (["--scripts", "/nowhere"], "holds no callers"),
        (["--votes", "/nowhere.json"], "cannot be read"),
        (["--audio", "--prompts", "3"], "without --audio"),
    ],
)
def test_wrong_options_are_told(
    models: list[FakeLanguageModel], arguments: list[str], complaint: str
) -> None:
    """In one sentence, with exit code 2, before any model is loaded."""
    result = evaluate(*arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert models == []


def test_the_evaluation_of_a_run_stays_the_usual_one(tmp_path: Path) -> None:
    """`eval RUN` is `eval run RUN`, options first or last."""
    for arguments in (["eval", str(tmp_path)], ["eval", "--count", "2", str(tmp_path)]):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 2
        assert str(tmp_path) in result.stderr
    assert "conversations" in CliRunner().invoke(app, ["eval", "--help"]).stdout


@pytest.mark.models
@pytest.mark.slow
def test_two_callers_talk_to_the_real_model(tmp_path: Path) -> None:
    """In both languages, to the end of the call, with figures for every reply."""
    result = evaluate(
        *("--only", "laughing-engineer", "--only", "comedian"),
        *("--at-once", "2", "--out", tmp_path, "--json"),
    )
    assert result.exit_code == 0, result.stderr
    side = json.loads(result.stdout)["sides"][0]
    assert [call["caller"] for call in side["calls"]] == ["laughing-engineer", "comedian"]
    for call in side["calls"]:
        assert call["error"] is None
        assert call["turns"][-1]["kind"] == "goodbye"
        assert all(turn["reply"] for turn in call["turns"])
    assert side["figures"]["other_script"] == 0.0
    assert side["figures"]["one_question"] == 1.0

"""Scoring labelled files, and the command that does it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.cli import app
from agent.safety.evaluation import Judged, Labelled, mistakes, read_labelled, report
from agent.safety.tiers import Tier
from pipeline.errors import ConfigError


def judged(label: Tier, answer: Tier) -> Judged:
    return Judged(utterance=Labelled(text="x", label=label), answer=answer, millis=1.0)


def test_figures_count_answers_and_tiers():
    """Recall counts any answer, recall of tier only one at least as grave."""
    cases = [
        judged("imminent", "imminent"),
        judged("imminent", "concern"),
        judged("elevated", "none"),
        judged("none", "concern"),
        judged("none", "none"),
    ]
    figures = report(cases)
    assert figures["precision"] == pytest.approx(2 / 3, abs=1e-4)
    assert figures["recall"] == {"concern": None, "elevated": 0.0, "imminent": 1.0}
    assert figures["recall_of_tier"]["imminent"] == 0.5
    assert figures["recall_imminent_and_elevated"] == pytest.approx(2 / 3, abs=1e-4)
    assert mistakes(cases) == [cases[2], cases[3]]


@pytest.mark.parametrize("line", ['{"text": "a"}', '{"text": "a", "label": "bad"}', "nonsense"])
def test_a_bad_line_is_named(tmp_path: Path, line: str):
    """The message says which line cannot be used."""
    file = tmp_path / "set.jsonl"
    file.write_text('{"text": "a", "label": "none"}\n' + line + "\n", "utf-8")
    with pytest.raises(ConfigError, match="line 2"):
        read_labelled(file)


def test_the_command_prints_one_json_object(tmp_path: Path):
    """`qingting safety eval FILE --json` is for machines."""
    file = tmp_path / "set.jsonl"
    rows = [{"text": "我想自殺", "label": "elevated", "locale": "zh-Hant"}]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    result = CliRunner().invoke(app, ["safety", "eval", str(file), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["recall"]["elevated"] == 1.0


def test_a_missing_file_is_a_fault_of_use(tmp_path: Path):
    """Exit code 2 and a sentence."""
    result = CliRunner().invoke(app, ["safety", "eval", str(tmp_path / "no.jsonl")])
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr

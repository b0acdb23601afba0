"""`qingting bench`: options, exit codes, output. What runs between is tested on its own."""

import json

import pytest
from typer.testing import CliRunner

from agent.bench import compare, run
from agent.bench.record import to_json
from agent.cli import app
from pipeline.errors import ConfigError
from tests.agent.bench.results import record, turns

RECORD = record(ours=turns([300.0, 500.0]), stock=turns([1000.0, 3000.0]))


@pytest.fixture
def ran(monkeypatch):
    """What the command asked to be run; the run itself takes minutes, so it is a fake."""
    asked = []

    async def instead(settings, options, studio, say):
        asked.append(options)
        return RECORD

    monkeypatch.setattr(run, "run_bench", instead)
    return asked


def bench(*arguments):
    return CliRunner().invoke(app, ["bench", *arguments])


def test_everything_by_default(ran):
    """All turns of ours, twenty-four of each baseline, replies heard out, pacing natural."""
    assert bench().exit_code == 0
    (options,) = ran
    assert options.turns == {"ours": None, "sequential": 24, "stock": 24}
    assert sum(len(call.turns) for call in options.calls) >= 60
    assert (options.at_once, options.listen_secs, options.pacing) == (1, None, "natural")


def test_the_quick_one(ran):
    """One call, the beginnings of replies, no baselines."""
    assert bench("--quick").exit_code == 0
    (options,) = ran
    assert options.turns == {"ours": None}
    assert [call.name for call in options.calls] == ["quick"]
    assert options.listen_secs is not None


def test_choosing(ran):
    """Turns, calls at once, kinds, pacing."""
    bench("--no-baselines", "--turns", "9", "--calls", "3", "--only", "story", "--pacing", "quick")
    (options,) = ran
    assert options.turns == {"ours": 9}
    assert (options.at_once, options.pacing) == (3, "quick")
    assert {turn.kind for call in options.calls for turn in call.turns} == {"story"}


def test_a_baseline_never_gets_more_turns_than_we(ran):
    """The same callers for all."""
    bench("--turns", "5", "--baseline-turns", "40")
    assert ran[0].turns == {"ours": 5, "sequential": 5, "stock": 5}


def test_json_is_one_line_and_alone_on_standard_output(ran):
    """The table goes to standard error."""
    result = bench("--json")
    assert json.loads(result.stdout) == json.loads(to_json(RECORD))
    assert result.stdout.count("\n") == 1
    assert "first sound" in result.stderr


def test_a_report_and_a_comparison(ran, tmp_path):
    """A record of today serves as tomorrow's old one."""
    assert bench("--out", str(tmp_path / "first")).exit_code == 0
    result = bench("--compare", str(tmp_path / "first" / "bench.json"))
    assert result.exit_code == 0
    assert "too few" in result.stdout
    assert (tmp_path / "first" / "report.html").is_file()


def test_what_was_measured_is_shown_before_it_is_compared(ran, tmp_path, monkeypatch):
    """A comparison that fails costs neither the table, nor the record, nor the report."""

    def failing(old, new):
        raise ConfigError("nothing in common")

    old = tmp_path / "old.json"
    old.write_text(to_json(RECORD), encoding="utf-8")
    monkeypatch.setattr(compare, "compare", failing)
    result = bench("--json", "--compare", str(old), "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert json.loads(result.stdout) == json.loads(to_json(RECORD))
    assert "first sound" in result.stderr
    assert (tmp_path / "out" / "bench.json").is_file()
    assert ran[0].before == RECORD.system("ours").turns


@pytest.mark.parametrize(
    ("require", "code"),
    [("p50_ms=450", 0), ("p50_ms=400", 0), ("p50_ms=399", 3), ("zh_error_percent=5", 0),
     ("ratio_sequential=0.12", 3)],
)  # fmt: skip
def test_a_missed_target_is_exit_code_3(ran, require, code):
    """Above the bound, or not measured at all."""
    result = bench("--require", require)
    assert result.exit_code == code
    assert ("target missed" in result.stderr) == (code == 3)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--require", "p50_ms"],
        ["--require", "speed=1"],
        ["--require", "p50_ms=fast"],
        ["--only", "nobody"],
        ["--pacing", "hasty"],
        ["--compare", "none.json"],
        ["--out", "/dev/null/report"],
        ["--scripts", "nowhere"],
        ["--calls", "0"],
    ],
)
def test_bad_input_is_exit_code_2_before_anything_runs(ran, arguments):
    """With a sentence on standard error."""
    result = bench(*arguments)
    assert result.exit_code == 2
    assert result.stderr
    assert ran == []

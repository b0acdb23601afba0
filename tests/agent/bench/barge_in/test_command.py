"""`qingting bench barge-in`: output and exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from typer.testing import CliRunner, Result

from agent.bench.barge_in import run
from agent.bench.barge_in.measure import EventResult, summarise
from agent.bench.barge_in.run import BargeInResult
from agent.cli import app

STOPPED = EventResult(
    "command/zh/1", "command", stops=True, valid=True, stopped=True, pause_ms=90.0, decide_ms=581.0
)

Ran = Callable[..., None]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Makes the run come to these events and errors; a real one takes twenty minutes."""

    def made(*events: EventResult, errors: tuple[str, ...] = ()) -> None:
        async def instead(calls: object, settings: object, on_result: object) -> BargeInResult:
            return BargeInResult(events, summarise(events), errors)

        monkeypatch.setattr(run, "run", instead)

    return made


def bench(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["bench", "barge-in", *arguments])


def test_every_target_is_told(ran: Ran) -> None:
    """Also that of the decision; missing one is an exit code only for who asks."""
    ran(STOPPED)
    result = bench()
    assert result.exit_code == 0
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("decide_p95_ms")]
    assert line.split()[1:] == ["581", "at", "most", "500", "MISSED"]


@pytest.mark.parametrize(
    ("require", "code"),
    [
        ("decide_p95_ms=500", 3),
        ("decide_p95_ms=600", 0),
        ("commands_stopped=0.97", 0),
        ("resume_gap_p95_ms=700", 3),  # nothing was resumed
    ],
)
def test_a_missed_target_is_exit_code_3_for_who_requires_it(
    ran: Ran, require: str, code: int
) -> None:
    """At most or at least as the figure is meant, and not measured is missed."""
    ran(STOPPED)
    result = bench("--require", require)
    assert result.exit_code == code
    assert ("target missed" in result.stderr) == (code == 3)


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_errors_are_told(ran: Ran, arguments: list[str]) -> None:
    """On standard error, with JSON or without."""
    ran(STOPPED, errors=("the call of cough/zh/1: the server ended the call",))
    result = bench(*arguments)
    assert result.exit_code == 0
    assert "error: the call of cough/zh/1: the server ended the call" in result.stderr
    if arguments:
        assert json.loads(result.stdout)["events"][0]["event_id"] == "command/zh/1"


def test_without_a_valid_event_there_is_no_success(ran: Ran) -> None:
    """The bot never spoke: no target was met."""
    ran(replace(STOPPED, valid=False))
    result = bench()
    assert result.exit_code == 3
    assert "no event was valid" in result.stderr


@pytest.mark.parametrize("require", ["decide_p95_ms", "speed=1", "pause_p95_ms=soon"])
def test_a_wrong_limit_is_told_before_anything_runs(require: str) -> None:
    """With exit code 2."""
    result = bench("--require", require)
    assert result.exit_code == 2
    assert f"--require {require}" in result.stderr

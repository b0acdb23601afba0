"""Measuring ChatTTS's architecture."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

pytestmark = [pytest.mark.chattts, pytest.mark.filterwarnings("default")]


def test_a_tiny_model_is_measured_as_the_real_one_would_be():
    """Costs of the parts, and each schedule's figures in one JSON line at the end."""
    from agent.voices.chattts_measure import main

    app = typer.Typer()
    app.command()(main)
    result = CliRunner().invoke(app, ["--small", "--runs", "1", "--device", "cpu"])
    assert result.exit_code == 0, result.output
    record = json.loads(result.output.splitlines()[-1])
    assert all(cost > 0 for cost in record["costs"].values())
    waits = [speed["tokens_before_first"] for speed in record["schedules"].values()]
    assert waits == [28, 65, 72]
    assert all(speed["first_secs"] > 0 for speed in record["schedules"].values())
    assert all(speed["real_time_factor"] > 0 for speed in record["schedules"].values())

"""Both baselines with the real models, in processes of their own, over the real wire."""

import dataclasses
from pathlib import Path

import pytest

from agent.adapter import Weights
from agent.bench.baselines.stock_server import server_command
from agent.bench.run import bench_settings, prepare
from agent.bench.scripts import choose, load_calls
from agent.bench.servers import running_systems
from agent.bench.voices import Studio
from agent.caller import Caller
from pipeline.errors import ConfigError
from pipeline.text import unit_error_rate


@pytest.mark.parametrize(
    ("weights", "applied"),
    [
        (Weights(Path("a.gguf")), "none"),
        (Weights(Path("a.gguf"), Path("/runs/mine/adapter.gguf")), "/runs/mine/adapter.gguf"),
        (Weights(Path("a.gguf"), Path("/runs/mine/adapter.gguf"), merged=True), "none"),
    ],
)
def test_the_stock_pipeline_runs_the_model_that_ours_runs(settings, weights, applied):
    """With its adapter, for it is also given the words that belong to it; else without one."""
    command = server_command(settings, weights, 8123)
    options = dict(zip(command[3::2], command[4::2], strict=True))
    assert (options["--model"], options["--port"]) == ("a.gguf", "8123")
    assert options.get("--lora_path", "none") == applied


@pytest.mark.models
@pytest.mark.slow
@pytest.mark.parametrize("system", ["sequential", "stock"])
async def test_a_baseline_answers_a_caller(settings, system):
    """It understands most words, answers aloud, and says where the time went."""
    (call,) = choose(load_calls(), ["short_questions/3"])
    prepared = prepare(call, Studio(settings))
    patient = dataclasses.replace(prepared.script(greeted=False), answer_timeout_secs=120.0)
    served = bench_settings(settings, at_once=1, pacing="natural")
    async with running_systems([system], served) as running:
        report = await Caller(running[system].url).run(patient)
    assert report.errors == ()
    (turn,) = report.turns
    assert unit_error_rate(turn.transcript, call.turns[0].text) <= 0.5
    assert turn.reply_text
    assert turn.response_latency_ms is not None
    marks = turn.server_marks_ms
    assert {"speech_end", "turn_commit", "transcript_final", "first_playout"} <= marks.keys()
    assert 0 < marks["turn_commit"] <= marks["first_playout"]


@pytest.mark.slow
async def test_a_system_that_does_not_start_says_why(settings, tmp_path):
    """The last words of its process are in the message."""
    homeless = settings.model_copy(update={"home": tmp_path})
    with pytest.raises(ConfigError, match=r"'sequential'.*qingting models pull"):
        async with running_systems(["sequential"], homeless):
            pass

"""Both baselines with the real models, in processes of their own, over the real wire."""

import pytest

from agent.bench.run import bench_settings, hold_call, prepare
from agent.bench.scripts import choose, load_calls
from agent.bench.servers import running_systems
from agent.bench.voices import Studio
from pipeline.errors import ConfigError


@pytest.mark.models
@pytest.mark.slow
@pytest.mark.parametrize("system", ["ours", "sequential", "stock"])
async def test_a_system_answers_a_caller(settings, system):
    """It understands most words, answers aloud in its language, and says where time went."""
    (call,) = choose(load_calls(), ["short_questions/3"])
    prepared = prepare(call, Studio(settings))
    served = bench_settings(settings, at_once=1, pacing="natural")
    async with running_systems([system], served) as running:
        held = await hold_call(prepared, system, running[system].url)
    assert held.errors == ()
    (turn,) = held.turns
    assert turn.edits <= turn.reference_units // 2
    assert turn.latency_ms is not None
    assert turn.reply
    marks = turn.server_marks_ms
    assert {"speech_end", "turn_commit", "transcript_final", "first_playout"} <= marks.keys()
    assert 0 < marks["turn_commit"] <= marks["first_playout"]
    assert marks["first_token"] <= marks["first_audio"] <= marks["first_playout"]


@pytest.mark.slow
async def test_a_system_that_does_not_start_says_why(settings, tmp_path):
    """The last words of its process are in the message."""
    homeless = settings.model_copy(update={"home": tmp_path})
    with pytest.raises(ConfigError, match=r"'sequential'.*qingting models pull"):
        async with running_systems(["sequential"], homeless):
            pass

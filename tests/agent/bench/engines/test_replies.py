"""Replies at once on a model that writes a character in a fixed time."""

from __future__ import annotations

import pytest

from agent.bench.engines.replies import measure
from tests.fakes.engines import FakeLanguageModel
from tests.virtual_time import run_virtual


def test_a_model_that_batches_freely_gives_each_reply_all() -> None:
    """Virtual time: 20 ms a token for everybody, whatever the others do."""
    model = FakeLanguageModel(answer=lambda text: "x" * 40, token_secs=0.02)

    found = run_virtual(measure(model, (1, 2)))
    assert [one.at_once for one in found] == [1, 2]
    assert [one.tokens_per_sec_each for one in found] == pytest.approx([50.0, 50.0])
    assert found[1].share_of_one == pytest.approx(1.0)
    assert model.open_conversations == 0

"""The model as a call loads it, measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from train.evaluate.served import PROMPT_TOKENS, REPLY_TOKENS, ServedModel


@pytest.mark.models
def test_what_was_evaluated_before_changes_no_probability(llm_file: Path):
    """Neither a beginning that is shared, nor another text, nor a reply in between."""
    shared, ends = list(range(100, 160)), ([200, 201, 202], [300, 301, 302])

    def measured(model: ServedModel, end: list[int]):
        return model.log_probabilities([*shared, *end], len(shared))

    with ServedModel(llm_file, None) as model:
        alone = []
        for end in ends:
            model.tuned(False)  # which forgets what was evaluated
            alone.append(measured(model, end))
        assert np.abs(alone[0] - alone[1]).max() > 0.1
        np.testing.assert_allclose([measured(model, end) for end in ends], alone, atol=1e-4)
        model.reply(shared[:9], max_tokens=2)
        np.testing.assert_allclose(measured(model, ends[0]), alone[0], atol=1e-4)


@pytest.mark.models
@pytest.mark.slow
def test_the_longest_prompt_leaves_room_for_the_longest_reply(llm_file: Path):
    """Nothing fails at the limit."""
    with ServedModel(llm_file, None) as model:
        reply = model.reply([100] * PROMPT_TOKENS)
        assert reply.ended or reply.tokens == REPLY_TOKENS

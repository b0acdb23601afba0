"""The model as a call loads it, measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from train.evaluate.served import PROMPT_TOKENS, REPLY_TOKENS, ServedModel


@pytest.mark.models
@pytest.mark.slow
def test_the_longest_prompt_leaves_room_for_the_longest_reply(llm_file: Path):
    """Nothing fails at the limit."""
    with ServedModel(llm_file, None) as model:
        reply = model.reply([100] * PROMPT_TOKENS)
        assert reply.ended or reply.tokens == REPLY_TOKENS

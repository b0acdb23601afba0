"""Words that may still become a backchannel."""

from __future__ import annotations

import pytest

from pipeline.turn.lexicon import begins_backchannel


@pytest.mark.parametrize("text", ["原来", "原来如", "嗯原来", "I", "对对对原来"])
def test_a_beginning_of_a_backchannel(text: str) -> None:
    """Alone, or behind whole ones."""
    assert begins_backchannel(text)


@pytest.mark.parametrize("text", ["", "等", "我觉得", "原来你", "stop", "昨天嗯原来"])
def test_no_backchannel_begins_like_this(text: str) -> None:
    """Whatever follows."""
    assert not begins_backchannel(text)

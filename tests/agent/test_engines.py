"""Engines are loaded as the settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent import engines
from agent.adapter import Weights
from agent.config import Settings
from agent.engines import load_language_model
from pipeline.llm.model import LlamaModel


@pytest.mark.parametrize("calls", [1, 2, 6])
def test_the_cache_holds_every_call_at_its_longest(
    monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """No call can grow into another's share, and each has what the settings give it."""
    loaded: dict[str, Any] = {}
    # What is asked for counts here; loading it takes a model and seconds.
    monkeypatch.setattr(LlamaModel, "load", lambda path, **options: loaded.update(options))
    monkeypatch.setattr(engines, "weights_of", lambda settings: Weights(Path("model.gguf")))
    settings = Settings()
    server = settings.server.model_copy(update={"max_calls": calls})
    load_language_model(settings.model_copy(update={"server": server}))
    assert loaded["conversation_tokens"] == settings.llm.context_tokens
    assert loaded["context_tokens"] > calls * loaded["conversation_tokens"]

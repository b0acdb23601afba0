"""What a run says about itself."""

from __future__ import annotations

from pathlib import Path

from agent.bench.machine import describe_machine
from agent.config import Settings


def test_an_adapter_is_named_beside_its_model(settings: Settings, tmp_path: Path) -> None:
    """With its folder, for every run calls its adapter alike; without one there is no entry."""
    adapter = tmp_path / "my-run" / "adapter.gguf"
    tuned = settings.models.model_copy(update={"llm_adapter": str(adapter)})
    bare = settings.models.model_copy(update={"llm_adapter": "none"})
    named = describe_machine(settings.model_copy(update={"models": tuned})).models
    assert named["llm_adapter"] == "my-run/adapter.gguf"
    assert named["llm"] == settings.models.llm
    assert (
        "llm_adapter" not in describe_machine(settings.model_copy(update={"models": bare})).models
    )

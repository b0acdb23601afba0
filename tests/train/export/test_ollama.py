"""A Modelfile names model, adapter, sampler, stops and system prompt."""

from __future__ import annotations

from pathlib import Path

from train.export.ollama import modelfile


def test_a_modelfile_of_an_adapter():
    """Quotation marks of a system prompt cannot end it."""
    text = modelfile(Path("base.gguf"), Path("adapter.gguf"), 'say """hi"""', ["<|im_end|>"])
    assert text.splitlines()[:2] == ["FROM base.gguf", "ADAPTER adapter.gguf"]
    assert 'PARAMETER stop "<|im_end|>"' in text
    assert text.count('"""') == 2


def test_a_merged_model_has_no_adapter():
    """And no system prompt where training had none."""
    text = modelfile(Path("./m.gguf"), None, None, [])
    assert "ADAPTER" not in text
    assert "SYSTEM" not in text

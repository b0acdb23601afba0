"""Fixtures of the application's tests."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import llama_cpp
import pytest

from agent.config import ModelSettings, PersonaSettings, Settings
from tests.agent.models_tiny import furnish, write_adapter


@pytest.fixture
def no_quantising(monkeypatch: pytest.MonkeyPatch) -> None:
    """llama.cpp hands on what it is given, instead of rewriting it for a minute."""

    def quantise(source: bytes, target: bytes, options: object) -> int:
        shutil.copyfile(source.decode(), target.decode())
        return 0

    monkeypatch.setattr(llama_cpp, "llama_model_quantize", quantise)


@pytest.fixture
def tuned(tmp_path: Path, no_quantising: None) -> Settings:
    """A home with a model of a few kilobytes, and a persona with an adapter for it."""
    furnish(tmp_path)
    (tmp_path / "ann").mkdir()
    write_adapter(tmp_path / "ann" / "small.gguf")
    return Settings(
        home=tmp_path,
        models=ModelSettings(llm="small"),
        persona=PersonaSettings(name="ann", locale="en", directory=tmp_path),
    )


@pytest.fixture
def broken_portaudio(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`import sounddevice` fails as it does where PortAudio is there and cannot start."""
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "sounddevice.py").write_text(
        "class PortAudioError(Exception): pass\nraise PortAudioError('host error')\n", "utf-8"
    )
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)

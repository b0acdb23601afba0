"""Fixtures of the application's tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


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

"""`qingting local` where there is no audio device, and its self-test."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from typer.testing import CliRunner

from agent.cli import app
from agent.local import sound_card
from pipeline.errors import DeviceError


class _PortAudioError(Exception):
    pass


def without_devices() -> ModuleType:
    """PortAudio on a machine without a sound card; the real one may find one here."""
    module = ModuleType("sounddevice")

    def query_devices(*which: object) -> list[object]:
        if which:
            raise _PortAudioError("Error querying device -1")
        return []

    module.PortAudioError = _PortAudioError  # type: ignore[attr-defined]
    module.query_devices = query_devices  # type: ignore[attr-defined]
    module.default = type("default", (), {"device": (-1, -1)})  # type: ignore[attr-defined]
    module._initialize = module._terminate = lambda: None  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize("arguments", [["local"], ["local", "--list"], ["local", "--input", "7"]])
def test_without_a_device_there_is_a_sentence_and_exit_code_2(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any model is loaded."""
    monkeypatch.setitem(sys.modules, "sounddevice", without_devices())
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "audio device" in result.output or "--list" in result.output
    assert "Traceback" not in result.output


def test_without_portaudio_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An import that fails in the C library is no traceback."""
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    result = CliRunner().invoke(app, ["local", "--list"])
    assert result.exit_code == 2
    assert "make setup EXTRAS=dev,local" in result.output


@pytest.mark.usefixtures("broken_portaudio")
@pytest.mark.parametrize("arguments", [["local"], ["local", "--list"]])
def test_a_portaudio_that_does_not_start_is_a_sentence(arguments: list[str]) -> None:
    """At the import, where sounddevice starts it."""
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert result.output.startswith("qingting: the PortAudio library does not start: host error")


def test_a_device_is_found_once_portaudio_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is started anew whenever a device is opened, which may fail for a while."""
    module = without_devices()
    running, broken = True, True

    def initialize() -> None:
        nonlocal running
        if broken:
            raise _PortAudioError("host error")
        running = True

    def terminate() -> None:
        nonlocal running
        if not running:
            raise _PortAudioError("PortAudio not initialized")
        running = False

    module._initialize, module._terminate = initialize, terminate  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    for broken in (True, True, False):
        with pytest.raises(DeviceError):  # the last one for want of a device
            sound_card.SoundCard().open(lambda block: block)
        assert running is not broken


def test_the_list_marks_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Index, channels and name, a star for what the system would take."""
    module = without_devices()
    devices = [
        {"name": "Built-in", "max_input_channels": 2, "max_output_channels": 2},
        {"name": "USB headset", "max_input_channels": 1, "max_output_channels": 0},
    ]
    module.query_devices = lambda *which: devices  # type: ignore[attr-defined]
    module.default = type("default", (), {"device": (1, 0)})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    assert [card.is_default for card in sound_card.list_cards()] == [True, True]
    result = CliRunner().invoke(app, ["local", "--list"])
    assert result.exit_code == 0
    assert "USB headset" in result.output


@pytest.mark.models
@pytest.mark.slow
def test_the_bot_does_not_interrupt_itself_and_hears_a_caller() -> None:
    """Half a minute of the two, on the real models, in a room with a loud loudspeaker."""
    result = CliRunner().invoke(app, ["local", "--self-test", "--seconds", "30"])
    assert result.exit_code == 0, result.output
    assert "passed" in result.output

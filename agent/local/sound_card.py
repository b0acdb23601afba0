"""The machine's own microphone and loudspeaker, through PortAudio."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from agent.local.device import DEVICE_BLOCK_SAMPLES, DEVICE_RATE_HZ, Exchange
from pipeline.errors import DeviceError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CardInfo:
    """One entry of `--list`."""

    index: int
    name: str
    inputs: int
    outputs: int
    is_default: bool


class SoundCard:
    """One full-duplex stream.

    Args:
        microphone, loudspeaker: Index, or part of a name; None takes the system's default.
    """

    def __init__(self, microphone: str | None = None, loudspeaker: str | None = None) -> None:
        self._chosen = (_choice(microphone), _choice(loudspeaker))
        self._stream: Any = None
        self.name = "sound card"

    def open(self, exchange: Exchange) -> None:
        sounddevice = portaudio()

        def callback(indata: Any, outdata: Any, frames: int, time: Any, status: Any) -> None:
            outdata[:, 0] = exchange(np.ascontiguousarray(indata[:, 0]))

        try:
            _rescan(sounddevice)
            names = [
                str(sounddevice.query_devices(one, kind)["name"])
                for one, kind in zip(self._chosen, ("input", "output"), strict=True)
            ]
            self._stream = sounddevice.Stream(
                samplerate=DEVICE_RATE_HZ,
                blocksize=DEVICE_BLOCK_SAMPLES,
                device=self._chosen,
                channels=1,
                dtype="float32",
                latency="low",
                callback=callback,
            )
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            self.close()
            raise DeviceError(
                "there is no usable microphone and loudspeaker; `qingting local --list` shows "
                "what the system offers, --input and --output choose"
            ) from error
        self.name = " / ".join(dict.fromkeys(names))

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(Exception):  # a device that is gone cannot be closed well
                stream.abort()
                stream.close()


def list_cards() -> list[CardInfo]:
    """Every device that PortAudio knows.

    Raises:
        DeviceError: See `portaudio`; or it cannot tell.
    """
    sounddevice = portaudio()
    try:
        known = sounddevice.query_devices()
    except sounddevice.PortAudioError as error:
        raise DeviceError(f"the devices cannot be listed: {error}") from error
    defaults = set(sounddevice.default.device)
    return [
        CardInfo(
            index,
            str(info["name"]),
            int(info["max_input_channels"]),
            int(info["max_output_channels"]),
            index in defaults,
        )
        for index, info in enumerate(known)
    ]


def portaudio() -> ModuleType:
    """The module `sounddevice`.

    Raises:
        DeviceError: It or the PortAudio library is not installed, or PortAudio does not start.
    """
    try:
        import sounddevice
    except ImportError as error:
        raise DeviceError(
            "microphone and loudspeaker need sounddevice; run: make setup EXTRAS=dev,local"
        ) from error
    except OSError as error:
        raise DeviceError(
            "the PortAudio library is missing; install it (Debian: apt install libportaudio2)"
        ) from error
    except Exception as error:  # PortAudioError: nothing to catch it by before it is imported
        raise DeviceError(f"the PortAudio library does not start: {error}") from error
    module: ModuleType = sounddevice
    return module


def _rescan(sounddevice: ModuleType) -> None:
    """Notice what was plugged in or out since: PortAudio looks only when it starts."""
    with contextlib.suppress(sounddevice.PortAudioError):  # where the last start failed
        sounddevice._terminate()
    sounddevice._initialize()


def _choice(name: str | None) -> int | str | None:
    return int(name) if name is not None and name.isdigit() else name

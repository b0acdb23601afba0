"""Kokoro-82M from files of the user's own: where they are, and its voice from the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from agent.config import Settings
from pipeline.errors import ModelCorruptError, ModelError
from pipeline.tts.base import Voice

NAME = "kokoro"
LICENCE = "Apache-2.0, code and weights"

State: TypeAlias = Literal["present", "missing", "corrupt"]


def folder(settings: Settings) -> Path:
    """Where its files are expected."""
    chosen = settings.voice.kokoro.folder
    return chosen if chosen is not None else settings.models_dir / NAME


def state(settings: Settings) -> State:
    """Of its files, as far as can be told without loading the network."""
    try:
        _find(settings)
    except ModelCorruptError:
        return "corrupt"
    except ModelError:
        return "missing"
    return "present"


def fault(settings: Settings) -> str | None:
    """What is wrong with its files, in one sentence; None if nothing is."""
    try:
        _find(settings)
    except ModelError as error:
        return error.message
    return None


def load_voice(settings: Settings, threads: int) -> Voice:
    """The voice that the settings describe.

    Raises:
        ConfigError: It has no such speaker.
        ModelError: A file is missing or damaged.
    """
    return load_from(folder(settings), settings, threads)


def load_from(place: Path, settings: Settings, threads: int) -> Voice:
    """As `load_voice`, from another folder or from a network's file."""
    from pipeline.tts.kokoro import KokoroVoice

    wanted = settings.voice.kokoro
    return KokoroVoice(place, wanted.mandarin_speaker, wanted.english_speaker, threads)


def is_kokoro(place: Path) -> bool:
    """Whether a path of the user's own leads to Kokoro rather than to another voice."""
    from pipeline.tts.kokoro_files import holds_kokoro

    return holds_kokoro(place)


def _find(settings: Settings) -> None:
    from pipeline.tts.kokoro_files import KokoroFiles, speaker_names

    speaker_names(KokoroFiles.find(folder(settings)))

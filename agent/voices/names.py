"""Which voices the settings name, without loading any; imports no engine."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path

from agent.config import Settings
from agent.config.voice import EMBEDDED
from agent.models.manifest import Manifest
from pipeline.errors import ConfigError
from pipeline.text import Language

EMBEDDED_VOICES: Mapping[Language, str] = {"zh": "mandarin-voice", "en": "hibari"}

# Engines that run elsewhere: they may fail or dawdle, so they never speak without a watch.
REMOTE_VOICES = frozenset({"gptsovits", "openai"})

# Engines whose files are none of the model store's.
NOT_IN_STORE = REMOTE_VOICES | {"chattts", "kokoro"}


def voice_models(settings: Settings) -> list[str]:
    """Names (or paths) of the models that the settings' voices are read from, fallbacks too."""
    names = [settings.models.mandarin_voice, settings.models.english_voice]
    for name in settings.voice.fallback:
        names += EMBEDDED_VOICES.values() if name == EMBEDDED else [name]
    return [name for name in dict.fromkeys(names) if name not in NOT_IN_STORE]


def check_voices(settings: Settings, manifest: Manifest) -> None:
    """See that each voice of the settings is one, before anything is loaded or fetched.

    Raises:
        ConfigError: A setting names neither a voice nor a file; the message has the nearest name.
    """
    voices = {model.name for model in manifest.models if model.role == "voice"}
    named = {
        "models.mandarin_voice": [settings.models.mandarin_voice],
        "models.english_voice": [settings.models.english_voice],
        "voice.fallback": [name for name in settings.voice.fallback if name != EMBEDDED],
    }
    for setting, names in named.items():
        for name in names:
            if name in voices | NOT_IN_STORE:
                continue
            if name in manifest or not Path(name).expanduser().exists():
                known = known_names(name, voices | NOT_IN_STORE)
                raise ConfigError(f"{setting}: {name} is neither a voice nor a file; {known}")


def known_names(name: str, known: Iterable[str]) -> str:
    """What there is instead of `name`, for a complaint; the one that looks like it first."""
    names = sorted(known)
    meant = difflib.get_close_matches(name, names, n=1)
    asked = f"did you mean {meant[0]}? " if meant else ""
    return f"{asked}voices are {', '.join(names)}"

"""Which voices the settings name, without loading any; imports no engine."""

from __future__ import annotations

from collections.abc import Mapping

from agent.config import Settings
from agent.config.voice import EMBEDDED
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

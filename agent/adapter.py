"""The persona's own tuning of a language model, and the words that belong to it.

A persona's folder may hold `MODEL.gguf`, a LoRA adapter for the model of that name. It is
loaded with its model unless `models.llm_adapter` says otherwise. A tuned model gets the
prompt it was trained under, and none of the examples that show an untuned one the manner.
"""

from __future__ import annotations

from pathlib import Path

from agent.config import Locale, Settings
from agent.persona import Persona, load_persona, persona_folder


def adapter_of(settings: Settings) -> Path | None:
    """The adapter that goes with the settings' model and persona; None without one."""
    chosen = settings.models.llm_adapter
    if chosen == "none":
        return None
    if chosen != "auto":
        return Path(chosen).expanduser()
    named = settings.persona
    own = persona_folder(named.name, named.directory) / f"{settings.models.llm}.gguf"
    return own if own.is_file() else None


def answering(settings: Settings, locale: Locale | None = None) -> Persona:
    """The settings' persona as it speaks through the settings' model.

    Args:
        settings: The whole tree.
        locale: Another locale than the settings'.

    Raises:
        ConfigError: There is no such persona or locale, or its file does not fit.
    """
    named = settings.persona
    persona = load_persona(named.name, locale or named.locale, named.directory)
    return persona.tuned() if adapter_of(settings) else persona

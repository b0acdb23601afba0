"""The persona's own tuning of a language model, and the words that belong to it.

A persona's folder may hold `MODEL.gguf`, a LoRA adapter for the model of that name. It is
loaded with its model unless `models.llm_adapter` says otherwise: inside the copy that `models
pull` made of both, or else beside the model. A tuned model gets the prompt it was trained under,
and none of the examples that show an untuned one the manner.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent.config import Locale, Settings
from agent.models.store import ModelStore
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


def adapter_for(settings: Settings, model: str) -> Path | None:
    """The adapter that would go with `model`, were it the settings' one.

    A file that `models.llm_adapter` names belongs to the settings' own model only.
    """
    if model == settings.models.llm or settings.models.llm_adapter == "none":
        return adapter_of(settings)
    own = settings.models.model_copy(update={"llm": model, "llm_adapter": "auto"})
    return adapter_of(settings.model_copy(update={"models": own}))


@dataclass(frozen=True, slots=True)
class Weights:
    """What the language model is loaded from.

    Attributes:
        file: GGUF of the model.
        adapter: What it is tuned with, or None.
        merged: Whether the adapter is in the file already.
    """

    file: Path
    adapter: Path | None = None
    merged: bool = False

    @property
    def applied(self) -> Path | None:
        """The adapter that is left to apply at run time."""
        return None if self.merged else self.adapter


def weights_of(settings: Settings) -> Weights:
    """The settings' language model in the fastest form that is here.

    Raises:
        ModelMissingError: It is unknown or not there; of the adapter nothing is said.
        ModelCorruptError: It is damaged.
    """
    store = ModelStore(settings.models_dir)
    model, adapter = settings.models.llm, adapter_of(settings)
    merged = None if adapter is None else store.merged(model, adapter)
    if merged is not None:
        return Weights(merged, adapter, merged=True)
    file = store.fastest(model)
    if adapter is not None and file != (published := store.locate(model)):
        from agent.models.merge import changes_vocabulary

        if changes_vocabulary(adapter):
            file = published  # the copy may have fewer tokens than the adapter was made for
    return Weights(file, adapter)


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

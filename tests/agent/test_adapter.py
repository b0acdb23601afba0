"""The adapter that comes with a persona."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.adapter import adapter_of, answering
from agent.config import ModelSettings, PersonaSettings, Settings
from agent.models.store import ModelStore
from pipeline.errors import ModelCorruptError
from pipeline.llm.model import LlamaModel
from pipeline.llm.readout import load_readout, readout_path

PERSONA = """
display_name = "Ann"
greeting = "Hello, I am an AI."
apology = "Sorry."
unheard = "Again?"
check_ins = ["I am here."]
cut_mark = "—"
system_prompt = "You listen, like this:"
{tuned}

[style]
max_sentences = 2
max_units = 30
max_questions = 1

[[examples]]
user = "Hi"
reply = "Hello."
"""


def settings_with(
    folder: Path, adapter: str = "auto", tuned: str = 'tuned_prompt = "You listen."'
) -> Settings:
    """Settings whose persona speaks English, has a prompt of its own when tuned."""
    (folder / "ann").mkdir(exist_ok=True)
    (folder / "ann" / "en.toml").write_text(PERSONA.format(tuned=tuned), "utf-8")
    return Settings(
        models=ModelSettings(llm="small", llm_adapter=adapter),
        persona=PersonaSettings(name="ann", locale="en", directory=folder),
    )


def test_a_persona_without_a_tuning_takes_the_model_as_it_is(tmp_path: Path) -> None:
    """No file of the model's name: no adapter, and the examples show the manner."""
    settings = settings_with(tmp_path)
    assert adapter_of(settings) is None
    assert answering(settings).examples


def test_the_file_named_after_the_model_is_loaded_with_it(tmp_path: Path) -> None:
    """Another model of the same persona stays untuned."""
    settings = settings_with(tmp_path)
    own = tmp_path / "ann" / "small.gguf"
    own.touch()
    assert adapter_of(settings) == own
    other = settings.model_copy(update={"models": ModelSettings(llm="large")})
    assert adapter_of(other) is None


@pytest.mark.parametrize(("chosen", "expected"), [("none", None), ("/x/own.gguf", "/x/own.gguf")])
def test_the_settings_have_the_last_word(tmp_path: Path, chosen: str, expected: str | None) -> None:
    """`none` leaves the persona's own aside, a path takes its place."""
    settings = settings_with(tmp_path, chosen)
    (tmp_path / "ann" / "small.gguf").touch()
    assert adapter_of(settings) == (Path(expected) if expected else None)


def test_a_tuned_model_gets_the_prompt_it_was_trained_under(tmp_path: Path) -> None:
    """And none of the examples, which would make it copy them."""
    persona = answering(settings_with(tmp_path, "/x/own.gguf"))
    assert persona.system_prompt == "You listen."
    assert persona.examples == ()


def test_a_persona_without_such_a_prompt_keeps_its_usual_one(tmp_path: Path) -> None:
    """Examples included."""
    persona = answering(settings_with(tmp_path, "/x/own.gguf", tuned=""))
    assert persona.system_prompt == "You listen, like this:"
    assert persona.examples


def test_the_default_model_comes_tuned_with_a_readout_of_its_own() -> None:
    """Its adapter and the judge of turn ends that was trained on the model with it."""
    settings = Settings()
    adapter = adapter_of(settings)
    assert adapter is not None
    assert adapter.stem == settings.models.llm
    tuned, untuned = load_readout(readout_path(adapter)), load_readout(readout_path())
    assert (tuned.model, tuned.vocabulary) == (untuned.model, untuned.vocabulary)
    assert not np.array_equal(tuned.weights, untuned.weights)


@pytest.mark.models
def test_a_damaged_readout_beside_an_adapter_is_named(tmp_path: Path) -> None:
    """It would silently cost every call its judgement of turn ends."""
    settings = Settings()
    packaged = adapter_of(settings)
    assert packaged is not None
    adapter = tmp_path / "adapter.gguf"
    adapter.symlink_to(packaged)
    readout_path(adapter).write_bytes(b"no archive")
    model = ModelStore(settings.models_dir).fastest(settings.models.llm)
    with pytest.raises(ModelCorruptError, match=r"adapter\.npz"):
        LlamaModel.load(model, adapter=adapter)

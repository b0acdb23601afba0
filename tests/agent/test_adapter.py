"""The adapter that comes with a persona."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.adapter import Weights, adapter_for, adapter_of, answering, weights_of
from agent.config import ModelSettings, PersonaSettings, Settings
from agent.models.requantise import FasterCopy
from agent.models.store import ModelStore
from pipeline.errors import ModelMissingError
from tests.agent.models_tiny import write_adapter

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


def test_the_default_model_comes_tuned() -> None:
    """Its adapter lies in the package."""
    settings = Settings()
    adapter = adapter_of(settings)
    assert adapter is not None
    assert adapter.stem == settings.models.llm


def make_copies(settings: Settings) -> tuple[FasterCopy, FasterCopy]:
    """The copy with the adapter and the one without."""
    store = ModelStore(settings.models_dir)
    copies = []
    for adapter in (adapter_of(settings), None):
        copy = store.faster_copy("small", adapter)
        assert copy is not None
        copy.make(store.path("small"), threads=1)
        copies.append(copy)
    merged, plain = copies
    return merged, plain


def test_a_model_is_loaded_from_the_copy_that_has_its_adapter_inside(tuned: Settings) -> None:
    """The adapter is known then, and not applied; by the model's file it is the same."""
    adapter = adapter_of(tuned)
    merged, plain = make_copies(tuned)
    expected = Weights(merged.path, adapter, merged=True)
    assert weights_of(tuned) == expected
    assert expected.applied is None
    named = {"llm": str(tuned.models_dir / "small" / "model.gguf"), "llm_adapter": str(adapter)}
    by_file = tuned.models.model_copy(update=named)
    assert weights_of(tuned.model_copy(update={"models": by_file})) == expected
    none = tuned.models.model_copy(update={"llm_adapter": "none"})
    assert weights_of(tuned.model_copy(update={"models": none})) == Weights(plain.path)


@pytest.mark.parametrize("what", ["missing", "damaged", "of another adapter"])
def test_a_copy_that_is_not_right_leaves_the_adapter_beside_the_model(
    tuned: Settings, what: str
) -> None:
    """The adapter is applied at run time, to the copy without one if there is one."""
    adapter = adapter_of(tuned)
    assert adapter is not None
    merged, plain = make_copies(tuned)
    if what == "missing":
        merged.path.unlink()
    elif what == "damaged":
        merged.path.write_bytes(bytes(merged.path.stat().st_size))
    else:
        write_adapter(adapter, times=2.0)
    found = weights_of(tuned)
    assert found == Weights(plain.path, adapter)
    assert found.applied == adapter
    plain.path.unlink()
    assert weights_of(tuned).file == tuned.models_dir / "small" / "model.gguf"


def test_a_missing_model_is_named_whatever_was_made_of_it(tuned: Settings) -> None:
    """A copy whose source is gone is not loaded; nor does a lost adapter hide the model."""
    make_copies(tuned)
    lost = tuned.models.model_copy(update={"llm_adapter": "/nowhere/own.gguf"})
    assert weights_of(tuned.model_copy(update={"models": lost})).adapter is not None
    (tuned.models_dir / "small" / "model.gguf").unlink()
    with pytest.raises(ModelMissingError, match="models pull small"):
        weights_of(tuned)


def test_an_adapter_of_ones_own_goes_with_no_other_model(tuned: Settings) -> None:
    """Another model that is fetched gets what comes with the persona; none stays none."""
    (tuned.home / "ann" / "large.gguf").touch()
    own = tuned.models.model_copy(update={"llm_adapter": "/x/own.gguf"})
    settings = tuned.model_copy(update={"models": own})
    large = adapter_for(settings, "large")
    assert adapter_for(settings, "small") == Path("/x/own.gguf")
    assert large is not None
    assert large.name == "large.gguf"
    none = tuned.models.model_copy(update={"llm_adapter": "none"})
    assert adapter_for(tuned.model_copy(update={"models": none}), "large") is None

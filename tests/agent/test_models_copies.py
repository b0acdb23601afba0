"""The copy that `models pull` makes, and what is said of it elsewhere."""

from __future__ import annotations

import logging
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent import doctor, engines
from agent.adapter import adapter_of, weights_of
from agent.bench.machine import describe_machine
from agent.cli import app
from agent.cli.eval_conversations import _reads_a_copy
from agent.config import Settings
from agent.models import ModelStore
from agent.models import store as store_module
from pipeline.llm.model import LlamaModel
from tests.agent.models_tiny import EMBEDDING, write_adapter


def pull(settings: Settings, *flags: str) -> str:
    """What `qingting models pull small` says."""
    given = {
        "home": settings.home,
        "models.llm": "small",
        "persona.name": "ann",
        "persona.locale": "en",
        "persona.directory": settings.home,
    }
    options = [part for name, value in given.items() for part in ("--set", f"{name}={value}")]
    result = CliRunner().invoke(app, [*options, *flags, "models", "pull", "small"])
    assert result.exit_code == 0, result.stderr
    return result.stderr


def notes(settings: Settings) -> list[str]:
    """What the doctor notes about the language model."""
    found = doctor.check_models(ModelStore(settings.models_dir), settings)
    return [one.detail for one in found if (one.name, one.level) == ("model small", "note")]


def untuned(settings: Settings) -> Settings:
    models = settings.models.model_copy(update={"llm_adapter": "none"})
    return settings.model_copy(update={"models": models})


def test_pull_makes_the_one_copy_that_the_settings_load(tuned: Settings) -> None:
    """With the persona's adapter in it; without one where the settings want none."""
    assert "with its adapter in it" in pull(tuned)
    folder = tuned.models_dir / ".derived" / "small"
    assert [path.stem for path in folder.glob("*.gguf")] == [weights_of(tuned).file.stem]
    assert weights_of(tuned).merged
    assert "q4_0" not in pull(tuned)
    assert "adapter" not in pull(tuned, "--set", "models.llm_adapter=none")
    assert weights_of(untuned(tuned)).file.parent == folder
    assert weights_of(tuned).merged


def test_pull_makes_another_copy_of_a_new_adapter(tuned: Settings) -> None:
    """Until then the new one is applied beside the model."""
    pull(tuned)
    old = weights_of(tuned).file
    adapter = adapter_of(tuned)
    assert adapter is not None
    adapter.write_bytes(adapter.read_bytes()[:-1] + b"?")
    assert weights_of(tuned).applied == adapter
    pull(tuned)
    assert weights_of(tuned).merged
    assert not old.exists()


def test_the_doctor_tells_what_a_missing_copy_costs(tuned: Settings) -> None:
    """More without any copy than without the adapter inside."""
    assert ["three times" in note for note in notes(tuned)] == [True]
    pull(tuned, "--set", "models.llm_adapter=none")
    assert notes(untuned(tuned)) == []
    assert ["no adapter in it" in note for note in notes(tuned)] == [True]
    pull(tuned)
    assert notes(tuned) == []


def test_a_bench_says_whether_the_adapter_was_merged(tuned: Settings) -> None:
    """It is faster so."""
    beside = describe_machine(tuned).models["llm_adapter"]
    pull(tuned)
    assert describe_machine(tuned).models["llm_adapter"] == f"{beside}, merged"


def test_a_model_without_the_copy_it_wants_is_loaded_with_a_warning(
    tuned: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It names the command that makes it."""
    loaded = []
    monkeypatch.setattr(LlamaModel, "load", lambda path, **options: loaded.append(options))
    caplog.set_level(logging.WARNING)
    for settings in (tuned, untuned(tuned)):
        engines.load_language_model(settings)
    assert [record.getMessage().partition("run: ")[2] for record in caplog.records] == [
        "qingting models pull small",
        "qingting --set models.llm_adapter=none models pull small",
    ]
    caplog.clear()
    pull(tuned)
    engines.load_language_model(tuned)
    assert [options["adapter"] for options in loaded] == [adapter_of(tuned), None, None]
    assert caplog.records == []


def test_an_adapter_that_cannot_be_merged_leaves_the_plain_copy(tuned: Settings) -> None:
    """One sentence says why; a lost half gigabyte of disk costs speed, not the installation."""
    adapter = adapter_of(tuned)
    assert adapter is not None
    adapter.write_bytes(b"GGUF, cut short")
    said = pull(tuned)
    assert "the adapter stays beside the model" in said
    assert weights_of(tuned).applied == adapter
    assert weights_of(tuned).file.parent == tuned.models_dir / ".derived" / "small"


def test_an_adapter_of_the_vocabulary_is_applied_to_the_published_file(tuned: Settings) -> None:
    """The plain copy may have fewer tokens; any other adapter is applied to that."""
    pull(tuned, "--set", "models.llm_adapter=none")
    plain, adapter = weights_of(untuned(tuned)).file, adapter_of(tuned)
    assert adapter is not None
    assert weights_of(tuned).file == plain
    write_adapter(adapter, names=(EMBEDDING,))
    assert weights_of(tuned).file == tuned.models_dir / "small" / "model.gguf"


def test_a_full_disk_leaves_the_plain_copy(
    tuned: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The merge wants three times its room."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(1, 1, 0))
    assert "GB free" in pull(tuned)
    assert not weights_of(tuned).merged
    assert weights_of(tuned).file.parent == tuned.models_dir / ".derived" / "small"


def test_an_adapter_that_cannot_be_read_is_one_finding_of_the_doctor(
    tuned: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All the others are told as well, and the model counts as there."""
    adapter = adapter_of(tuned)
    real = store_module.sha256_of

    def denied(path: Path) -> str:
        if path == adapter:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(store_module, "sha256_of", denied)
    found = list(doctor.check_models(ModelStore(tuned.models_dir), tuned))
    faults = [one for one in found if one.name == "adapter"]
    assert [(one.level, "Permission denied" in one.detail) for one in faults] == [("fault", True)]
    assert ("model small", "ok") in {(one.name, one.level) for one in found}
    assert weights_of(tuned).applied == adapter


def test_a_comparison_is_told_that_its_sides_are_rounded_differently(tuned: Settings) -> None:
    """Only where the model has a copy for this CPU at all."""
    assert not _reads_a_copy(tuned)
    pull(tuned)
    assert _reads_a_copy(tuned)
    assert _reads_a_copy(untuned(tuned)) is False
    other = tuned.models.model_copy(update={"llm": "smollm2-135m"})
    assert _reads_a_copy(tuned.model_copy(update={"models": other})) is None

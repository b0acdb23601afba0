"""A run goes on from the adapter of a finished one, or from a GGUF, and from no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.numpy import load_file

from pipeline.errors import ConfigError
from tests.train.export.test_adapter import peft
from train.earlier import WEIGHTS, earlier_adapter, require_unchanged
from train.export.adapter import write_adapter
from train.recipe import Recipe
from train.run_folder import Manifest, RunFolder, RunState

ADAPTER = Recipe(rank=4, alpha=32, targets=("q_proj",))


def finished(path: Path, base: Path, state: RunState = "finished") -> Path:
    """A run folder with an adapter whose weights nobody reads here."""
    folder = RunFolder.create(path)
    folder.save(
        Manifest(
            state=state, created="2026-01-01T00:00:00+00:00", base="b", base_gguf=None,
            base_folder=str(base.resolve()), recipe=ADAPTER, preset="p", template_sha256="0",
            data=(), rows_sha256="0", rows={}, versions={}, machine="m",
        )
    )  # fmt: skip
    (path / "adapter_config.json").write_text("{}")
    (path / "adapter_model.safetensors").write_bytes(b"weights")
    return path


def test_the_adapter_keeps_its_shape_and_the_rest_is_the_later_runs(tmp_path):
    """Rank and targets are in the weights; the rate is not."""
    earlier = earlier_adapter(finished(tmp_path / "run", tmp_path), tmp_path)
    recipe = earlier.recipe(Recipe(stage="dpo", rank=64, learning_rate=1e-5))
    assert (recipe.rank, recipe.alpha, recipe.targets) == (4, 32, ("q_proj",))
    assert (recipe.stage, recipe.learning_rate) == ("dpo", 1e-5)


def test_the_adapter_is_copied(tmp_path):
    """The earlier run may be deleted afterwards."""
    earlier = earlier_adapter(finished(tmp_path / "run", tmp_path), tmp_path)
    sha256 = earlier.copy(tmp_path / "start")
    assert (tmp_path / "start/adapter_model.safetensors").read_bytes() == b"weights"
    require_unchanged(tmp_path / "start", sha256)


def test_a_start_that_changed_is_no_reference(tmp_path):
    """A run that is resumed would learn against something else than it began with."""
    sha256 = earlier_adapter(finished(tmp_path / "run", tmp_path), tmp_path).copy(
        tmp_path / "start"
    )
    (tmp_path / "start/adapter_model.safetensors").write_bytes(b"others")
    with pytest.raises(ConfigError, match="has changed"):
        require_unchanged(tmp_path / "start", sha256)
    (tmp_path / "start/adapter_model.safetensors").unlink()
    with pytest.raises(ConfigError, match="has changed"):
        require_unchanged(tmp_path / "start", sha256)


def test_another_base_is_refused(tmp_path):
    """Its weights would be added to others than they were made for."""
    run = finished(tmp_path / "run", tmp_path / "one")
    with pytest.raises(ConfigError, match="--base"):
        earlier_adapter(run, tmp_path / "other")


def test_an_unfinished_run_is_refused(tmp_path):
    """It may still be resumed."""
    run = finished(tmp_path / "run", tmp_path, state="interrupted")
    with pytest.raises(ConfigError, match="no finished adapter"):
        earlier_adapter(run, tmp_path)


def test_a_run_without_an_adapter_is_refused(tmp_path):
    """As full fine-tuning leaves it, and as full fine-tuning would need it."""
    run = finished(tmp_path / "run", tmp_path)
    with pytest.raises(ConfigError, match="method=full"):
        earlier_adapter(run, tmp_path).recipe(Recipe(method="full"))
    (run / "adapter_model.safetensors").unlink()
    with pytest.raises(ConfigError, match="no finished adapter"):
        earlier_adapter(run, tmp_path)


def test_a_gguf_gives_its_shape_and_its_weights(tmp_path):
    """So a persona's own adapter can learn more; what a recipe says of its shape is not asked."""
    base, weights = peft(tmp_path / "a", "qwen2")
    write_adapter(tmp_path / "a", base, tmp_path / "a.gguf", name="a")
    earlier = earlier_adapter(tmp_path / "a.gguf", tmp_path / "a")
    recipe = earlier.recipe(Recipe(rank=64, rslora=True, learning_rate=1e-5))
    assert (recipe.rank, recipe.alpha, recipe.rslora) == (3, 6, False)
    assert (recipe.targets, recipe.learning_rate) == (("q_proj", "k_proj", "up_proj"), 1e-5)
    sha256 = earlier.copy(tmp_path / "start")
    require_unchanged(tmp_path / "start", sha256)
    assert load_file(tmp_path / "start" / WEIGHTS).keys() == weights.keys()

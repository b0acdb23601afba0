"""The forecast of a run."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigError
from train.base import ModelShape, nominal_shape
from train.machine import Machine
from train.plan import RowFigures, plan, published_gb
from train.presets import PRESETS
from train.recipe import Recipe

# The table of the second seed, in GB: 7B, 13B, 30B, 70B, 110B, 8x7B, 8x22B.
SEED = {
    "full-amp": (120, 240, 600, 1200, 2000, 900, 2400),
    "full": (60, 120, 300, 600, 900, 400, 1200),
    "freeze": (20, 40, 80, 200, 360, 160, 400),
    "lora": (16, 32, 64, 160, 240, 120, 320),
    "qlora-8": (10, 20, 40, 80, 140, 60, 160),
    "qlora-4": (6, 12, 24, 48, 72, 30, 96),
    "qlora-2": (4, 8, 16, 24, 48, 18, 48),
}
BILLIONS = (7, 13, 30, 70, 110, 46.7, 141)
HALF_BILLION = ModelShape(630_167_424, 24, 896, 4864, 14, 2, 151_936)
SMALL = ModelShape(134_515_008, 30, 576, 1536, 9, 3, 49_152)
THIS = Machine("cpu", "2 cores", 24 << 30, 300e9)
FIGURES = RowFigures(rows=1000, examples=1000, tokens=100_000, learned_tokens=40_000, longest=300)


@pytest.mark.parametrize("method", SEED)
def test_the_published_table_is_reproduced(method):
    """Within ten per cent, for every size."""
    for billions, gigabytes in zip(BILLIONS, SEED[method], strict=True):
        assert published_gb(method, billions) == pytest.approx(gigabytes, rel=0.1)


@pytest.mark.parametrize("method", SEED)
def test_a_larger_model_never_needs_less(method):
    """Between the published sizes, too."""
    sizes = [published_gb(method, tenth / 10) for tenth in range(5, 2000)]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize(("billions", "gigabytes"), [(7, 16), (13, 32), (70, 160)])
def test_the_plan_of_a_large_lora_is_the_published_figure(billions, gigabytes):
    """With one short row at a time nothing is added to it."""
    recipe = Recipe(batch=1, checkpointing=True)
    machine = Machine("cuda", "card", 400 << 30, 100e12)
    forecast = plan(nominal_shape(billions), recipe, FIGURES, machine)
    assert forecast.memory_bytes / 1e9 == pytest.approx(gigabytes, rel=0.1)


@pytest.mark.parametrize(
    ("shape", "tokens", "measured_gb"),
    # Peak memory of LoRA with rank 8 on this machine, one pack of so many tokens.
    [(SMALL, 4 * 88, 1.61)],
)
def test_small_models_need_what_was_measured(shape, tokens, measured_gb):
    """On a processor the sum of weights and activations is about right."""
    figures = RowFigures(60, 60, 5000, 2000, tokens)
    forecast = plan(shape, Recipe(batch=1), figures, THIS)
    assert forecast.memory_bytes / 1e9 == pytest.approx(measured_gb, rel=0.35)


def test_time_grows_with_tokens_and_epochs():
    """Twice the epochs take twice the time and money."""
    one = plan(HALF_BILLION, Recipe(epochs=1), FIGURES, THIS, price_per_hour=2.0)
    two = plan(HALF_BILLION, Recipe(epochs=2), FIGURES, THIS, price_per_hour=2.0)
    assert two.steps == 2 * one.steps
    assert two.secs == pytest.approx(2 * one.secs)
    assert two.cost == pytest.approx(2 * one.cost)


def test_what_does_not_fit_is_refused_with_a_way_out():
    """The sentence says how much, and what to change."""
    small = Machine("cuda", "card", 8 << 30, 10e12)
    forecast = plan(nominal_shape(7), Recipe(), FIGURES, small)
    with pytest.raises(ConfigError, match=r"needs about .* GB .*method=qlora"):
        forecast.require_feasible()


def test_four_bits_need_a_card():
    """On a processor QLoRA is refused before anything is loaded."""
    forecast = plan(SMALL, PRESETS["unsloth"], FIGURES, THIS)
    with pytest.raises(ConfigError, match="NVIDIA"):
        forecast.require_feasible()


def test_recipes_that_over_fit_are_warned_of():
    """Four rows and 300 epochs, the second seed's own recipe."""
    few = RowFigures(rows=4, examples=4, tokens=200, learned_tokens=120, longest=60)
    warnings = " ".join(plan(SMALL, PRESETS["chatman"], few, THIS).warnings)
    assert "by heart" in warnings
    assert "learning_rate" in warnings


@pytest.mark.parametrize(("max_steps", "warned"), [(None, True), (1000, True), (15, False)])
def test_passes_are_counted_whatever_bounds_them(max_steps, warned):
    """`max_steps` takes the warning away only where it ends the run before the fourth pass."""
    few = RowFigures(rows=20, examples=20, tokens=2000, learned_tokens=1200, longest=60)
    made = Recipe(epochs=50, batch=4, max_steps=max_steps, learning_rate=1e-4)
    warnings = " ".join(plan(SMALL, made, few, THIS).warnings)
    assert ("by heart" in warnings) is warned


def test_a_last_step_that_sees_less_is_no_further_pass():
    """Three epochs of five rows in batches of four are three, not five."""
    few = RowFigures(rows=5, examples=5, tokens=500, learned_tokens=300, longest=60)
    assert plan(SMALL, Recipe(epochs=3, batch=4, learning_rate=1e-4), few, THIS).warnings == ()


def test_a_sound_recipe_is_not_warned_of():
    """A warning that always comes says nothing."""
    assert plan(HALF_BILLION, PRESETS["qingting-cpu"], FIGURES, THIS).warnings == ()


def test_advice_goes_by_the_number_of_rows():
    """Few rows, few epochs; very many, full tuning becomes an option."""
    assert "3" in plan(SMALL, Recipe(), FIGURES, THIS).advice["epochs"]
    many = RowFigures(50_000, 50_000, 5_000_000, 2_000_000, 300)
    assert "full" in plan(SMALL, Recipe(), many, THIS).advice["method"]

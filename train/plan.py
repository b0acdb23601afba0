"""What a run will take and do, told before it starts.

Memory of models of seven billion weights and more is interpolated between figures that
LLaMA-Factory publishes, because no formula of weights alone fits them. Below that, and on
a processor, it is added up from weights, optimizer and activations, and was checked
against what training on two cores takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from pipeline.errors import ConfigError
from train.base import ModelShape
from train.machine import Machine
from train.recipe import Recipe
from train.sft import epoch_steps, steps_of

TableMethod: TypeAlias = Literal[
    "full-amp", "full", "freeze", "lora", "qlora-8", "qlora-4", "qlora-2"
]

# Billions of weights: 7B, 13B, 30B, 8x7B, 70B, 110B, 8x22B; their nominal names where no
# expert is shared, the true number for the mixtures.
TABLE_BILLIONS = (7.0, 13.0, 30.0, 46.7, 70.0, 110.0, 141.0)
# GB, from the README of LLaMA-Factory.
TABLE_GB: Mapping[TableMethod, tuple[int, ...]] = {
    "full-amp": (120, 240, 600, 900, 1200, 2000, 2400),
    "full": (60, 120, 300, 400, 600, 900, 1200),
    "freeze": (20, 40, 80, 160, 200, 360, 400),
    "lora": (16, 32, 64, 120, 160, 240, 320),
    "qlora-8": (10, 20, 40, 60, 80, 140, 160),
    "qlora-4": (6, 12, 24, 30, 48, 72, 96),
    "qlora-2": (4, 8, 16, 18, 24, 48, 48),
}
_SMALLEST_IN_TABLE = 6.5e9

GB = 1e9
# Python, torch and Unsloth themselves, measured.
_RUNTIME_BYTES = {"cpu": 0.9e9, "cuda": 1.2e9, "mps": 1.0e9}
# Bytes of activations a token leaves in a layer, in units of its width: about 14 values of
# that width and 3 of the inner width are kept for the way back, in 2 bytes.
_KEPT_WIDTHS, _KEPT_INNER_WIDTHS, _VALUE_BYTES = 14, 3, 2
_LOGIT_COPIES_BYTES = 10  # logits in 2 bytes, their float32 copy and its gradient
_FITS = 0.92  # share of memory that may be planned for
# Operations a token and weight: forward 2, backward for activations 2, for weights 2.
_LORA_OPERATIONS, _FULL_OPERATIONS = 4, 6
_FEW_ROWS = 500
_MANY_ROWS = 20_000
_MANY_EPOCHS = 3


@dataclass(frozen=True, slots=True)
class RowFigures:
    """What is to be learned.

    Attributes:
        rows: Training rows.
        examples: What the model is given at once: packs, or rows.
        tokens: Of all rows, once.
        learned_tokens: Of those, with a label.
        longest: Tokens of the longest row.
    """

    rows: int
    examples: int
    tokens: int
    learned_tokens: int
    longest: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The forecast of a run.

    Attributes:
        memory_bytes: At its peak.
        steps: Optimizer steps.
        secs: Time of all steps.
        cost: Price, in the currency of the hourly price; None without one.
        warnings: What is likely to go wrong.
        advice: A recipe's values that would suit the rows better.
        refusal: Why it cannot run here, or None.
    """

    memory_bytes: float
    steps: int
    secs: float
    cost: float | None
    warnings: tuple[str, ...]
    advice: Mapping[str, str]
    refusal: str | None

    def require_feasible(self) -> None:
        """Stop what cannot run.

        Raises:
            ConfigError: With the reason and what to do instead.
        """
        if self.refusal:
            raise ConfigError(self.refusal)


def plan(
    shape: ModelShape,
    recipe: Recipe,
    figures: RowFigures,
    machine: Machine,
    *,
    price_per_hour: float | None = None,
) -> Plan:
    """Forecast a run."""
    memory = memory_bytes(shape, recipe, machine.device, figures.longest)
    steps = steps_of(recipe, figures.examples)
    passes = steps * recipe.batch * recipe.accumulation / max(1, figures.examples)
    operations = _FULL_OPERATIONS if recipe.method == "full" else _LORA_OPERATIONS
    if recipe.checkpointing:
        operations += 2  # forward once more
    reference = 2 if recipe.stage == "dpo" else 0  # once, whatever the passes
    operations_in_all = passes * operations + reference
    secs = figures.tokens * shape.parameters * operations_in_all / machine.flops
    return Plan(
        memory_bytes=memory,
        steps=steps,
        secs=secs,
        cost=None if price_per_hour is None else secs / 3600 * price_per_hour,
        warnings=tuple(_warnings(recipe, figures)),
        advice=advice(figures.rows),
        refusal=_refusal(shape, recipe, machine, memory, figures.longest),
    )


def memory_bytes(shape: ModelShape, recipe: Recipe, device: str, longest: int) -> float:
    """Peak memory of training.

    Args:
        shape: Of the base.
        recipe: Method, batch and length.
        device: Where the weights are: `cpu`, `cuda` or `mps`.
        longest: Tokens of the longest row; a pack is as long as `recipe.max_tokens`.
    """
    summed = _summed_bytes(shape, recipe, device, longest)
    if shape.parameters < _SMALLEST_IN_TABLE or device != "cuda":
        return summed
    method: TableMethod = {"full": "full", "lora": "lora", "qlora": "qlora-4"}[recipe.method]  # type: ignore[assignment]
    return max(summed, published_gb(method, shape.parameters / 1e9) * GB)


def published_gb(method: TableMethod, billions: float) -> float:
    """LLaMA-Factory's figure for a model of this size, between sizes on a straight line.

    Args:
        method: Row of its table; the number of bits after `qlora-`.
        billions: Weights; below the smallest size in proportion to it.
    """
    column = TABLE_GB[method]
    points = list(zip(TABLE_BILLIONS, column, strict=True))
    if billions <= points[0][0]:
        return points[0][1] * billions / points[0][0]
    for (left, low), (right, high) in pairwise(points):
        if billions <= right:
            return low + (high - low) * (billions - left) / (right - left)
    return points[-1][1] * billions / points[-1][0]


def advice(rows: int) -> dict[str, str]:
    """What suits so many rows, as fields of the recipe."""
    if rows < 20:
        return {
            "epochs": "3 to 6, after paraphrasing them to 60 and mixing 5 times as many others",
            "rank": "8",
            "learning_rate": "1e-4",
        }
    if rows < _FEW_ROWS:
        return {"epochs": "at most 3", "rank": "8", "learning_rate": "1e-4"}
    if rows <= 5_000:
        return {"epochs": "2 to 3", "rank": "8 to 16", "learning_rate": "1e-4 to 2e-4"}
    if rows <= _MANY_ROWS:
        return {"epochs": "2", "rank": "16", "learning_rate": "2e-4"}
    return {"epochs": "1 to 2", "rank": "16 to 32", "learning_rate": "2e-4", "method": "or full"}


def _summed_bytes(shape: ModelShape, recipe: Recipe, device: str, longest: int) -> float:
    tokens = recipe.batch * (recipe.max_tokens if recipe.packing else longest)
    if recipe.stage == "dpo":
        tokens *= 2
    adapter = shape.lora_parameters(recipe.rank, recipe.targets)
    if recipe.method == "full":
        # Weights, gradient and Adam's two moments, in float32 on a processor.
        state = shape.parameters * (16.0 if device == "cpu" else 12.0)
    else:
        weight_bytes = 0.6 if recipe.method == "qlora" else 2
        state = shape.parameters * weight_bytes + adapter * 16
    widths = _KEPT_WIDTHS * shape.hidden + _KEPT_INNER_WIDTHS * shape.intermediate
    if recipe.checkpointing:  # the input of each layer is kept, and one layer is worked on
        kept = tokens * _VALUE_BYTES * (shape.layers * shape.hidden + widths)
    else:
        # LoRA keeps a float32 copy of each target's input.
        lora_inputs = 4 * shape.hidden if recipe.method != "full" else 0
        kept = tokens * shape.layers * (_VALUE_BYTES * widths + lora_inputs)
    logits = tokens * shape.vocabulary * _LOGIT_COPIES_BYTES
    return _RUNTIME_BYTES[device] + state + kept + logits


def _refusal(
    shape: ModelShape, recipe: Recipe, machine: Machine, memory: float, longest: int
) -> str | None:
    if recipe.method == "qlora" and machine.device != "cuda":
        return "method=qlora needs an NVIDIA card, and none is here; add --set method=lora"
    room = machine.memory_bytes * _FITS
    if memory <= room:
        return None
    single = {
        "checkpointing": True,
        "batch": 1,
        "accumulation": recipe.accumulation * recipe.batch,
    }
    smaller = {
        "checkpointing=true": recipe.model_copy(update={"checkpointing": True}),
        "batch=1 checkpointing=true": recipe.model_copy(update=single),
    }
    if recipe.method == "full":
        smaller["method=lora"] = recipe.model_copy(update={"method": "lora"})
        smaller["method=lora batch=1 checkpointing=true"] = recipe.model_copy(
            update={**single, "method": "lora"}
        )
    if recipe.method != "qlora" and machine.device == "cuda":
        smaller["method=qlora"] = recipe.model_copy(update={"method": "qlora"})
        smaller["method=qlora batch=1 checkpointing=true"] = recipe.model_copy(
            update={**single, "method": "qlora"}
        )
    fitting = [
        f"add --set {change.replace(' ', ' --set ')}"
        for change, changed in smaller.items()
        if memory_bytes(shape, changed, machine.device, longest) <= room
    ]
    instead = fitting[0] if fitting else "choose a smaller base, or a smaller max_tokens"
    return (
        f"this needs about {memory / GB:.1f} GB and the machine has "
        f"{machine.memory_bytes / GB:.1f} GB; {instead}"
    )


def _warnings(recipe: Recipe, figures: RowFigures) -> list[str]:
    found = []
    steps = steps_of(recipe, figures.examples)
    # The last step of an epoch may see less, so steps alone would count too much.
    epochs = min(recipe.epochs, steps / max(1, epoch_steps(recipe, figures.examples)))
    if figures.rows < _FEW_ROWS and epochs > _MANY_EPOCHS:
        found.append(
            f"{figures.rows} rows over {epochs:.3g} epochs will be learned by heart; "
            "that may cost general ability"
        )
    if recipe.learning_rate > 5e-4 and recipe.method != "full":
        found.append(f"learning_rate {recipe.learning_rate:g} is high for LoRA; 2e-4 is usual")
    if recipe.method == "full" and recipe.learning_rate > 5e-5:
        found.append(
            f"learning_rate {recipe.learning_rate:g} is high for full tuning; 1e-5 is usual"
        )
    if recipe.method == "full" and figures.rows < _MANY_ROWS:
        found.append("full tuning wants tens of thousands of rows; method=lora suits fewer")
    if recipe.learn == "everything":
        found.append("the user's words are learned too, so the model will learn to speak for them")
    if figures.learned_tokens < 0.1 * figures.tokens:
        found.append("less than a tenth of the tokens are learned; shorten prompts or set packing")
    if recipe.dropout and recipe.engine == "unsloth":
        found.append("dropout above 0 keeps Unsloth from its fast path")
    return found

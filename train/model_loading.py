"""The base model, ready to learn. Unsloth must be imported before transformers."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError, ModelError
from train.base import NEEDS_TRAIN
from train.recipe import Recipe

if TYPE_CHECKING:
    import torch

_ENVIRONMENT = {
    # Unsloth asks its maker for statistics; training is a local matter.
    "UNSLOTH_DISABLE_STATISTICS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # Threads that wait by spinning stretch a step from seconds to minutes as soon as another
    # process wants one of the cores.
    "OMP_WAIT_POLICY": "PASSIVE",
}


def require_training() -> None:
    """Check that the training extra is installed.

    Raises:
        ConfigError: It is not; the message says how to get it.
    """
    if any(importlib.util.find_spec(name) is None for name in ("torch", "transformers", "peft")):
        raise ConfigError(NEEDS_TRAIN)


def device() -> str:
    """`cuda`, `mps` or `cpu`, whichever this machine has."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def load_for_training(
    folder: Path, recipe: Recipe, threads: int | None = None, start: Path | None = None
) -> Any:
    """Load a base and add what is trained.

    Args:
        folder: Model folder.
        recipe: Decides what is added.
        start: Folder of an adapter of the same shape to go on from; None begins anew.
        threads: Compute threads on a CPU; None leaves torch's choice.

    Returns:
        A PEFT model, or the model itself for full fine-tuning.

    Raises:
        ConfigError: The recipe asks for what this machine or engine cannot do.
        ModelError: The base cannot be loaded.
    """
    require_training()
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if recipe.engine == "unsloth":
        _import_unsloth()
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    where = device()
    if recipe.method == "qlora" and where != "cuda":
        raise ConfigError(f"method=qlora needs CUDA, this machine has {where}; use method=lora")
    try:
        loaded = _with_unsloth if recipe.engine == "unsloth" else _plainly
        model = loaded(folder, recipe, where)
        if start is not None:
            _go_on_from(model, start, where)
        return model
    except (OSError, ValueError, NotImplementedError) as error:
        raise ModelError(f"{folder} cannot be trained: {error}") from error


def _go_on_from(model: Any, start: Path, where: str) -> None:
    from peft import load_peft_weights, set_peft_model_state_dict
    from safetensors import SafetensorError

    try:
        result = set_peft_model_state_dict(model, load_peft_weights(str(start), device=where))
    except (RuntimeError, SafetensorError) as error:  # other sizes; a damaged file
        raise ValueError(f"the adapter to go on from: {error}") from error
    left = [name for name in result.missing_keys if "lora_" in name]
    if left or result.unexpected_keys:
        raise ValueError(
            f"the adapter to go on from does not fit: {[*left, *result.unexpected_keys][0]}"
        )


def _import_unsloth() -> None:
    try:
        importlib.import_module("unsloth")
    except (ImportError, NotImplementedError) as error:
        raise ConfigError(
            f"Unsloth does not load here ({error}); run: make setup-train, or add engine=plain"
        ) from error


def _dtype(recipe: Recipe, where: str) -> torch.dtype:
    import torch

    if where == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    # Adam's small steps vanish in bfloat16 weights; a LoRA's own weights are float32.
    return torch.float32 if recipe.method == "full" else torch.bfloat16


def _with_unsloth(folder: Path, recipe: Recipe, where: str) -> Any:
    from unsloth import FastLanguageModel

    model, _ = FastLanguageModel.from_pretrained(
        model_name=str(folder),
        max_seq_length=recipe.max_tokens,
        dtype=_dtype(recipe, where),
        load_in_4bit=recipe.method == "qlora",
        full_finetuning=recipe.method == "full",
    )
    if recipe.method == "full":
        return model
    unsloths_own = "unsloth" if where == "cuda" else True
    extra = {"use_dora": True} if recipe.dora else {}
    return FastLanguageModel.get_peft_model(
        model,
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules=list(recipe.targets),
        use_rslora=recipe.rslora,
        use_gradient_checkpointing=unsloths_own if recipe.checkpointing else False,
        random_state=recipe.seed,
        **extra,
    )


def _plainly(folder: Path, recipe: Recipe, where: str) -> Any:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    torch.manual_seed(recipe.seed)
    options: dict[str, Any] = {"dtype": _dtype(recipe, where)}
    if recipe.method == "qlora":
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True
        )
    model = AutoModelForCausalLM.from_pretrained(str(folder), **options)
    if where != "cpu":
        model = model.to(where)
    if recipe.checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
        model.enable_input_require_grads()
    if recipe.method == "full":
        return model
    return get_peft_model(
        model,
        LoraConfig(
            task_type="CAUSAL_LM",
            r=recipe.rank,
            lora_alpha=recipe.alpha,
            lora_dropout=recipe.dropout,
            target_modules=list(recipe.targets),
            use_rslora=recipe.rslora,
            use_dora=recipe.dora,
        ),
    )

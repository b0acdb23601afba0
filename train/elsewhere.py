"""The same run with other tools: mlx-lm on Apple machines, and LLaMA-Factory.

Both ways for LLaMA-Factory: its settings are read as a recipe, too.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ConfigError
from train.presets import UNAVAILABLE
from train.recipe import PROJECTIONS, Recipe

# Templates of LLaMA-Factory by the `model_type` of the base.
_TEMPLATES = {
    "qwen2": "qwen",
    "qwen3": "qwen3",
    "llama": "llama3",
    "mistral": "mistral",
    "gemma": "gemma",
    "gemma2": "gemma2",
    "gemma3_text": "gemma3",
    "phi3": "phi",
    "chatglm": "chatglm3",
    "glm": "glm4",
    "baichuan": "baichuan2",
    "internlm2": "intern2",
}

# Its names, and ours; the rest of its settings is about places and logs.
_FIELDS = {
    "lora_rank": "rank",
    "lora_alpha": "alpha",
    "lora_dropout": "dropout",
    "use_rslora": "rslora",
    "use_dora": "dora",
    "loraplus_lr_ratio": "loraplus_ratio",
    "neftune_noise_alpha": "neftune_alpha",
    "pref_beta": "dpo_beta",
    "pref_ftx": "dpo_imitation",
    "cutoff_len": "max_tokens",
    "packing": "packing",
    "per_device_train_batch_size": "batch",
    "gradient_accumulation_steps": "accumulation",
    "num_train_epochs": "epochs",
    "max_steps": "max_steps",
    "learning_rate": "learning_rate",
    "warmup_steps": "warmup_steps",
    "warmup_ratio": "warmup_share",
    "weight_decay": "weight_decay",
    "max_grad_norm": "max_grad_norm",
    "val_size": "validation_share",
    "eval_steps": "eval_steps",
    "save_steps": "save_steps",
    "seed": "seed",
}
# Numbers that are reckoned with before `Recipe` looks at them.
_CHECKED = ("lora_rank", "max_steps", "val_size")
_SWITCHES = {
    "use_galore": "galore",
    "use_badam": "badam",
    "pissa_init": "pissa",
    "shift_attn": "longlora",
    "use_llama_pro": "llama_pro",
    "mixture_of_depths": "mod",
}


def llama_factory_template(model_type: str, source: str) -> str:
    """LLaMA-Factory's name of a base's chat template.

    Args:
        model_type: Of its `config.json`.
        source: The template itself; ChatML is known by its markers.
    """
    if "<|im_start|>" in source and model_type not in ("qwen2", "qwen3"):
        return "chatml"
    if "<<SYS>>" in source and model_type == "llama":
        return "llama2"
    return _TEMPLATES.get(model_type, "default")


def llama_factory_command(
    recipe: Recipe,
    base: str,
    template: str,
    dataset: str,
    steps: int,
    eval_dataset: str | None = None,
) -> str:
    """A shell command that trains the same with LLaMA-Factory, but for users' turn ends.

    Args:
        recipe: The run's.
        base: Folder or hub name of the base.
        template: See `llama_factory_template`.
        dataset: Name in `dataset_info.json`; more than one are parted by commas.
        steps: Of the whole run; its `max_steps` overrides the epochs, ours only cuts them short.
        eval_dataset: Name of what to measure by, in place of a share of `dataset`.

    Raises:
        ConfigError: LLaMA-Factory has nothing like it.
    """
    if recipe.learn == "dialogue":
        raise ConfigError("LLaMA-Factory learns replies or every token, not learn=dialogue")
    settings: dict[str, Any] = {
        "stage": recipe.stage,
        "do_train": True,
        "model_name_or_path": base,
        "template": template,
        "dataset": dataset,
        "finetuning_type": "full" if recipe.method == "full" else "lora",
        "output_dir": "ckpts",
        "lr_scheduler_type": recipe.schedule,
        "bf16": True,
        "plot_loss": True,
    }
    if template == "qwen3":
        settings["enable_thinking"] = False  # as `pipeline.llm.prompt` renders
    if recipe.method == "qlora":
        settings["quantization_bit"] = 4
    everything = set(recipe.targets) == set(PROJECTIONS)
    settings["lora_target"] = "all" if everything else ",".join(recipe.targets)
    if recipe.learn == "last":
        settings["mask_history"] = True
    if recipe.learn in ("dialogue", "everything"):
        settings["train_on_prompt"] = True
    for theirs, ours in _FIELDS.items():
        value = getattr(recipe, ours)
        if value not in (None, False):
            settings[theirs] = value
    if recipe.max_steps is not None:
        settings["max_steps"] = steps
    if eval_dataset is not None:
        settings.pop("val_size", None)  # LLaMA-Factory refuses both
        settings["eval_dataset"] = eval_dataset
    flags = " ".join(f"--{name} {shlex.quote(_plain(value))}" for name, value in settings.items())
    return f"llamafactory-cli train {flags}"


def _plain(value: Any) -> str:
    """As its parser takes it: it wants an alpha of 16, and refuses 16.0."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def mlx_commands(recipe: Recipe, base: str, data: str, rows: int) -> tuple[str, str]:
    """Shell commands that train and fuse the same with mlx-lm 0.32 (`mlx-lm[train]`).

    It learns every token of a row, or with `--mask-prompt` its last message only; in between
    there is nothing.

    Args:
        recipe: The run's.
        base: Folder or hub name of the base.
        data: Folder with `train.jsonl` and `valid.jsonl`.
        rows: Training rows; mlx counts batches, not epochs.

    Raises:
        ConfigError: mlx-lm has nothing like it.
    """
    if recipe.stage != "sft":
        raise ConfigError(f"mlx-lm has no stage={recipe.stage}")
    kind = "full" if recipe.method == "full" else "dora" if recipe.dora else "lora"
    steps = round(rows / recipe.batch * recipe.epochs)
    steps = min(steps, recipe.max_steps or steps)
    flags = [
        f"--model {shlex.quote(base)}",
        "--train",
        f"--data {shlex.quote(data)}",
        f"--fine-tune-type {kind}",
        "--num-layers -1",
        f"--iters {max(1, steps)}",
        f"--batch-size {recipe.batch}",
        f"--learning-rate {recipe.learning_rate:g}",
        f"--max-seq-length {recipe.max_tokens}",
        f"--seed {recipe.seed}",
        "--adapter-path adapters",
    ]
    if recipe.accumulation > 1:
        flags.append(f"--grad-accumulation-steps {recipe.accumulation}")
    if recipe.checkpointing:
        flags.append("--grad-checkpoint")
    if recipe.learn == "last":
        flags.append("--mask-prompt")
    keys = [_mlx_key(target) for target in recipe.targets]
    parameters = {
        "rank": recipe.rank,
        "scale": recipe.lora_scale,
        "dropout": recipe.dropout,
        "keys": keys,
    }
    # Rank and scale have no flag; they are read from a file.
    settings = f"echo {shlex.quote(json.dumps({'lora_parameters': parameters}))} > lora.yaml && "
    fuse = f"mlx_lm.fuse --model {shlex.quote(base)} --adapter-path adapters --save-path fused"
    return f"{settings}mlx_lm.lora -c lora.yaml {' '.join(flags)}", fuse


def from_llama_factory(source: str) -> dict[str, Any]:
    """Settings of LLaMA-Factory as changes to a recipe.

    Args:
        source: Path of its YAML file, or its command line.

    Returns:
        Fields of `Recipe`, for `presets.recipe`.

    Raises:
        ConfigError: Neither, or it asks for what this stack does not have.
    """
    named = _settings(source)
    settings = {
        name: value for name, value in named.items() if value is not None
    }  # null is its default
    for switch, name in _SWITCHES.items():
        if _truth(settings.get(switch)):
            raise ConfigError(f"{switch} is not available in this stack: {UNAVAILABLE[name]}")
    numbers = {name: _number(name, settings[name]) for name in _CHECKED if name in settings}
    # What is not named has LLaMA-Factory's default, not ours.
    changes: dict[str, Any] = {
        "batch": 8,
        "rank": 8,
        "alpha": 2 * numbers.get("lora_rank", 8),
        "learning_rate": 5e-5,
        "schedule": "linear",
        "epochs": 3,
        "max_tokens": 2048,
        "warmup_share": 0.0,
        "weight_decay": 0.0,
        "validation_share": 0.0,
        "learn_user_turn_end": False,
        "packing": False,
        "accumulation": 1,
    }
    kind = str(settings.get("finetuning_type", "lora"))
    bits = settings.get("quantization_bit")
    changes["method"] = "qlora" if bits else kind
    changes["stage"] = settings.get("stage", "sft")
    if str(settings.get("lr_scheduler_type", "linear")) in ("linear", "cosine", "constant"):
        changes["schedule"] = settings.get("lr_scheduler_type", "linear")
    targets = str(settings.get("lora_target", "all"))
    if targets != "all":
        changes["targets"] = targets
    if _truth(settings.get("mask_history")):
        changes["learn"] = "last"
    if _truth(settings.get("train_on_prompt")):
        changes["learn"] = "everything"
    for theirs, ours in _FIELDS.items():
        if theirs in settings:
            changes[ours] = settings[theirs]
    if (steps := numbers.get("max_steps", 0)) > 0:
        # It overrides the epochs there and only cuts them short here; none is under one step.
        changes["epochs"] = steps
    else:
        changes.pop("max_steps", None)
    share = numbers.get("val_size", 0.0)
    if share > 1:
        raise ConfigError(f"val_size={share:g} is a number of rows; give a share such as 0.1")
    return changes


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ConfigError(f"{name}={value} is no number") from None


def _settings(source: str) -> Mapping[str, Any]:
    path = Path(source)
    if path.suffix in (".yaml", ".yml", ".json"):
        try:
            loaded = yaml.safe_load(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigError(f"{path} cannot be read as YAML") from error
        if not isinstance(loaded, dict):
            raise ConfigError(f"{path} holds no settings")
        return loaded
    try:
        words = shlex.split(source.replace("\\\n", " "))
    except ValueError as error:
        raise ConfigError(f"the command line cannot be read: {error}") from error
    settings: dict[str, Any] = {}
    for index, word in enumerate(words):
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            following = words[index + 1] if index + 1 < len(words) else "--"
            if not equals:
                value = "true" if following.startswith("--") else following
            settings[name] = value
    if not settings:
        raise ConfigError("neither a YAML file nor a command line of LLaMA-Factory")
    return settings


def _truth(value: Any) -> bool:
    return str(value).lower() in ("true", "1", "convert")


def _mlx_key(target: str) -> str:
    return f"{'mlp' if target in ('gate_proj', 'up_proj', 'down_proj') else 'self_attn'}.{target}"

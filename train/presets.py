"""Named recipes: those of the systems this replaces, and our own.

Numbers are those of the originals; where an original is known to over-fit, `train plan`
says so rather than changing it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from pipeline.errors import ConfigError
from train.recipe import Recipe

_ATTENTION = ("q_proj", "v_proj")

PRESETS: Mapping[str, Recipe] = {
    # Ours for two processor cores: short spoken turns, one pass of about 25 minutes for
    # 240,000 tokens of the 0.5B.
    "qingting-cpu": Recipe(
        rank=8,
        alpha=16,
        max_tokens=512,
        packing=True,
        batch=1,
        accumulation=4,
        epochs=2,
        learning_rate=2e-4,
    ),
    # Four rows about oneself, until the base's name is forgotten. Evaluation would only
    # hold one of the four back.
    "chatman": Recipe(
        rank=8,
        alpha=16,
        dropout=0.5,
        max_tokens=2048,
        batch=2,
        epochs=300,
        learning_rate=1e-3,
        warmup_share=0.0,
        weight_decay=0.0,
        validation_share=0.0,
        save_steps=5000,
        learn_user_turn_end=False,
    ),
    # Windows of two minutes and six hours, then PEFT.
    "monkey": Recipe(
        rank=8,
        alpha=32,
        dropout=0.1,
        max_tokens=384,
        batch=4,
        accumulation=4,
        epochs=10,
        learning_rate=1e-4,
        schedule="linear",
        warmup_share=0.0,
        weight_decay=0.0,
        save_steps=1000,
        checkpointing=True,
        learn_user_turn_end=False,
    ),
    # `finetune_lora.sh` of Llama-Chinese; 4 bits where there is CUDA.
    "llama-chinese": Recipe(
        method="qlora",
        rank=8,
        alpha=32,
        dropout=0.05,
        max_tokens=2048,
        packing=True,
        batch=1,
        accumulation=8,
        epochs=10,
        learning_rate=1e-4,
        schedule="linear",
        warmup_steps=400,
        eval_steps=20,
        save_steps=20,
        learn="everything",
    ),
    # mlx_lm.lora: rank 8, scale 20, on the whole text.
    "bilibot": Recipe(
        rank=8,
        alpha=160,
        max_tokens=2048,
        batch=4,
        max_steps=1000,
        epochs=10_000,
        learning_rate=1e-5,
        schedule="constant",
        warmup_share=0.0,
        weight_decay=0.0,
        eval_steps=200,
        save_steps=100,
        learn="everything",
    ),
    "weclone": Recipe(
        rank=4,
        alpha=8,
        dropout=0.25,
        targets=_ATTENTION,
        max_tokens=2048,
        batch=8,
        accumulation=8,
        epochs=2,
        learning_rate=1e-4,
        schedule="cosine",
        warmup_share=0.1,
        weight_decay=0.1,
        learn_user_turn_end=False,
    ),
    # Unsloth's own notebooks.
    "unsloth": Recipe(
        method="qlora",
        rank=16,
        alpha=16,
        max_tokens=2048,
        batch=2,
        accumulation=4,
        epochs=3,
        learning_rate=2e-4,
        schedule="linear",
        warmup_steps=5,
        checkpointing=True,
    ),
}
DEFAULT_PRESET = "qingting-cpu"

# What a user of LLaMA-Factory may look for, and why it is not here.
UNAVAILABLE: Mapping[str, str] = {
    "freeze": "use method=lora, which trains as little and forgets less",
    "galore": "use method=qlora for the same saving of memory",
    "badam": "use method=qlora for the same saving of memory",
    "pissa": "it alters the base, which then fits no call; use rslora",
    "loftq": "it alters the base, which then fits no call; use method=qlora",
    "longlora": "a spoken call is short; raise max_tokens",
    "llama_pro": "it adds layers, which llama.cpp would have to be given whole; use method=lora",
    "mod": "llama.cpp cannot run mixture of depths",
    "rm": "a reward model does not talk; use stage=dpo with the same pairs",
    "ppo": "use stage=dpo, which needs no reward model",
    "kto": "use stage=dpo with pairs",
    "orpo": "use stage=dpo after stage=sft",
    "simpo": "use stage=dpo",
}


def recipe(preset: str, changes: Mapping[str, Any] | None = None) -> Recipe:
    """A preset with some of its values changed.

    Args:
        preset: Name in `PRESETS`.
        changes: Field to value; texts are read as the field's type.

    Raises:
        ConfigError: Unknown preset, field or value.
    """
    if preset not in PRESETS:
        raise ConfigError(f"there is no preset {preset}; there are {', '.join(PRESETS)}")
    changes = dict(changes or {})
    for name in ("method", "stage"):
        wanted = str(changes.get(name, "")).lower()
        if wanted in UNAVAILABLE:
            raise ConfigError(f"{name}={wanted} is not available in this stack: "
                              f"{UNAVAILABLE[wanted]}")  # fmt: skip
    for name in changes:
        if name.lower() in UNAVAILABLE:
            raise ConfigError(f"{name} is not available in this stack: {UNAVAILABLE[name.lower()]}")
    if isinstance(targets := changes.get("targets"), str):
        changes["targets"] = tuple(part.strip() for part in targets.split(","))
    for name, value in changes.items():
        if value == "none":
            changes[name] = None
    try:
        return Recipe.model_validate({**PRESETS[preset].model_dump(), **changes})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "recipe"
        reason = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            reason = f"there is no such field; there are {', '.join(Recipe.model_fields)}"
        raise ConfigError(f"{field}: {reason}") from error

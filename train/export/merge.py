"""Adapter and base as one model in safetensors, checked against what they were apart."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from train.run_folder import RunFolder, write_json

# float32 merges of a 135M model were off by 6.7e-5 at most; a wrong scale is off by units.
MERGE_LIMIT = 1e-3
_COPIED = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
PROBES = "probes.npz"


def merge(
    folder: RunFolder, out: Path, prompts: Sequence[Sequence[int]], *, shard_size: str = "2GB"
) -> float:
    """Write the merged model, and what it answers to `prompts` for later comparisons.

    Args:
        folder: A finished run; one of full fine-tuning is merged already and only copied.
        out: Folder to write; replaced only when the new one is whole.
        prompts: Tokens of prompts to compare by.
        shard_size: Largest file, as transformers writes it ("2GB").

    Returns:
        The largest difference of a logit between merged and apart.

    Raises:
        ModelError: The difference is above `MERGE_LIMIT`; nothing is written.
        ConfigError: torch is not here.
    """
    from train.model_loading import require_training

    require_training()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import torch
    from transformers import AutoModelForCausalLM

    manifest = folder.manifest
    full = manifest.recipe.method == "full"
    base = Path(manifest.base_folder)
    source = folder.model if full else base
    # Merging in 16 bits would round each weight twice.
    model: Any = AutoModelForCausalLM.from_pretrained(str(source), dtype=torch.float32)
    difference = 0.0
    if not full:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, str(folder.path)).eval()
        apart = _answers(model, prompts)
        model = model.merge_and_unload()
        merged = _answers(model, prompts)
        pairs = zip(apart, merged, strict=True)
        difference = max((float(np.abs(a - b).max()) for a, b in pairs), default=0.0)
        if difference > MERGE_LIMIT:
            raise ModelError(
                f"merged and apart differ by {difference:.2g} in a logit, more than "
                f"{MERGE_LIMIT:g}; the export is refused"
            )
    else:
        merged = _answers(model.eval(), prompts)
    unfinished = out.with_name(f".{out.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    model.to(torch.bfloat16).save_pretrained(str(unfinished), max_shard_size=shard_size)
    for name in _COPIED:
        if (base / name).is_file():
            shutil.copy2(base / name, unfinished / name)
    _name_stops(base, unfinished)
    arrays: dict[str, NDArray[Any]] = {}
    for number, (ids, logits) in enumerate(zip(prompts, merged, strict=True)):
        arrays |= {f"ids{number}": np.asarray(ids), f"logits{number}": logits}
    np.savez_compressed(unfinished / PROBES, allow_pickle=False, **arrays)
    shutil.rmtree(out, ignore_errors=True)
    unfinished.rename(out)
    return difference


def probes(merged: Path) -> list[tuple[list[int], NDArray[np.float32]]]:
    """What `merge` kept: prompts and the logits that follow each.

    Returns:
        Tokens; and float32, shape (vocabulary,).
    """
    with np.load(merged / PROBES) as kept:
        count = len(kept.files) // 2
        return [(kept[f"ids{i}"].tolist(), kept[f"logits{i}"]) for i in range(count)]


def size_bytes(folder: Path) -> int:
    """Size of the weights of a model folder."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def _answers(model: Any, prompts: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
    import torch

    with torch.inference_mode():
        return [
            model(input_ids=torch.tensor([list(ids)])).logits[0, -1].float().numpy()
            for ids in prompts
        ]


def _name_stops(base: Path, out: Path) -> None:
    """Both the end of a turn and the end of a text stop generation."""
    settings = json.loads((base / "tokenizer_config.json").read_text("utf-8"))
    content = json.loads((base / "tokenizer.json").read_text("utf-8"))
    named = {token["content"]: token["id"] for token in content["added_tokens"]}
    wanted = [settings.get("eos_token"), settings.get("pad_token"), "<|im_end|>", "<|eot_id|>"]
    stops = sorted({named[name] for name in wanted if isinstance(name, str) and name in named})
    path = out / "generation_config.json"
    config = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    write_json(path, {**config, "eos_token_id": stops})

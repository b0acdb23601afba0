"""The `README.md` of a run: what it is, what it was made of, what it must not be used for."""

from __future__ import annotations

import json
from typing import Any

from train.curves import Verdict
from train.run_folder import Manifest, RunFolder


def write_card(folder: RunFolder, verdict: Verdict) -> None:
    """Write the model card.

    Args:
        folder: A finished run.
        verdict: Of its loss curve.
    """
    manifest = folder.manifest
    results = json.loads((folder.path / "all_results.json").read_text("utf-8"))
    (folder.path / "README.md").write_text(_card(folder, manifest, results, verdict), "utf-8")


def _card(folder: RunFolder, manifest: Manifest, results: dict[str, Any], verdict: Verdict) -> str:
    recipe = manifest.recipe
    rows = manifest.rows
    figures = "\n".join(
        f"| {name} | {value:.4g} |"
        for name, value in results.items()
        if isinstance(value, int | float)
    )
    data = "\n".join(
        f"| `{file.path}` | {file.records} | `{file.sha256[:16]}` |" for file in manifest.data
    )
    warnings = "\n".join(f"- {warning}" for warning in manifest.warnings) or "- none"
    settings = json.dumps(recipe.model_dump(), ensure_ascii=False, indent=2)
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    return f"""---
base_model: {manifest.base}
library_name: peft
tags: [lora, {recipe.stage}, qingting]
---
# {folder.path.name}

{recipe.stage.upper()} of `{manifest.base}` with `{recipe.method}` (preset `{manifest.preset}`),
made on {manifest.created} by `qingting train run` on {manifest.machine}.

    qingting chat --model {folder.path}
    qingting call --model {folder.path} CLIP.wav

![training loss](training_loss.png)

**Loss curve: {verdict.name}.** {verdict.advice}

| figure | value |
|---|---|
{figures}

## Data
{rows.get("training", 0)} training and {rows.get("validation", 0)} validation rows,
{rows.get("tokens", 0)} tokens, {rows.get("learned_tokens", 0)} of them learned;
rows `{manifest.rows_sha256[:16]}`, chat template `{manifest.template_sha256[:16]}`.

| file | records | sha256 |
|---|---|---|
{data}

## Warnings
{warnings}

## Limits
The model imitates how someone writes. It is not that person, says so when asked, and must
not be passed off as them. It neither diagnoses nor treats. Do not publish it unless everyone
whose words it learned has agreed: a tuned model can repeat what it was trained on. The
base's licence holds for the result too.

## Recipe
```json
{settings}
```
Seed {recipe.seed}. Versions: {versions}.
"""

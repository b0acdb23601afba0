"""Exports a run, gate by gate."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.errors import ConfigError
from train.base import load_format
from train.export.adapter import write_adapter
from train.export.gates import probe_prompts, require_same_answers, require_same_tokens
from train.export.gguf_model import Quantisation, quantise, write_f16
from train.export.merge import merge, probes, size_bytes
from train.export.ollama import modelfile
from train.run_folder import Manifest, RunFolder, write_json


@dataclass(frozen=True, slots=True)
class Exported:
    """One file or folder that an export made.

    Attributes:
        kind: adapter, merged, f16, q8_0 or q4_k_m.
        path: Where it is.
        bytes: Its size.
        difference: From what it was made of: the largest logit for merged, nats for GGUF.
    """

    kind: str
    path: str
    bytes: int
    difference: float | None


Report = Callable[[str], None]


def export(
    folder: RunFolder,
    *,
    adapter: bool,
    merged: bool,
    kinds: Sequence[Quantisation],
    shard_size: str = "2GB",
    report: Report = lambda step: None,
) -> list[Exported]:
    """Export what is asked for; a gate that fails stops it.

    Args:
        folder: A finished run.
        adapter: The GGUF LoRA for a call.
        merged: Safetensors of base and adapter in one.
        kinds: Merged GGUF files.
        shard_size: Largest safetensors file.
        report: Told each step as it begins.

    Raises:
        ConfigError: The run is not finished, or this kind of model cannot be written so.
        ModelError: A gate failed.
    """
    manifest = folder.manifest
    if manifest.state != "finished":
        raise ConfigError(f"{folder.path} is {manifest.state}, not finished")
    base_folder = Path(manifest.base_folder)
    form = load_format(base_folder)
    if form.digest != manifest.template_sha256:
        raise ConfigError("the base's chat template is not the one of training any more")
    system = manifest.recipe.system
    base_gguf = Path(manifest.base_gguf) if manifest.base_gguf else None
    folder.export.mkdir(exist_ok=True)
    done: list[Exported] = []
    if base_gguf is not None:
        report("token ids of the base in llama.cpp")
        require_same_tokens(form, base_gguf, system)
    if adapter:
        report("adapter")
        write_adapter(
            folder.path, base_folder / "config.json", folder.adapter_gguf, name=folder.path.name
        )
        done.append(_exported("adapter", folder.adapter_gguf, None))
        _write_modelfile(folder, manifest, base_gguf, folder.adapter_gguf)
    if merged or kinds:
        target = folder.export / "merged"
        report("merging, and comparing with the parts")
        difference = merge(folder, target, probe_prompts(form, system), shard_size=shard_size)
        done.append(Exported("merged", str(target), size_bytes(target), difference))
    if kinds:
        if base_gguf is None:
            raise ConfigError(
                "a merged GGUF takes its header from the GGUF that was tuned; this run was "
                "tuned from a model folder: start it from a GGUF, or use export/merged"
            )
        done += _ggufs(folder, base_gguf, kinds, report)
    write_json(folder.export / "export.json", [asdict(made) for made in done])
    return done


def warnings(manifest: Manifest) -> list[str]:
    """What whoever is handed the model should be told: how the run was warned, and of canaries."""
    found = list(manifest.warnings)
    if manifest.canaries:
        found.append(
            f"{manifest.canaries} invented secrets were planted to measure what the model gives "
            "away; train a model that others get without --canaries"
        )
    return found


def _ggufs(
    folder: RunFolder, base: Path, kinds: Sequence[Quantisation], report: Report
) -> list[Exported]:
    manifest = folder.manifest
    form = load_format(Path(manifest.base_folder))
    reference = probes(folder.export / "merged")
    full = folder.export / "model-f16.gguf"
    report("f16")
    write_f16(folder.export / "merged", base, full, name=folder.path.name)
    done = []
    for kind in kinds:
        path = folder.export / f"model-{kind}.gguf"
        if kind != "f16":
            report(kind)
            quantise(full, path, kind)
        report(f"comparing {kind}")
        require_same_tokens(form, path, manifest.recipe.system)
        difference = require_same_answers(path, kind, reference)
        done.append(_exported(kind, path, difference))
        _write_modelfile(folder, manifest, path, None)
    if "f16" not in kinds:
        full.unlink()
    return done


def _exported(kind: str, path: Path, difference: float | None) -> Exported:
    return Exported(kind, str(path), path.stat().st_size, difference)


def _write_modelfile(
    folder: RunFolder, manifest: Manifest, model: Path | None, adapter: Path | None
) -> None:
    if model is None:
        return
    config = json.loads((Path(manifest.base_folder) / "tokenizer_config.json").read_text("utf-8"))
    eos = config.get("eos_token")
    stops = [eos] if isinstance(eos, str) else []
    path = folder.export / ("Modelfile.adapter" if adapter else "Modelfile")
    named = model if adapter else Path("./") / model.name
    text = modelfile(named, adapter, manifest.recipe.system, stops)
    path.write_text(text, "utf-8")

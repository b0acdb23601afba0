"""`--model` of every command: a known model, a GGUF, or the folder of a training run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ModelMissingError

if TYPE_CHECKING:
    from train.run_folder import RunFolder

MODEL_HELP = "Model name, path of a GGUF, or folder of a training run."


def model_flags(model: str | None) -> dict[str, Any]:
    """The settings that a `--model` stands for.

    Args:
        model: As given; None changes nothing.

    Raises:
        ConfigError: The run's `run.json` is damaged.
        ModelMissingError: The run has nothing that a call can load.
    """
    if model is None:
        return {}
    folder = Path(model).expanduser()
    if not (folder / "run.json").is_file():
        return {"models.llm": model}
    from train.run_folder import RunFolder

    return _of_run(RunFolder.open(folder))


def _of_run(run: RunFolder) -> dict[str, Any]:
    base = run.manifest.base_gguf
    if base and run.adapter_gguf.is_file():
        if not Path(base).is_file():
            raise ModelMissingError(
                f"{run.path} was trained on {base}, which is not there any more"
            )
        return {"models.llm": base, "models.llm_adapter": str(run.adapter_gguf)}
    merged = sorted(run.export.glob("*.gguf"), key=lambda path: path.stat().st_mtime)
    if not merged:
        raise ModelMissingError(
            f"{run.path} has no model for a call yet; run: qingting export {run.path} --gguf q8_0"
        )
    return {"models.llm": str(merged[-1])}

"""After the last step: curves, verdict, model card, and the adapter for the call."""

from __future__ import annotations

import logging
from pathlib import Path

from pipeline.errors import ConfigError
from train.curves import Verdict, curve, draw, judge
from train.export.adapter import write_adapter
from train.model_card import write_card
from train.run_folder import RunFolder
from train.sft import log_lines

logger = logging.getLogger(__name__)


def plot(folder: RunFolder) -> Verdict:
    """Draw the curves of a run, finished or not, and judge them.

    Raises:
        ConfigError: Nothing has been logged yet.
    """
    lines = log_lines(folder)
    training, evaluation = curve(lines, "loss"), curve(lines, "eval_loss")
    if not training.losses:
        raise ConfigError(f"{folder.path} has logged no loss yet")
    verdict = judge(training, evaluation)
    draw(folder.path / "training_loss.png", training, f"{folder.path.name}: loss", verdict)
    if evaluation.losses:
        title = f"{folder.path.name}: evaluation loss"
        draw(folder.path / "training_eval_loss.png", evaluation, title)
    return verdict


def finish(folder: RunFolder) -> Verdict:
    """Write what people and the call look for in a finished run."""
    verdict = plot(folder)
    write_card(folder, verdict)
    manifest = folder.manifest
    if manifest.recipe.method != "full":
        config = Path(manifest.base_folder) / "config.json"
        try:
            write_adapter(folder.path, config, folder.adapter_gguf, name=folder.path.name)
        except ConfigError as error:
            # A DoRA, or an architecture without a GGUF form: the run is good all the same.
            logger.warning("no GGUF adapter: %s", error.message)
    return verdict

"""Training itself: rows of a run folder in, a tuned model out.

Everything that can go wrong cheaply has been checked by then, see `train.start`. What is
here holds for all stages; preferences only have another loss (`train.dpo`).
"""

from __future__ import annotations

import json
import logging
import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.progress import Progress

from pipeline.errors import ConfigError
from train.base import load_format
from train.earlier import require_unchanged
from train.model_loading import device, load_for_training, require_training
from train.recipe import Recipe
from train.render import PreferencePair, Row
from train.rows import AnyRow, Example, RunRows, examples, load_rows
from train.run_folder import RunFolder, write_json

if TYPE_CHECKING:
    from transformers import Trainer

logger = logging.getLogger(__name__)

# Loss lines of a run: enough for a curve, few enough to read.
_LOG_LINES = 200
# Evaluations, or checkpoints, of a run, unless the recipe says otherwise.
_EVALUATIONS = 10
_FEWEST_BETWEEN = 5
_HIGHEST_EXPONENT = 80.0  # a perplexity beyond that says nothing
_KEPT_CHECKPOINTS = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """How training ended.

    Attributes:
        state: Interrupted runs can be resumed.
        steps: Steps done in all.
        train_loss: Mean over the run.
        eval_loss: Of the checkpoint that was kept; None without validation rows.
        secs: Time of this process's part.
    """

    state: Literal["finished", "interrupted"]
    steps: int
    train_loss: float
    eval_loss: float | None
    secs: float


def steps_of(recipe: Recipe, training_examples: int) -> int:
    """Optimiser steps of a whole run."""
    total = math.ceil(epoch_steps(recipe, training_examples) * recipe.epochs)
    return min(total, recipe.max_steps or total)


def epoch_steps(recipe: Recipe, training_examples: int) -> int:
    """Optimiser steps of one pass over the data; the last may see less than others."""
    return math.ceil(math.ceil(training_examples / recipe.batch) / recipe.accumulation)


def train(folder: RunFolder, *, resume: bool = False, threads: int | None = None) -> Outcome:
    """Train, and write adapter or model, logs and figures to the run folder.

    Args:
        folder: Prepared by `train.start.prepare`.
        resume: Go on from the last whole checkpoint, or from the beginning if there is none.
        threads: Compute threads on a CPU.

    Raises:
        ConfigError: The run is finished or under way, or its rows have changed.
        ModelError: The base cannot be loaded.
        EngineError: The loss is no number any more.

    Ctrl-C ends it softly: the checkpoint is written and the outcome is `interrupted`.
    """
    with folder.locked():
        manifest = folder.manifest
        if manifest.state == "finished":
            raise ConfigError(f"{folder.path} is finished; start another run")
        if manifest.state != "new" and not resume:
            raise ConfigError(
                f"{folder.path} has begun already; to go on: qingting train resume {folder.path}"
            )
        require_training()
        for broken in folder.broken_checkpoints():
            shutil.rmtree(broken)
        folder.set_state("running")
        try:
            outcome = _train(folder, folder.last_checkpoint(), threads)
        except KeyboardInterrupt:
            folder.set_state("interrupted")
            raise
        except BaseException:
            folder.set_state("failed")
            raise
        folder.set_state(outcome.state)
        return outcome


def _train(folder: RunFolder, checkpoint: Path | None, threads: int | None) -> Outcome:
    manifest = folder.manifest
    recipe = manifest.recipe
    base = Path(manifest.base_folder)
    start = folder.start if manifest.started_from else None
    if start is not None:
        require_unchanged(start, manifest.started_sha256)
    # Before anything imports transformers.
    model = load_for_training(base, recipe, threads, start)
    from transformers import set_seed

    from train.progress import LogWriter, ProgressBar, SoftStop, WholeCheckpoints

    set_seed(recipe.seed)
    form = load_format(base)
    training, validation = unchanged_rows(folder)
    trainer = _trainer(folder, model, form.pad, training, validation)
    resumed_at = int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0
    began = time.monotonic()
    with (
        SoftStop() as stop,
        Progress(*ProgressBar.columns(), console=Console(stderr=True)) as progress,
    ):
        for callback in (
            LogWriter(folder, resumed_at),
            ProgressBar(progress),
            WholeCheckpoints(),
            stop,
        ):
            trainer.add_callback(callback)
        result = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        if stop.requested and trainer.state.global_step < trainer.state.max_steps:
            return Outcome(
                "interrupted",
                trainer.state.global_step,
                result.training_loss,
                None,
                time.monotonic() - began,
            )
    # The last step is always evaluated, and the best checkpoint is what is loaded now.
    eval_loss = trainer.state.best_metric
    secs = time.monotonic() - began
    outcome = Outcome("finished", trainer.state.global_step, result.training_loss, eval_loss, secs)
    _save(folder, trainer, base, result.metrics, outcome)
    return outcome


def _trainer(
    folder: RunFolder,
    model: Any,
    pad: int,
    training: Sequence[AnyRow],
    validation: Sequence[AnyRow],
) -> Trainer:
    from transformers import EarlyStoppingCallback, Trainer, TrainingArguments

    from train.batches import ExampleCollator, PairCollator

    recipe = folder.manifest.recipe
    train_set: list[Any] = _examples(training, recipe)
    eval_set: list[Any] = _examples(validation, recipe)
    total = steps_of(recipe, len(train_set))
    eval_steps = min(total, recipe.eval_steps or max(_FEWEST_BETWEEN, total // _EVALUATIONS))
    save_steps = min(total, recipe.save_steps or eval_steps)
    where = device()
    arguments = TrainingArguments(
        output_dir=str(folder.checkpoints),
        per_device_train_batch_size=recipe.batch,
        per_device_eval_batch_size=recipe.batch,
        gradient_accumulation_steps=recipe.accumulation,
        num_train_epochs=recipe.epochs,
        max_steps=total,  # it overrides the epochs, so a longer one would prolong the run
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule
        if recipe.schedule != "constant"
        else "constant_with_warmup",
        warmup_steps=int(recipe.warmup_share * total)
        if recipe.warmup_steps is None
        else min(recipe.warmup_steps, total),
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        neftune_noise_alpha=recipe.neftune_alpha,
        logging_steps=max(1, total // _LOG_LINES),
        logging_first_step=True,
        eval_strategy="steps" if eval_set else "no",
        eval_steps=eval_steps,
        save_strategy="steps",
        # The best checkpoint can only be kept where one is written.
        save_steps=eval_steps if eval_set else save_steps,
        save_total_limit=_KEPT_CHECKPOINTS,
        load_best_model_at_end=bool(eval_set),
        metric_for_best_model="eval_loss" if eval_set else None,
        greater_is_better=False if eval_set else None,
        prediction_loss_only=True,
        seed=recipe.seed,
        data_seed=recipe.seed,
        use_cpu=where == "cpu",
        bf16=where == "cuda" and model.dtype.itemsize == 2 and "bfloat" in str(model.dtype),
        fp16=where == "cuda" and "float16" in str(model.dtype) and "bfloat" not in str(model.dtype),
        dataloader_num_workers=0,
        dataloader_pin_memory=where == "cuda",
        remove_unused_columns=False,
        report_to=[],
        disable_tqdm=True,
        log_level="warning",
    )
    shared: dict[str, Any] = {
        "model": model,
        "args": arguments,
        "train_dataset": train_set,
        "eval_dataset": eval_set or None,
        "optimizers": (_optimizer(model, recipe), None),
    }
    trainer: Trainer
    if recipe.stage == "dpo":
        from train.dpo import PreferenceTrainer, ReferredCollator, refer

        pairs = PairCollator(pad)
        for part in ("train_dataset", "eval_dataset"):
            shared[part] = refer(model, shared[part] or (), pairs) or None
        trainer = PreferenceTrainer(
            beta=recipe.dpo_beta,
            imitation=recipe.dpo_imitation,
            data_collator=ReferredCollator(pairs),
            **shared,
        )
    else:
        collator = ExampleCollator(pad, packing=recipe.packing)
        trainer = Trainer(data_collator=collator, **shared)
    if eval_set and recipe.patience:
        trainer.add_callback(EarlyStoppingCallback(recipe.patience))
    # Our own log and bar say the same in one place.
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    return trainer


def _examples(rows: Sequence[AnyRow], recipe: Recipe) -> list[Example] | list[PreferencePair]:
    if recipe.stage == "dpo":
        return [row for row in rows if isinstance(row, PreferencePair)]
    single = [row for row in rows if isinstance(row, Row)]
    return examples(single, recipe.max_tokens, packing=recipe.packing)


def _optimizer(model: Any, recipe: Recipe) -> Any:
    """LoRA+ (Hayou et al. 2024), or None for the trainer's own AdamW."""
    if recipe.loraplus_ratio is None:
        return None
    import torch
    from peft.optimizers import create_loraplus_optimizer

    return create_loraplus_optimizer(
        model=model,
        optimizer_cls=torch.optim.AdamW,
        lr=recipe.learning_rate,
        loraplus_lr_ratio=recipe.loraplus_ratio,
        weight_decay=recipe.weight_decay,
    )


def _save(
    folder: RunFolder,
    trainer: Trainer,
    base: Path,
    metrics: dict[str, float],
    outcome: Outcome,
) -> None:
    """Write what LLaMA-Factory users expect to find."""
    import torch

    full = folder.manifest.recipe.method == "full"
    target = folder.model if full else folder.path
    assert trainer.model is not None
    trainer.model.save_pretrained(str(target))
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (base / name).is_file():
            shutil.copy2(base / name, target / name)
    if full and (base / "generation_config.json").is_file():
        shutil.copy2(base / "generation_config.json", target / "generation_config.json")
    trainer.state.save_to_json(str(folder.path / "trainer_state.json"))
    torch.save(trainer.args, folder.path / "training_args.bin")
    results = {
        "epoch": trainer.state.epoch,
        "total_flos": metrics.get("total_flos"),
        "train_loss": outcome.train_loss,
        "train_runtime": outcome.secs,
        "train_steps": outcome.steps,
        "train_steps_per_second": outcome.steps / max(outcome.secs, 1e-9),
    }
    write_json(folder.path / "train_results.json", results)
    evaluated = {} if outcome.eval_loss is None else {"eval_loss": outcome.eval_loss}
    if evaluated and folder.manifest.recipe.stage != "dpo":
        evaluated["eval_perplexity"] = math.exp(min(evaluated["eval_loss"], _HIGHEST_EXPONENT))
    write_json(folder.path / "all_results.json", {**results, **evaluated})


def unchanged_rows(folder: RunFolder) -> tuple[list[AnyRow], list[AnyRow]]:
    """The rows of a run, training and validation, as they were when it was made.

    Raises:
        ConfigError: They, or the base's chat template, have changed since.
    """
    manifest = folder.manifest
    try:
        training = load_rows(folder.data / "training.jsonl")
        validation = load_rows(folder.data / "validation.jsonl")
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"the rows in {folder.data} cannot be read") from error
    if RunRows(tuple(training), tuple(validation), 0).sha256 != manifest.rows_sha256:
        raise ConfigError(f"the rows in {folder.data} have changed since the run was made")
    if load_format(Path(manifest.base_folder)).digest != manifest.template_sha256:
        raise ConfigError(
            f"the chat template of {manifest.base} has changed since the run was made"
        )
    return training, validation


def log_lines(folder: RunFolder) -> list[dict[str, Any]]:
    """The lines of `trainer_log.jsonl`; one cut short by a kill is left out."""
    lines = []
    if folder.log.is_file():
        for line in folder.log.read_text("utf-8").splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                continue
    return lines

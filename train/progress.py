"""What a run tells while it goes on: the log, the bar, whole checkpoints, a soft stop."""

from __future__ import annotations

import json
import math
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from pipeline.errors import EngineError
from train.run_folder import RunFolder, mark_complete


class LogWriter(TrainerCallback):
    """Writes `trainer_log.jsonl` with the keys LLaMA-Factory uses.

    Args:
        folder: Run to write to.
        resumed_at: Step that training goes on from; later lines are of a past that was
            undone by a kill, and are dropped.
    """

    def __init__(self, folder: RunFolder, resumed_at: int) -> None:
        self._path = folder.log
        self._began = time.monotonic()
        self._resumed_at = resumed_at
        if self._path.is_file():
            kept = [
                line
                for line in self._path.read_text("utf-8").splitlines()
                if _step_of(line) <= resumed_at
            ]
            self._path.write_text("".join(f"{line}\n" for line in kept), "utf-8")

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Add a line.

        Raises:
            EngineError: The loss is not a number.
        """
        logs = logs or {}
        loss, eval_loss = logs.get("loss"), logs.get("eval_loss")
        either = eval_loss if loss is None else loss
        if either is None:
            return
        if not math.isfinite(float(either)):
            raise EngineError(
                f"the loss is no number any more at step {state.global_step}; lower learning_rate",
                retryable=False,
            )
        elapsed = time.monotonic() - self._began
        here = max(1, state.global_step - self._resumed_at)
        left = elapsed / here * (state.max_steps - state.global_step)
        line = {
            "current_steps": state.global_step,
            "total_steps": state.max_steps,
            **({} if loss is None else {"loss": float(loss)}),
            **({} if eval_loss is None else {"eval_loss": float(eval_loss)}),
            **({"lr": float(logs["learning_rate"])} if "learning_rate" in logs else {}),
            "epoch": round(float(state.epoch or 0), 4),
            "percentage": round(100 * state.global_step / max(1, state.max_steps), 2),
            "elapsed_time": _clock(elapsed),
            "remaining_time": _clock(left),
        }
        with self._path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")


class WholeCheckpoints(TrainerCallback):
    """Marks each checkpoint once all of it is on disk."""

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Mark the checkpoint that was just written."""
        checkpoint = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        if checkpoint.is_dir():
            mark_complete(checkpoint)


class SoftStop(TrainerCallback):
    """Ctrl-C or SIGTERM ends training after the step under way, with a checkpoint.

    A second one ends it at once. Use as a context manager around training.

    Attributes:
        requested: Whether one came.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> SoftStop:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Stop and save, if asked to."""
        if self.requested:
            control.should_save = True
            control.should_training_stop = True


class ProgressBar(TrainerCallback):
    """A bar with the last losses, on stderr."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("training", total=None, losses="")
        self._losses: dict[str, str] = {}

    @classmethod
    def columns(cls) -> tuple[Any, ...]:
        """Columns of the `Progress` to give to the constructor."""
        return (
            TextColumn("step {task.completed:.0f}/{task.total}"),
            BarColumn(),
            TextColumn("{task.fields[losses]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Move on."""
        self._progress.update(self._task, completed=state.global_step, total=state.max_steps)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Show the losses."""
        for name in ("loss", "eval_loss"):
            if name in (logs or {}):
                self._losses[name] = f"{name} {float((logs or {})[name]):.3f}"
        self._progress.update(self._task, losses="  ".join(self._losses.values()))


def _step_of(line: str) -> int:
    try:
        return int(json.loads(line)["current_steps"])
    except (ValueError, KeyError, TypeError):  # cut short by a kill
        return 1 << 62


def _clock(secs: float) -> str:
    minutes, seconds = divmod(int(max(0.0, secs)), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"

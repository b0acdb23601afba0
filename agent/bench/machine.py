"""What the bench ran on: figures mean nothing without it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.adapter import weights_of
from agent.config import Settings
from agent.cores import usable_cores
from agent.doctor import memory_bytes
from pipeline.errors import ModelError

_PACKAGES = (
    "qingting",
    "pipecat-ai",
    "llama_cpp_python",
    "ctranslate2",
    "faster-whisper",
    "onnxruntime",
    "ai-edge-litert",
)

BUSY_LOAD = 0.25  # of each core; an idle desktop stays well below it

LoadAverage = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine, the versions and the models of one run.

    Attributes:
        cores: Usable by this process.
        memory_gb: Available at the start, None where the system does not say.
        load_at_start, load_at_end: Load averages over 1, 5 and 15 minutes; more than a
            few tenths at the start means that somebody else was at work.
        revision: Of the checkout, "" without one.
    """

    cpu: str
    cores: int
    memory_gb: float | None
    system: str
    python: str
    revision: str
    versions: Mapping[str, str]
    models: Mapping[str, str]
    load_at_start: LoadAverage | None
    load_at_end: LoadAverage | None = None

    @property
    def was_busy(self) -> bool:
        """Somebody else was using it before the bench did."""
        return self.load_at_start is not None and self.load_at_start[0] > BUSY_LOAD * self.cores


def describe_machine(settings: Settings) -> Machine:
    """This machine, now."""
    memory = memory_bytes()
    return Machine(
        cpu=_cpu_model(),
        cores=usable_cores(),
        memory_gb=None if memory is None else round(memory / 1e9, 1),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        revision=_revision(),
        versions={name: importlib.metadata.version(name) for name in _PACKAGES},
        models={
            "stt": settings.models.stt,
            "llm": settings.models.llm,
            "mandarin_voice": settings.models.mandarin_voice,
            "english_voice": settings.models.english_voice,
            **_weights(settings),
        },
        load_at_start=load_average(),
    )


def load_average() -> LoadAverage | None:
    """Over 1, 5 and 15 minutes; None where the system does not say."""
    try:
        one, five, fifteen = os.getloadavg()
    except OSError:
        return None
    return round(one, 2), round(five, 2), round(fifteen, 2)


def _weights(settings: Settings) -> dict[str, str]:
    """The file that the language model is read from, and its adapter, if it has one.

    The adapter's folder tells runs and personas apart.
    """
    try:
        read = weights_of(settings)
    except ModelError:
        return {}  # a bench of voices alone needs no language model
    found = {"llm_file": read.file.name}
    if read.adapter is not None:
        how = ", merged" if read.merged else ""
        found["llm_adapter"] = f"{read.adapter.parent.name}/{read.adapter.name}{how}"
    return found


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _revision() -> str:
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return described.stdout.strip()

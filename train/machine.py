"""What this machine can hold and how fast it computes."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

Device: TypeAlias = Literal["cpu", "cuda", "mps"]

# Floating-point operations a second that training reaches on a card, in bfloat16, about a
# third of what its data sheet promises.
_CARD_FLOPS = {
    "H200": 330e12,
    "H100": 330e12,
    "A100": 120e12,
    "L40": 90e12,
    "4090": 60e12,
    "3090": 28e12,
    "3060": 10e12,
    "T4": 12e12,
}
_OTHER_CARD_FLOPS = 15e12
# bfloat16 training against a float32 matrix product of numpy: both measured on two Xeon
# cores, 160 tokens/s of the 0.5B beside 150 GFLOP/s.
_CPU_TRAINING_SHARE = 2.0
_PROBE_SIZE = 1024


@dataclass(frozen=True, slots=True)
class Machine:
    """Where training would run.

    Attributes:
        device: Kind of processor.
        name: For people.
        memory_bytes: Memory that weights and activations must fit into.
        flops: Floating-point operations a second that training reaches.
    """

    device: Device
    name: str
    memory_bytes: int
    flops: float


def this_machine(threads: int | None = None) -> Machine:
    """Examine this machine; takes a fraction of a second.

    Args:
        threads: Compute threads that training may use; None is all cores.
    """
    card = _card()
    if card is not None:
        return card
    cores = os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    used = min(threads or cores, cores)
    flops = _matrix_flops() * used / cores * _CPU_TRAINING_SHARE
    return Machine("cpu", f"{used} of {cores} cores", memory, flops)


def _card() -> Machine | None:
    """The first NVIDIA card, asked of its driver, so that no torch is needed."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    done = subprocess.run(query, capture_output=True, text=True, check=False)
    name, comma, mebibytes = done.stdout.partition("\n")[0].rpartition(",")
    if done.returncode != 0 or not comma:
        return None
    flops = next((rate for part, rate in _CARD_FLOPS.items() if part in name), _OTHER_CARD_FLOPS)
    return Machine("cuda", name, int(mebibytes) << 20, flops)


def _matrix_flops() -> float:
    """Best of three float32 matrix products."""
    one = np.ones((_PROBE_SIZE, _PROBE_SIZE), np.float32)
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        one @ one
        best = min(best, time.perf_counter() - began)
    return 2 * _PROBE_SIZE**3 / best

"""How many cores there are to compute on."""

from __future__ import annotations

import math
import os
from pathlib import Path

# What a container may use of all cores: quota and period, by version of Linux' control groups.
_GROUPS = Path("/sys/fs/cgroup")


def usable_cores(groups: Path = _GROUPS) -> int:
    """Cores this process may run on, or as many as its share of them makes, at least one.

    Args:
        groups: Where the control groups are mounted.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    share = _share(groups)
    return cores if math.isinf(share) else max(1, min(cores, math.ceil(share)))


def _share(groups: Path) -> float:
    """Cores' worth of time; infinite where nothing limits it."""
    for quota, period in (("cpu.max", ""), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            words = (groups / quota).read_text("utf-8").split()
            words += (groups / period).read_text("utf-8").split() if period else []
            limit, each = float(words[0]), float(words[1])
        except (OSError, ValueError, IndexError):
            continue  # no limit ("max"), or no such file
        if limit > 0 and each > 0:
            return limit / each
    return math.inf

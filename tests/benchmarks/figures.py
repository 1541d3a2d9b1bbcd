"""Small arithmetic on samples, and what the kernel says of a process."""

import math
import os
import re
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def quantile(samples: Iterable[float], share: float) -> float:
    """The smallest sample that at least ``share`` of all do not exceed (nearest rank); NaN without samples."""
    ranked = sorted(samples)
    return ranked[max(math.ceil(share * len(ranked)) - 1, 0)] if ranked else math.nan


def cpu_seconds(pid: int) -> float:
    """Processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_kib(pid: int) -> int:
    """Memory of a process that is in RAM."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    if found is None:
        message = f"the kernel tells no VmRSS of process {pid}"
        raise RuntimeError(message)
    return int(found[1])

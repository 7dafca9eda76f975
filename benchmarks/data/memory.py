"""How much memory a piece of work takes, in a process of its own."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any


def peak(work: Callable[..., object], *arguments: Any) -> int:
    """The most resident memory in MB, of the process or of the largest it starts, whichever is more."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
        return alone.submit(_measured, work, arguments).result()


def _measured(work: Callable[..., object], arguments: tuple[Any, ...]) -> int:
    work(*arguments)
    return max(_own_peak(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) // 1024


def _own_peak() -> int:
    """In KB; ``ru_maxrss`` would count what the process that started this one had when it did."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

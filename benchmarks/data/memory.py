"""How much memory a piece of work takes, in a process of its own."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable
from typing import Any


def peak(work: Callable[..., object], *arguments: Any) -> int:
    """The most resident memory in MB, of the process or of the largest it starts, whichever is more."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_run, args=(queue, work, arguments))
    process.start()
    most = queue.get()
    process.join()
    return most


def _run(queue: Any, work: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    work(*arguments)
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    queue.put(max(resource.getrusage(each).ru_maxrss for each in who) // 1024)

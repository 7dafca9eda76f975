"""Work handed to others and taken back in order, a bounded number of pieces at a time."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import TypeVar

import cv2

from ocr_pipeline.errors import PipelineError

Kept = TypeVar("Kept")
Task = TypeVar("Task")
Result = TypeVar("Result")


@contextmanager
def decode_workers(count: int) -> Iterator[Executor | None]:
    """Processes that read, decode and encode pictures; None where the caller does it itself.

    They are spawned: a process forked after torch has run may hang.
    """
    if count <= 1:
        yield None
        return
    spawn = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(count, mp_context=spawn, initializer=_start)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _start() -> None:
    cv2.setNumThreads(1)
    end_with_parent()


def end_with_parent() -> None:
    """See to it that this process ends when the one that started it does, even if that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def in_order(
    executor: Executor | None, work: Callable[[Task], Result], tasks: Iterable[tuple[Kept, Task]], ahead: int
) -> Iterator[tuple[Kept, Result]]:
    """What ``work`` makes of each task, in the order of the tasks.

    Args:
        executor: who does the work; None: the caller, one task at a time.
        tasks: pairs of something that stays here and something that is handed over; taken as they are needed.
        ahead: most tasks that are handed over and not yet taken back, so that memory stays flat.

    Raises:
        PipelineError: a worker process was killed.
    """
    if executor is None:
        yield from ((kept, work(task)) for kept, task in tasks)
        return
    pending: deque[tuple[Kept, Future[Result]]] = deque()
    try:
        for kept, task in tasks:
            pending.append((kept, executor.submit(work, task)))
            if len(pending) >= ahead:
                yield _settled(*pending.popleft())
        while pending:
            yield _settled(*pending.popleft())
    except BrokenProcessPool as error:
        raise PipelineError(
            "a worker process was killed, most likely because memory ran out",
            where="decoding",
            remedy="Run the same command again with fewer --workers; detections made so far are kept.",
        ) from error
    finally:
        for _, future in pending:
            future.cancel()


def _settled(kept: Kept, future: Future[Result]) -> tuple[Kept, Result]:
    return kept, future.result()

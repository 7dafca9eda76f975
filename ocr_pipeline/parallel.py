"""Work handed to threads or processes, a bounded number of pieces at a time, and taken back in its order."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import TypeVar, overload

from ocr_pipeline.errors import PipelineError

Kept = TypeVar("Kept")
Task = TypeVar("Task")
Result = TypeVar("Result")


@overload
def in_order(
    executor: Executor | None, work: Callable[[Task], Result], items: Iterable[tuple[Kept, Task]], ahead: int
) -> Generator[tuple[Kept, Result], None, None]: ...
@overload
def in_order(
    executor: Executor | None, work: Callable[[Task], Result], items: Iterable[tuple[Kept, Task | None]], ahead: int
) -> Generator[tuple[Kept, Result | None], None, None]: ...
def in_order(
    executor: Executor | None, work: Callable[[Task], Result], items: Iterable[tuple[Kept, Task | None]], ahead: int
) -> Generator[tuple[Kept, Result | None], None, None]:
    """What ``work`` makes of each task, in the order of the items.

    Args:
        executor: who does the work; None: the caller, one task at a time.
        items: pairs of something that stays here and of the task that is handed over, taken as they are needed. A
            task that is None is not handed over, and its result is None.
        ahead: most items that are under way at a time, so that memory stays flat.

    Raises:
        PipelineError: a worker process was killed.
    """
    # With ahead=3, items a b c d e: a, b and c are handed over, a's result is awaited and given to the caller; when
    # the caller asks again, d is handed over and b awaited. An item is pulled only after the caller has let go of the
    # one that came `ahead` places before it, so what it borrowed (a place in shared memory) is free again.
    if executor is None:
        yield from ((kept, None if task is None else work(task)) for kept, task in items)
        return
    waiting: deque[tuple[Kept, Future[Result] | None]] = deque()
    try:
        for kept, task in items:
            waiting.append((kept, None if task is None else executor.submit(work, task)))
            if len(waiting) >= ahead:
                first = _settled(waiting.popleft())
                yield first
        while waiting:
            last = _settled(waiting.popleft())
            yield last
    except BrokenProcessPool as error:
        raise PipelineError(
            "a worker process was killed, most likely because memory ran out",
            where="worker processes",
            remedy="Run the same command again with fewer --workers; what is finished is kept.",
        ) from error
    finally:
        for _, future in waiting:
            if future is not None:
                future.cancel()


def _settled(item: tuple[Kept, Future[Result] | None]) -> tuple[Kept, Result | None]:
    kept, future = item
    return kept, None if future is None else future.result()


@contextmanager
def worker_processes(count: int, prepare: Callable[[], object] | None = None) -> Iterator[Executor | None]:
    """Processes that end with this one, even if it is killed; None for a count of 1: the caller works alone.

    They are spawned: a process forked after torch has run may hang.

    Args:
        prepare: called in each before its first task; has to survive pickling.
    """
    if count <= 1:
        yield None
        return
    spawn = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(count, mp_context=spawn, initializer=_start, initargs=(prepare,))
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _start(prepare: Callable[[], object] | None) -> None:
    end_with_parent()
    if prepare is not None:
        prepare()


def end_with_parent() -> None:
    """See to it that this process ends when the one that started it does, even if that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)

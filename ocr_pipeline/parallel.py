"""Work handed to threads or processes, a bounded number of pieces at a time, and taken back in its order."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.context import SpawnContext, SpawnProcess
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
        raise _killed() from error
    finally:
        for _, future in waiting:
            if future is not None:
                future.cancel()


def _killed() -> PipelineError:
    return PipelineError(
        "a worker process was killed, most likely because memory ran out",
        where="worker processes",
        remedy="Run the same command again with fewer --workers; what is finished is kept.",
    )


def _settled(item: tuple[Kept, Future[Result] | None]) -> tuple[Kept, Result | None]:
    kept, future = item
    return kept, None if future is None else future.result()


@contextmanager
def worker_processes(count: int, prepare: Callable[[], object] | None = None) -> Iterator[Executor | None]:
    """Processes that end with this one, even if it is killed; None for a count of 1: the caller works alone.

    They are spawned: a process forked after torch has run may hang. Ctrl-C ends them in the midst of their work.

    Args:
        prepare: called in each before its first task; has to survive pickling.

    Raises:
        PipelineError: one of them was killed.
    """
    if count <= 1:
        yield None
        return
    with closing(WorkerPool(count, prepare)) as pool:
        try:
            yield pool.executor
        except BrokenProcessPool as error:
            raise _killed() from error
        except (KeyboardInterrupt, SystemExit):
            end_workers()
            raise


class WorkerPool:
    """Spawned processes that end with this one and leave Ctrl-C to it; see `worker_processes`."""

    def __init__(self, count: int, prepare: Callable[[], object] | None = None) -> None:
        self.executor = ProcessPoolExecutor(count, mp_context=_Spawn(), initializer=_start, initargs=(prepare,))

    def close(self) -> None:
        """Wait for the tasks under way and end the processes."""
        self.executor.shutdown(cancel_futures=True)


def end_workers() -> None:
    """End all workers of this process now, whatever they are doing, be it their start."""
    for process in multiprocessing.active_children():
        if isinstance(process, _Worker):
            process.kill()


class _Worker(SpawnProcess):
    """A process that Ctrl-C passes by from its first instruction on; the one that started it decides."""

    def start(self) -> None:
        resource_tracker.ensure_running()  # it would unblock the signal in passing
        with _interrupted_later():  # half a start would leave a process without its orders
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which a new process inherits
            try:
                super().start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _interrupted_later() -> Iterator[None]:
    """Ctrl-C counts when this is left; only the main thread is ever interrupted, whichever thread hears the signal."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        for number in heard[:1]:
            signal.raise_signal(number)


class _Spawn(SpawnContext):
    Process = _Worker


def _start(prepare: Callable[[], object] | None) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # who calls this is a worker
    threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()
    if prepare is not None:
        prepare()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)

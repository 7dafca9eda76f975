"""Work handed to threads or processes, a bounded number of pieces at a time, and taken back in its order."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import Pipe, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, NamedTuple, ParamSpec, Protocol, TypeVar, overload

from ocr_pipeline.errors import PipelineError

Kept = TypeVar("Kept")
Task = TypeVar("Task")
Result = TypeVar("Result")
P = ParamSpec("P")


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
        if not isinstance(executor, ProcessPoolExecutor):  # it does so when it is closed; see `WorkerPool.close`
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
    with spawned(count, prepare) as executor:
        yield executor


@contextmanager
def spawned(count: int, prepare: Callable[[], object] | None = None) -> Iterator[Executor]:
    """The same, and one process for a count of 1: the caller has something else to do.

    Raises:
        PipelineError: one of them was killed.
    """
    with closing(WorkerPool(count, prepare)) as pool:
        try:
            yield pool.executor
        except BrokenProcessPool as error:
            raise _killed() from error
        except (KeyboardInterrupt, SystemExit):
            end_workers()
            raise


class Crew(Protocol):
    """Who works off the pieces of a stage, each from its pictures to its file: this machine, or all of an engine.

    Attributes:
        size: how many work at a time.
        here: processes or threads that the caller may have instead, where there is little to do.
        gpus: that each of them has for a model of its own; 0: the caller has those there are.
        least: so many pieces are worth the hiring; fewer the caller does alone, sharing what is in them.
    """

    @property
    def size(self) -> int: ...
    @property
    def here(self) -> int: ...
    @property
    def gpus(self) -> int: ...
    @property
    def least(self) -> int: ...

    def hired(self, prepare: Callable[[], object] | None = None) -> AbstractContextManager[Executor | None]:
        """Them, at work; None: the caller works alone.

        Args:
            prepare: called in each before its first piece; has to survive pickling, as the pieces have.
        """
        ...


@dataclass(frozen=True)
class Processes:
    """A `Crew` of this machine."""

    size: int
    gpus: int = 0
    least: int = 4

    @property
    def here(self) -> int:
        return self.size

    def hired(self, prepare: Callable[[], object] | None = None) -> AbstractContextManager[Executor | None]:
        return worker_processes(self.size, prepare)


ALONE = Processes(1)


class Piece(NamedTuple):
    """What one of several who know nothing of each other does of the same work, dealt out as cards are.

    Attributes:
        number: which one, from 0; of: how many pieces the work has.
    """

    number: int
    of: int

    def taken(self, items: Iterable[Task]) -> Iterator[Task]:
        """Every so-manieth of the items, which all have to see in the same order."""
        return islice(items, self.number, None, self.of)


class WorkerPool:
    """Spawned processes that end with this one and leave Ctrl-C to it; see `worker_processes`."""

    def __init__(self, count: int, prepare: Callable[[], object] | None = None) -> None:
        self.executor = _Pool(count, mp_context=_Spawn(), initializer=prepare)

    def close(self) -> None:
        """Wait for the tasks under way and end the processes; those that have not begun are called off.

        Nobody else may call one off: before Python 3.12 (concurrent/futures/process.py, ``terminate_broken``) the
        thread of a pool that lost a worker falls over such a task, and leaves the other workers at their work.
        """
        self.executor.shutdown(cancel_futures=True)


def end_workers() -> None:
    """End all workers of this process now, whatever they are doing, be it their start."""
    for process in multiprocessing.active_children():
        if isinstance(process, _Worker):
            process.kill()


class _Pool(ProcessPoolExecutor):
    """Ctrl-C waits while a task is handed in: the first one starts a thread, and half a start could not be ended."""

    def submit(self, work: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs) -> Future[Result]:
        with _interrupted_later():
            return super().submit(work, *args, **kwargs)


class _Worker(SpawnProcess):
    """A process that ends with the one that started it, and that Ctrl-C passes by from its first instruction on.

    The one that started it decides about Ctrl-C, and holds one end of a pipe as long as it lives.
    """

    def start(self) -> None:
        resource_tracker.ensure_running()  # it would unblock the signal in passing
        self._silent, self._held = Pipe(duplex=False)
        with _interrupted_later():  # half a start would leave a process without its orders
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which a new process inherits
            try:
                super().start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        assert self.pid is not None  # it has started
        _killed_at_hangup(self.pid, self._silent)
        self._silent.close()

    def run(self) -> None:
        _killed_at_hangup(os.getpid(), self._silent)  # whose starter was killed before it could say so
        if not self._silent.poll():
            super().run()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_held"}


def _killed_at_hangup(process: int, pipe: Connection) -> None:
    """Have the kernel kill a process once nobody holds the other end of a pipe, in which nobody ever writes.

    A thread that watches would wait for the imports and for the calls into libraries that keep the interpreter's lock,
    and PR_SET_PDEATHSIG heeds the end of the thread that started a process instead of the process.
    """
    fcntl.fcntl(pipe, fcntl.F_SETOWN, process)
    fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)


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

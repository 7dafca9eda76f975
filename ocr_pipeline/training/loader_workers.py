"""The worker processes of a training's loaders: they outlive a SIGTERM, and never the training."""

from __future__ import annotations

import os
import signal
from multiprocessing import Pipe, get_context, resource_tracker
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running
from threading import Thread
from types import TracebackType


class LoaderWorkers:
    """Entered for as long as a training lives; ``start`` is the ``worker_init_fn`` of its loaders.

    A service manager sends SIGTERM to every process of a training, which needs its workers until it has saved. So they
    ignore it, and multiprocessing, which ends what is left of them by SIGTERM, would wait for them for ever where an
    error keeps the loader alive. They end when this is left.
    """

    def __init__(self) -> None:
        self._heard, self._said = Pipe(duplex=False)

    def start(self, _: int) -> None:
        """What a worker does first."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Thread(target=self._end, daemon=True).start()

    def _end(self) -> None:
        self._heard.poll(
            None
        )  # the word stays in the pipe for the others; the end of the training's process counts too
        os._exit(0)

    def __enter__(self) -> LoaderWorkers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._said.send("over")


def forkserver(preload: list[str]) -> ForkServerContext:
    """A process that has imported ``preload``, to fork workers from instead of one full of threads.

    They could not hand over their batches without it, so SIGTERM passes it by as well.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(preload)
    resource_tracker.ensure_running()  # it would unblock the signal in passing
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # which a new process inherits
    try:
        ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return context

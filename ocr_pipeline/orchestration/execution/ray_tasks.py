"""The pieces of a step as tasks of the Ray cluster that it runs in, each on whichever machine has a core free.

A piece whose process or machine is lost is done again elsewhere by Ray. Only pages and settings travel: a worker reads
the pictures itself, and leaves its result as files in the output folder, which all machines mount.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar

import ray
from ray.exceptions import RayError, RayTaskError

from ocr_pipeline.errors import PipelineError

LOSSES = 5
"""So often the worker of one piece may be lost before the step gives up."""

P = ParamSpec("P")
Result = TypeVar("Result")


@dataclass(frozen=True)
class RayCrew:
    """A `Crew` of all cores of a cluster, free or not: what does not find one yet waits for it in Ray.

    Attributes:
        here: cores of the step itself.
        gpus: that each of them has, beside a core.
    """

    size: int
    here: int = 1
    gpus: int = 0
    least: int = 2

    @classmethod
    def found(cls, here: int, gpus: int = 0) -> RayCrew:
        """That of the cluster which this process is a job of, or which RAY_ADDRESS names.

        Raises:
            PipelineError: there is none.
        """
        try:
            ray.init(address="auto", ignore_reinit_error=True, logging_level=logging.WARNING)
        except ConnectionError as error:
            raise PipelineError(
                "this step is not part of a Ray cluster", where="RAY_ADDRESS", remedy="Start one, or name its head."
            ) from error
        there = ray.cluster_resources()
        size = max(1, int(there.get("GPU", 0) // gpus if gpus else there.get("CPU", 0)))
        return cls(size, here, gpus, least=1 if gpus else 2)  # the step has no GPU to do it alone

    @contextmanager
    def hired(self, prepare: Callable[[], object] | None = None) -> Iterator[Executor]:
        with RayTasks(prepare, self.gpus) as executor:
            try:
                yield executor
            finally:
                executor.shutdown(cancel_futures=True)


class RayTasks(Executor):
    """Tasks of one core each.

    Args:
        prepare: called before each; has to survive pickling.
        gpus: of each, too.
    """

    def __init__(self, prepare: Callable[[], object] | None = None, gpus: int = 0) -> None:
        self._prepare = prepare
        # without max_calls=0 Ray ends a worker that has a GPU after each piece, and the models go that it has opened
        self._task: Any = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=LOSSES, max_calls=0)(_prepared)
        self._under_way: set[Any] = set()

    def submit(self, work: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs) -> Future[Result]:
        reference, outcome = self._task.remote(self._prepare, partial(work, *args, **kwargs)), Future[Result]()
        self._under_way.add(reference)
        reference.future().add_done_callback(partial(self._settle, outcome, reference))
        return outcome

    def _settle(self, outcome: Future[Result], reference: Any, answer: Future[Result]) -> None:
        self._under_way.discard(reference)
        if not outcome.set_running_or_notify_cancel():
            return
        error = answer.exception()
        if error is None:
            outcome.set_result(answer.result())
        else:
            outcome.set_exception(_as_it_was(error))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End all tasks that are under way, if they are to be cancelled; nothing of theirs is seen half done."""
        for reference in list(self._under_way) if cancel_futures else ():
            ray.cancel(reference, force=True)


def _prepared(prepare: Callable[[], object] | None, work: Callable[[], Result]) -> Result:
    if prepare is not None:
        prepare()
    return work()


def _as_it_was(error: BaseException) -> BaseException:
    """What a task raised, without Ray's clothes; a lost one as something that a user can mend."""
    if isinstance(error, RayTaskError):
        return error.cause
    if isinstance(error, RayError):
        return PipelineError(
            f"the worker of a piece was lost {LOSSES + 1} times ({type(error).__name__})",
            where="Ray",
            remedy="Look for it in Ray's dashboard: most likely memory ran out. What is finished is kept.",
        )
    return error

"""Steps that are told to stop: a training saves before it ends, and a step of a cancelled run is not tried again."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

import dagster as dg

from ocr_pipeline.orchestration.dagster_private import DagsterExecutionInterruptedError
from ocr_pipeline.training.stopping import TrainingStoppedError

_CANCELLED = (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED)


class CancelledError(dg.Failure):
    """The run of a step was cancelled: nothing of it is tried again, and no other partition is begun."""


@contextlib.contextmanager
def stopped_by_the_stage() -> Iterator[None]:
    """Leave SIGTERM to a stage that handles it, for as long as it runs; to be entered in the main thread.

    Dagster would raise its interruption in the midst of a step of the optimiser. A stage takes the signal only where
    nobody else does; until it does, the signal ends the process, which has nothing to save yet.
    What it raises once it has saved becomes Dagster's interruption, so no failure is shown.
    """
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        yield
    except TrainingStoppedError as error:
        raise DagsterExecutionInterruptedError(str(error)) from error
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def cancelled_with_its_run(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Iterator[None]:
    """Let a step that is interrupted because its run is cancelled end as that.

    Dagster tries an interrupted step again if it has a retry policy, which is right where a machine was taken away, and
    nothing but a wrong "up for retry" where the run is over.
    """
    try:
        yield
    except DagsterExecutionInterruptedError as error:
        run = context.instance.get_run_by_id(context.run.run_id)
        if run is None or run.status not in _CANCELLED:
            raise
        said = f": {error}" if str(error) else "."
        raise CancelledError(f"Its run was cancelled{said}", allow_retries=False) from error

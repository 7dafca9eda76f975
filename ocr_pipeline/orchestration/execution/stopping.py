"""A cancelled training saves before it ends: SIGTERM goes to the stage, and its answer to Dagster."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

from dagster._core.errors import DagsterExecutionInterruptedError

from ocr_pipeline.stopping import TrainingStoppedError


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

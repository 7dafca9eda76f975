"""A training on all devices of its lease: one process for each, started and joined as torchrun does it.

The stage looks for torchrun's variables and shares the work; here its processes are only started, watched and stopped.
Machines in addition to this one are joined by hand, with torchrun and the stage's own command.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ocr_pipeline.devices.machine import leased_gpus
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.training.stopping import TrainingStoppedError

STAGE_LOGGER = "ocr_pipeline"
SECONDS_TO_SAVE = 45
"""From SIGTERM to the kill of the processes; the executor gives their parent 50."""

Stage = Callable[[Any, Sequence[Path], Sequence[Path], Any], Any]
MakeLog = Callable[[], Callable[[Any], None]]


def train_on_leased_devices(
    stage: Stage, settings: Any, train: Sequence[Path], valid: Sequence[Path], make_log: MakeLog
) -> Any:
    """What ``stage(settings, train, valid, on_progress)`` returns: here, or in the first of several processes.

    Args:
        stage: the training; a function of a module, as the processes must find it there.
        make_log: makes the callback of its progress; a function of a module as well.

    Raises:
        TrainingStoppedError: SIGTERM came; what the stage did then it has saved.
        PipelineError: what a process raised. Any other error of one stands in the log, and ends them all.
    """
    count = leased_gpus()
    if count == 1:
        return stage(settings, train, valid, make_log())
    import torch.multiprocessing
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    records = torch.multiprocessing.get_context("spawn").Queue()
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=settings.__class__.__name__,
        rdzv_backend="c10d",
        rdzv_endpoint="127.0.0.1:0",
        local_addr="127.0.0.1",
        max_restarts=0,
        logs_specs=DefaultLogsSpecs(log_dir=os.devnull),
        shutdown_timeout=SECONDS_TO_SAVE,
    )
    here = _Here()
    listener = logging.handlers.QueueListener(records, here)
    listener.start()
    try:
        try:
            return elastic_launch(config, _one_of_many)(stage, settings, train, valid, make_log, records)[0]
        finally:
            listener.stop()
    except SignalException as error:
        raise TrainingStoppedError(
            f"{count} processes were stopped", where=settings.output_dir, remedy="Run it again: it goes on from there."
        ) from error
    except ChildFailedError as error:
        raise here.failure or error from error


def _one_of_many(
    stage: Stage, settings: Any, train: Sequence[Path], valid: Sequence[Path], make_log: MakeLog, records: Any
) -> Any:
    """One process; the first one's lines go to the log of the step."""
    logger = logging.getLogger(STAGE_LOGGER)
    first = os.environ["RANK"] == "0"
    logger.setLevel(logging.INFO if first else logging.ERROR)
    logger.addHandler(logging.handlers.QueueHandler(records))
    try:
        result = stage(settings, train, valid, make_log())
    except TrainingStoppedError:
        raise
    except PipelineError as error:
        logger.error("process %s failed", os.environ["RANK"], extra={"failure": error})
        raise
    except Exception:
        logger.exception("process %s failed", os.environ["RANK"])
        raise
    return result if first else None


class _Here(logging.Handler):
    """Lines of another process, as if they were written in this one; and what the user can mend, if one says so."""

    failure: PipelineError | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self.failure = self.failure or getattr(record, "failure", None)
        logging.getLogger(record.name).handle(record)

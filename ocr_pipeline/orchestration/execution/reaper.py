"""What a crash left as started: ended before the daemon starts, its slots given back.

    python -m ocr_pipeline.orchestration.execution.reaper

The pool ``gpu`` gets as many slots as there are devices, on this machine or in the Ray cluster.
"""

from __future__ import annotations

import logging
import sys
import time

import dagster as dg
from dagster._check import CheckError

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.leases.machine import find_machine
from ocr_pipeline.orchestration.execution.choice import chosen_engine
from ocr_pipeline.orchestration.execution.demands import GPU_POOL
from ocr_pipeline.orchestration.execution.orphans import end_orphaned_runs, stop_orphaned_jobs

logger = logging.getLogger(__name__)


def main() -> int:
    """End what is orphaned in DAGSTER_HOME, and set the pool of GPU steps to the devices there are."""
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
    try:
        with _opened_instance() as instance:
            _clear_up(instance)
    except PipelineError as error:
        logger.error("%s", error)
        return 1
    return 0


def _opened_instance() -> dg.DagsterInstance:
    try:
        return dg.DagsterInstance.get()
    except CheckError as error:
        if "dagster_postgres" not in str(error):
            raise
        raise PipelineError(
            "the storage is in PostgreSQL, but the package dagster-postgres is not installed",
            where="dagster.yaml in DAGSTER_HOME",
            remedy="pip install 'ocr_pipeline[postgres]'",
        ) from error


def _clear_up(instance: dg.DagsterInstance) -> None:
    began, engine = time.monotonic(), chosen_engine(instance)
    devices = engine.devices() if engine else len(find_machine().devices)
    runs = end_orphaned_runs(instance, nothing_starts=True)
    jobs = stop_orphaned_jobs(instance, engine) if engine else []
    if devices is not None:
        instance.event_log_storage.set_concurrency_slots(GPU_POOL, devices)
    took = time.monotonic() - began
    logger.info("%d orphaned runs ended, %d jobs stopped in %.1f s; devices: %s", len(runs), len(jobs), took, devices)


if __name__ == "__main__":
    sys.exit(main())

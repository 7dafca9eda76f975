"""Runs that a crash left as started: found and ended, their slots given back, before the daemon starts and beside it.

    python -m ocr_pipeline.orchestration.execution.reaper

Dagster's own monitoring cannot ask its default launcher whether a run worker lives; a worker's death is noticed only by
the code server that started it, as long as that lives itself. A run under way is taken for dead when the process that
reported to work on it is gone, or is another one that was given the same number: one that started after the report. A
reboot is seen by that too. The pool ``gpu`` gets as many slots as the machine leases devices.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster._core.launcher import DefaultRunLauncher

from ocr_pipeline.leases.machine import find_machine
from ocr_pipeline.orchestration.execution.demands import GPU_POOL

logger = logging.getLogger(__name__)

UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_CLOCK_STEP = 5.0  # seconds by which the wall clock may have been set since
_PID = re.compile(r"\(pid: (\d+)\)")


@dataclass(frozen=True)
class Worker:
    """The process of a run, and when (seconds since the epoch) it said so."""

    pid: int
    seen: float

    def lives(self) -> bool:
        try:
            state, *fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return False
        since_boot = int(fields[18]) / os.sysconf("SC_CLK_TCK")
        born = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + since_boot
        return state != "Z" and born <= self.seen + _CLOCK_STEP


def end_orphaned_runs(
    instance: dg.DagsterInstance, location: str | None = None, *, patience: float = 0.0, unheard: float = 0.0
) -> list[str]:
    """End every run whose worker is dead and free its slots; returns the ids of those runs.

    Only for the machine that the run workers are on. A started run of an executor that never says where it runs is left
    alone.

    Args:
        location: look only at runs that were launched in this code location, whose workers are where it is loaded;
            without it no other machine may share the instance.
        patience: seconds that a code server has to end such a run itself, which it does if it lives.
        unheard: seconds that the worker of a starting run has to report.
    """
    orphans = [run for run in _under_way(instance, location, unheard) if _is_orphan(instance, run)]
    if orphans:
        time.sleep(patience)
    ended = []
    for run_id in (run.run_id for run in orphans):
        run = instance.get_run_by_id(run_id)
        if run is None or run.status not in UNDER_WAY:
            continue  # the worker had ended it before it went
        worker = find_worker(instance, run_id)
        where = f"process {worker.pid}" if worker else "a process that never reported"
        if run.status == dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, f"Its worker, {where}, is gone; it was being cancelled.")
        else:
            instance.report_run_failed(run, f"Its worker, {where}, is gone: killed, or the machine went down.")
        instance.event_log_storage.free_concurrency_slots_for_run(run_id)
        ended.append(run_id)
    return ended


def _under_way(instance: dg.DagsterInstance, location: str | None, unheard: float) -> Iterator[dg.DagsterRun]:
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNDER_WAY)):
        run, age = record.dagster_run, time.time() - record.update_timestamp.timestamp()
        starting = run.status is dg.DagsterRunStatus.STARTING
        if location in (None, _location_of(run)) and not (starting and age < unheard):
            yield run


def _location_of(run: dg.DagsterRun) -> str | None:
    return run.remote_job_origin.location_name if run.remote_job_origin else None


def _is_orphan(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    worker = find_worker(instance, run.run_id)
    return not worker.lives() if worker else run.status is not dg.DagsterRunStatus.STARTED


def find_worker(instance: dg.DagsterInstance, run_id: str) -> Worker | None:
    """The last process that reported to work on a run."""
    workers = [
        Worker(int(found[1]), entry.timestamp)
        for entry in instance.all_logs(run_id, dg.DagsterEventType.ENGINE_EVENT)
        if (found := _PID.search(entry.dagster_event.message or "" if entry.dagster_event else ""))
    ]
    return max(workers, key=lambda worker: worker.seen, default=None)


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends runs of this code location whose worker was killed, so that they are tried again.",
)
def orphaned_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """One look at the runs under way, where Dagster's default launcher starts them beside this code."""
    origin = context.code_location_origin
    if origin is None or not isinstance(context.instance.run_launcher, DefaultRunLauncher):
        return dg.SkipReason("Another launcher watches its own runs.")
    ended = end_orphaned_runs(context.instance, origin.location_name, patience=5, unheard=120)
    return dg.SkipReason(f"Ended: {', '.join(ended)}." if ended else "Every run under way has a living worker.")


def main() -> None:
    """End the orphaned runs of DAGSTER_HOME, and set the pool of GPU steps to the devices there are."""
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
    with dg.DagsterInstance.get() as instance:
        began = time.monotonic()
        ended = end_orphaned_runs(instance)
        devices = find_machine().devices
        instance.event_log_storage.set_concurrency_slots(GPU_POOL, len(devices))
        seconds = time.monotonic() - began
    logger.info("%d orphaned runs ended in %.1f s; devices: %s", len(ended), seconds, ", ".join(devices))


if __name__ == "__main__":
    main()

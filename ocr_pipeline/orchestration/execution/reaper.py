"""Runs that a crash left as started: found and ended before the daemon starts, their slots given back.

    python -m ocr_pipeline.orchestration.execution.reaper

Dagster's own monitoring cannot ask its default launcher whether a run worker lives. A run under way is taken for dead
when the process that reported to work on it is gone, or is another one that was given the same number: one that started
after the report. A reboot is seen by that too. The pool ``gpu`` gets as many slots as the machine leases devices.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

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


def end_orphaned_runs(instance: dg.DagsterInstance) -> list[str]:
    """End every run whose worker is dead and free its slots; returns the ids of those runs.

    Only for the machine that the run workers are on, as long as no other machine shares the instance. A started run
    of an executor that never says where it runs is left alone.
    """
    ended = []
    for run in instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY)):
        worker = find_worker(instance, run.run_id)
        if worker.lives() if worker else run.status is dg.DagsterRunStatus.STARTED:
            continue
        where = f"process {worker.pid}" if worker else "a process that never reported"
        if run.status == dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, f"Its worker, {where}, is gone; it was being cancelled.")
        else:
            instance.report_run_failed(run, f"Its worker, {where}, is gone: killed, or the machine went down.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        ended.append(run.run_id)
    return ended


def find_worker(instance: dg.DagsterInstance, run_id: str) -> Worker | None:
    """The last process that reported to work on a run."""
    workers = [
        Worker(int(found[1]), entry.timestamp)
        for entry in instance.all_logs(run_id, dg.DagsterEventType.ENGINE_EVENT)
        if (found := _PID.search(entry.dagster_event.message or "" if entry.dagster_event else ""))
    ]
    return max(workers, key=lambda worker: worker.seen, default=None)


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

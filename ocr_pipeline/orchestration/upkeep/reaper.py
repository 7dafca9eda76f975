"""Runs that a crash left as started: found and ended, their slots given back, before the daemon starts and beside it.

    python -m ocr_pipeline.orchestration.upkeep.reaper

Dagster's own monitoring cannot ask its default launcher whether a run worker lives; a worker's death is noticed only by
the code server that started it, as long as that lives itself. A run under way is taken for dead when the process that
reported to work on it is gone, or is another one that was given the same number: one that started after the report. A
reboot is seen by that too. Where an engine has the steps (Ray, Kubernetes), those of runs that are over are stopped as
well. The pool ``gpu`` gets as many slots as there are devices: on this machine, or in the cluster, whose machines come
and go.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator

import dagster as dg

from ocr_pipeline.devices.machine import find_machine
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.dagster_private import CheckError, DefaultRunLauncher
from ocr_pipeline.orchestration.execution.choice import chosen_cluster
from ocr_pipeline.orchestration.execution.clusters import Cluster
from ocr_pipeline.orchestration.execution.demands import GPU_POOL
from ocr_pipeline.orchestration.execution.workers import find_worker, location_of, runs_here
from ocr_pipeline.orchestration.upkeep.retries import ask_again_for_retries

logger = logging.getLogger(__name__)

LAST_WORDS = 10.0
"""Seconds that a step in a cluster has to end by itself after its run did."""
UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def end_orphaned_runs(
    instance: dg.DagsterInstance, location: str | None = None, *, patience: float = 0.0, unheard: float = 0.0
) -> list[str]:
    """End every run whose worker is dead and free its slots; returns the ids of those runs.

    Only for the machine that the run workers are on. A started run of an executor that never says where it runs is left
    alone.

    Args:
        location: look only at runs that were launched in this code location, whose workers are where it is loaded,
            and at those that a command of this machine launched; without it no other machine may share the instance.
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
        if (location in (None, location_of(run)) or _is_of_this_machine(run)) and not (starting and age < unheard):
            yield run


def _is_of_this_machine(run: dg.DagsterRun) -> bool:
    """Whether a command launched it here, through no code location."""
    return location_of(run) is None and runs_here().items() <= run.tags.items()


def _is_orphan(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    worker = find_worker(instance, run.run_id)
    return not worker.lives() if worker else run.status is not dg.DagsterRunStatus.STARTED


def stop_orphaned_steps(instance: dg.DagsterInstance, engine: Cluster) -> list[str]:
    """Ask the steps of runs that are over to stop; returns the names of their jobs.

    A killed run worker leaves them running in the cluster, and they keep their GPUs. Steps of runs that this instance
    does not know belong to somebody else.
    """
    orphans = [job for job in engine.step_jobs() if _is_over(instance, job.run)]
    for job in orphans:
        engine.stop(job)
    return [job.name for job in orphans]


def _is_over(instance: dg.DagsterInstance, run_id: str) -> bool:
    record = instance.get_run_record_by_id(run_id)
    if record is None or not record.dagster_run.is_finished:
        return False
    return record.end_time is None or time.time() - record.end_time > LAST_WORDS


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends runs of this code location, or of a command on its machine, whose worker was killed, so that "
    "they are tried again, and what is left of them in a cluster; a run that could not be tried again while its code "
    "was away is asked for anew. Where the GPUs of a cluster become more or fewer, the pool `gpu` follows.",
)
def orphaned_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """One look at the runs under way, where Dagster's default launcher starts them beside this code.

    The cursor is the number of devices that the pool was last given, so that a limit set by hand since then stays.
    """
    origin, instance, said = context.code_location_origin, context.instance, []
    if origin is not None and isinstance(instance.run_launcher, DefaultRunLauncher):
        said += end_orphaned_runs(instance, origin.location_name, patience=5, unheard=120)
    if origin is not None:
        ask_again_for_retries(instance, origin.location_name)
    if engine := chosen_cluster(instance):
        said += stop_orphaned_steps(instance, engine)
        devices = engine.devices()
        if devices is not None and str(devices) != context.cursor:
            instance.event_log_storage.set_concurrency_slots(GPU_POOL, devices)
            context.update_cursor(str(devices))
    return dg.SkipReason(f"Ended: {', '.join(said)}." if said else "Every run under way has a living worker.")


def main() -> int:
    """End what is orphaned in DAGSTER_HOME, and set the pool of GPU steps to the devices there are."""
    log_plainly()
    try:
        with _opened_instance() as instance:
            _clear_up(instance)
    except PipelineError as error:
        logger.error("%s", error)
        return 1
    return 0


def log_plainly() -> None:
    """Lines as they are, to stderr; of the library that sets up databases only what goes wrong."""
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
    logging.getLogger("alembic").setLevel(logging.WARNING)


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
    began, engine = time.monotonic(), chosen_cluster(instance)
    devices = engine.devices() if engine else len(find_machine().devices)
    runs = end_orphaned_runs(instance) if isinstance(instance.run_launcher, DefaultRunLauncher) else []
    steps = stop_orphaned_steps(instance, engine) if engine else []
    if devices is not None:
        instance.event_log_storage.set_concurrency_slots(GPU_POOL, devices)
    took = time.monotonic() - began
    logger.info("ended %d orphaned runs, %d steps in %.1f s; devices: %s", len(runs), len(steps), took, devices)


if __name__ == "__main__":
    sys.exit(main())

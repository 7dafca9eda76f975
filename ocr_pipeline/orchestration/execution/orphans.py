"""What a dead run worker leaves behind: a run nobody works on, and jobs in a cluster nobody waits for.

Dagster's own monitoring cannot ask its default launcher whether a run worker lives. A run under way is taken for dead
when the process that reported to work on it is gone, or is another one that was given the same number: one that started
after the report. A reboot is seen by that too.
"""

from __future__ import annotations

import time

import dagster as dg

from ocr_pipeline.orchestration.execution.choice import chosen_engine
from ocr_pipeline.orchestration.execution.engines import Engine
from ocr_pipeline.orchestration.execution.workers import find_worker

UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
LOOK_EVERY = 30
LAST_WORDS = 10.0
"""Seconds that a job has to end by itself after its run did."""


def end_orphaned_runs(instance: dg.DagsterInstance, *, nothing_starts: bool = False) -> list[str]:
    """End every run whose worker is dead and free its slots; returns the ids of those runs.

    Only for the machine that the code location is on. A started run of an executor that never says where it runs is
    left alone, and so are all where the run launcher looks after its workers itself (Docker, Kubernetes).

    Args:
        nothing_starts: whether no run can be starting just now, so that one that never reported is dead.
    """
    if instance.run_launcher.supports_check_run_worker_health:
        return []
    ended = []
    for run in instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY)):
        worker = find_worker(instance, run.run_id)
        silent_ones_live = run.status is dg.DagsterRunStatus.STARTED or not nothing_starts
        if worker.lives() if worker else silent_ones_live:
            continue
        where = f"process {worker.pid}" if worker else "a process that never reported"
        if run.status == dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, f"Its worker, {where}, is gone; it was being cancelled.")
        else:
            instance.report_run_failed(run, f"Its worker, {where}, is gone: killed, or the machine went down.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        ended.append(run.run_id)
    return ended


def stop_orphaned_jobs(instance: dg.DagsterInstance, engine: Engine) -> list[str]:
    """Ask the steps of runs that are over to stop; returns the names of their jobs.

    A killed run worker leaves them running, and they keep their GPUs. Jobs of runs that this instance does not know
    belong to somebody else.
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
    minimum_interval_seconds=LOOK_EVERY,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends runs whose worker died, and stops the jobs that they left in the cluster.",
)
def orphans(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Clear up after dead run workers; starts nothing."""
    engine = chosen_engine(context.instance)
    runs = end_orphaned_runs(context.instance)
    jobs = stop_orphaned_jobs(context.instance, engine) if engine else []
    return dg.SkipReason(f"runs ended: {', '.join(runs) or 'none'}; jobs stopped: {', '.join(jobs) or 'none'}")

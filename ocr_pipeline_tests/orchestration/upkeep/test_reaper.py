"""Runs that a crash left as started."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import dagster as dg
import pytest

from ocr_pipeline.orchestration.execution.demands import GPU_POOL
from ocr_pipeline.orchestration.execution.workers import HOST_TAG, Worker, find_worker, runs_here, working_here
from ocr_pipeline.orchestration.upkeep import reaper
from ocr_pipeline.orchestration.upkeep.reaper import end_orphaned_runs
from ocr_pipeline_tests.orchestration.conftest import Floor, until

STARTED, FAILURE = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE


def claimed(instance: dg.DagsterInstance) -> int:
    return len(instance.event_log_storage.get_concurrency_info(GPU_POOL).claimed_slots)


@pytest.mark.kill
def test_a_killed_run_worker_is_found_and_its_slot_freed(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = floor.instance
    instance.event_log_storage.set_concurrency_slots(GPU_POOL, 1)
    worker = floor.start("endless_job")
    until(lambda: floor.lines("pid"))
    (run,) = instance.get_runs()
    assert claimed(instance) == 1
    assert end_orphaned_runs(instance) == []  # it lives
    worker.kill()
    worker.wait()
    assert instance.get_run_by_id(run.run_id).status is STARTED and claimed(instance) == 1  # what Dagster leaves
    reaper.main()
    assert instance.get_run_by_id(run.run_id).status is FAILURE and claimed(instance) == 0
    assert instance.event_log_storage.get_concurrency_info(GPU_POOL).slot_count == 2  # the pretended devices
    assert end_orphaned_runs(instance) == []
    until(lambda: floor.leases() == 0)
    ((pid,),) = floor.lines("pid")
    with pytest.raises(ProcessLookupError):  # the step went along with its worker
        os.kill(int(pid), 0)


def report(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, pid: int | None) -> str:
    run = instance.create_run_for_job(too_small, status=status)
    if pid is not None:
        instance.report_engine_event(f"Started process for run (pid: {pid}).", run)
    return run.run_id


@dg.job
def too_small() -> None:
    """A run of it is only pretended."""


def test_only_runs_under_way_without_a_living_worker_are_ended(floor: Floor) -> None:
    instance = floor.instance
    alive = report(instance, STARTED, os.getpid())
    unknown = report(instance, STARTED, None)
    silent = report(instance, dg.DagsterRunStatus.STARTING, None)
    canceling = report(instance, dg.DagsterRunStatus.CANCELING, 2**22 + 1)  # beyond the largest pid there is
    assert sorted(end_orphaned_runs(instance)) == sorted([silent, canceling])
    statuses = {run.run_id: run.status.value for run in instance.get_runs()}
    assert statuses == {alive: "STARTED", unknown: "STARTED", silent: "FAILURE", canceling: "CANCELED"}


def test_a_number_given_to_another_process_is_no_living_worker(floor: Floor) -> None:
    run_id = report(floor.instance, STARTED, os.getpid())
    worker = find_worker(floor.instance, run_id)
    assert worker and worker.pid == os.getpid() and worker.lives()
    assert not Worker(os.getpid(), seen=1.0).lives()  # it reported before this process was born


def test_a_clock_that_is_set_makes_no_living_worker_a_dead_one(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = report(floor.instance, STARTED, os.getpid())
    floor.instance.report_engine_event(working_here(), floor.instance.get_run_by_id(run_id))
    now = time.time()
    for jump in (86_400, -86_400):
        monkeypatch.setattr(time, "time", lambda jump=jump: now + jump)
        assert find_worker(floor.instance, run_id).lives()
    assert not replace(find_worker(floor.instance, run_id), born="1@another boot").lives()


def test_a_killed_command_blocks_the_queue_no_longer_than_the_next_look(floor: Floor) -> None:
    def launched(tags: dict[str, str], pid: int) -> str:
        run = floor.instance.create_run_for_job(too_small, status=STARTED, tags=tags)
        floor.instance.report_engine_event(f"Executing steps in process (pid: {pid})", run)
        return run.run_id

    dead = 2**22 + 1
    launched(runs_here(), os.getpid())
    launched({HOST_TAG: "another"}, dead)
    launched({}, dead)  # of a home that machines may share, and nobody knows of which
    killed = launched(runs_here(), dead)
    assert end_orphaned_runs(floor.instance, "ocr_pipeline") == [killed]

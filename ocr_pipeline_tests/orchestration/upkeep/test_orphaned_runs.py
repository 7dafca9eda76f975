"""The sensor that ends orphaned runs, under a real daemon whose code server and run worker are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ocr_pipeline.orchestration.execution.workers import find_worker
from ocr_pipeline_tests.orchestration.conftest import Floor, until
from ocr_pipeline_tests.orchestration.execution import pretended


@pytest.fixture
def daemon(floor: Floor) -> Iterator[None]:
    command = [sys.executable, "-m", "dagster._daemon", "run", "-m", pretended.__name__]
    with (floor.folder / "daemon.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    yield
    process.terminate()
    process.wait(60)


@pytest.mark.kill
def test_a_run_without_worker_and_code_server_is_ended_by_the_sensor(floor: Floor, daemon: None) -> None:
    launch = ["job", "launch", "-m", pretended.__name__, "-j", "endless_job"]
    subprocess.run([sys.executable, "-m", "dagster", *launch], check=True, capture_output=True)
    until(lambda: floor.lines("pid"), seconds=120)
    (run,) = floor.instance.get_runs()
    worker = find_worker(floor.instance, run.run_id)
    assert worker is not None
    server = int(Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(server, signal.SIGKILL)  # first, else it would see its worker die and end the run itself
    os.kill(worker.pid, signal.SIGKILL)
    until(lambda: floor.instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE, seconds=180)
    said = [entry.message for entry in floor.instance.all_logs(run.run_id, dg.DagsterEventType.RUN_FAILURE)]
    assert f"process {worker.pid}, is gone" in said[0]
    until(lambda: floor.leases() == 0)

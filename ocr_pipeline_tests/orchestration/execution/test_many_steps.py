"""Twenty steps of mixed demands in two runs of a real daemon, on four pretended GPUs, with steps and a run killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ocr_pipeline.devices.machine import find_machine
from ocr_pipeline.devices.queue import LeaseQueue, grants
from ocr_pipeline.orchestration.upkeep.reaper import find_worker
from ocr_pipeline_tests.orchestration.conftest import Floor, until
from ocr_pipeline_tests.orchestration.execution import pretended

IDLE_AT_MOST = 3.0  # seconds in which a step that fits must get what is free; a keeper asks five times a second
DAGSTER_YAML = """
telemetry: {enabled: false}
concurrency: {runs: {max_concurrent_runs: 2}}
run_queue: {dequeue_interval_seconds: 1}
run_retries: {enabled: true, max_retries: 3, retry_on_asset_or_op_failure: false}
"""


class Watcher(threading.Thread):
    """Looks at the queue of leases ten times a second, for devices with two owners and devices that idle."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.machine = find_machine()
        self.queue = LeaseQueue(folder, self.machine, 60)
        self.two_owners: list[str] = []
        self.idle: list[str] = []
        self.most_devices = 0
        self.over = threading.Event()

    def run(self) -> None:
        could_start: dict[int, float] = {}
        while not self.over.wait(0.1):
            tickets, now = self.queue.tickets(), time.monotonic()
            held = [device for ticket in tickets for device in ticket.devices or ()]
            self.most_devices = max(self.most_devices, len(held))
            self.two_owners += [device for device in held if held.count(device) > 1]
            waiting = grants(tickets, self.machine, now, 60)
            could_start = {number: could_start.get(number, now) for number in waiting}
            self.idle += [f"{number}" for number, since in could_start.items() if now - since > IDLE_AT_MOST]


@pytest.fixture
def daemon(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (floor.folder / "home" / "dagster.yaml").write_text(DAGSTER_YAML)
    monkeypatch.setenv("OCR_PIPELINE_GPUS", "0,1,2,3")
    monkeypatch.setenv("OCR_PIPELINE_CPUS", "6")
    command = [sys.executable, "-m", "dagster._daemon", "run", "-m", pretended.__name__]
    with (floor.folder / "daemon.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    yield
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.kill
def test_twenty_steps_share_four_devices_and_survive_kills(floor: Floor, daemon: None) -> None:
    watcher = Watcher(floor.folder / "leases")
    watcher.start()
    launch = [sys.executable, "-m", "dagster", "job", "launch", "-m", pretended.__name__, "-j", "many"]
    for _ in range(2):
        subprocess.run(launch, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    first, second = (run.run_id for run in floor.instance.get_runs())
    until(lambda: len(floor.lines("start")) >= 3)
    kill(int(floor.lines("start")[-1][2]))  # a step
    until(lambda: len(floor.lines("end")) >= 6)
    worker = find_worker(floor.instance, second)
    assert worker
    kill(worker.pid)  # a run, with all its steps
    until(lambda: len({(run, name) for run, name, *_ in floor.lines("end")}) == 20, seconds=240)
    until(lambda: floor.leases() == 0)
    watcher.over.set()
    watcher.join()
    assert not floor.lines("conflict") and not watcher.two_owners and not watcher.idle
    assert watcher.most_devices == 4
    for _, name, _, devices in floor.lines("start"):
        assert int(devices) == int(name.rpartition("_")[2])
    ended = [(run, name) for run, name, *_ in floor.lines("end")]
    assert len(set(ended)) == 20 and {run for run, _ in ended} == {first, second}
    until(lambda: statuses(floor)[first] == statuses(floor)[second] == "SUCCESS", seconds=60)


def statuses(floor: Floor) -> dict[str, str]:
    """Run that was asked for -> status of its newest attempt."""
    runs = sorted(floor.instance.get_run_records(), key=lambda record: record.create_timestamp)
    return {run.dagster_run.root_run_id or run.dagster_run.run_id: run.dagster_run.status.value for run in runs}


def test_a_look_beside_the_daemon_leaves_other_locations_and_new_runs_alone(floor: Floor) -> None:
    from ocr_pipeline.orchestration.upkeep.reaper import end_orphaned_runs
    from ocr_pipeline_tests.orchestration.upkeep.test_reaper import report

    instance = floor.instance
    report(instance, dg.DagsterRunStatus.STARTED, 2**22 + 1)
    assert end_orphaned_runs(instance, "another_location") == []
    report(instance, dg.DagsterRunStatus.STARTING, None)
    assert len(end_orphaned_runs(instance, unheard=60)) == 1  # the started one; the other may still report

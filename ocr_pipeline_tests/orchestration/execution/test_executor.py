"""The resource-bound executor under Dagster, on two pretended GPUs: leases, retries, cancelling, kills."""

from __future__ import annotations

import signal

import dagster as dg
import pytest

from ocr_pipeline.devices.machine import Demand
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.execution.choice import chosen_executor
from ocr_pipeline.orchestration.execution.demands import demand_of, demand_tags
from ocr_pipeline_tests.orchestration.conftest import Floor, until


def status(floor: Floor) -> str:
    (run,) = floor.instance.get_runs()
    return run.status.value


@pytest.mark.slow
def test_two_runs_at_once_share_the_devices_one_owner_each(floor: Floor) -> None:
    runs = [floor.start("mixed") for _ in range(2)]
    assert [run.wait(120) for run in runs] == [0, 0]
    assert {run.status for run in floor.instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}
    held: set[str] = set()
    for line in (floor.folder / "log").read_text().splitlines():
        what, name, listed = line.split(" ")
        devices = set(filter(None, listed.split(",")))
        assert len(devices) == int(name[-1])
        assert not (what == "start" and held & devices)
        held = held | devices if what == "start" else held - devices
    until(lambda: floor.leases() == 0)  # the last process ends a moment after its run


@pytest.mark.kill
def test_a_step_killed_is_retried_and_the_lease_comes_back(floor: Floor) -> None:
    assert floor.start("killed_once_job").wait(120) == 0
    assert status(floor) == "SUCCESS"
    (_, first), (_, second) = floor.lines("pid")
    assert first == second == "0"  # the pool `gpu` alone asks for one device
    until(lambda: floor.leases() == 0)
    (run,) = floor.instance.get_runs()
    (retry,) = [
        entry
        for entry in floor.instance.all_logs(run.run_id)
        if entry.dagster_event and entry.dagster_event.is_step_up_for_retry
    ]
    assert "SIGKILL" in str(retry.dagster_event)


@pytest.mark.slow
def test_a_cancelled_run_stops_its_step_and_frees_its_device(floor: Floor) -> None:
    worker = floor.start("endless_job")
    until(lambda: floor.lines("pid"))
    worker.send_signal(signal.SIGINT)  # what cancelling sends to the run worker
    worker.wait(120)
    until(lambda: floor.leases() == 0)
    assert floor.lines("stopped")
    assert status(floor) in ("CANCELED", "FAILURE")


@pytest.mark.slow
def test_a_cancelled_training_saves_and_the_next_run_goes_on_from_there(floor: Floor) -> None:
    worker = floor.start("training_job")
    until(lambda: floor.lines("pid"))
    worker.send_signal(signal.SIGINT)
    worker.wait(120)
    until(lambda: floor.leases() == 0)
    saved = (floor.folder / "saved").read_text()
    assert int(saved) > 0 and status(floor) in ("CANCELED", "FAILURE")
    assert floor.start("training_job").wait(120) == 0
    assert floor.lines("pid")[-1][1] == saved


def test_a_demand_that_can_never_be_met_fails_the_run(floor: Floor) -> None:
    assert floor.start("too_big_job").wait(120) != 0
    assert status(floor) == "FAILURE" and not floor.lines("started")


def test_tags_say_the_demand_and_the_pool_a_default() -> None:
    assert demand_of(demand_tags(gpus=4, cpus=8, memory_gb=1.5), "gpu") == Demand(4, 8, 1.5)
    assert demand_of({}, None) == Demand(0, 1, 0)
    assert demand_of({}, "gpu") == Demand(1, 1, 0)
    with pytest.raises(PipelineError, match="ocr/gpus=many"):
        demand_of({"ocr/gpus": "many"}, None)


def test_the_code_location_runs_on_the_executor_of_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCR_PIPELINE_EXECUTOR", raising=False)
    assert build_definitions().resolve_job_def("training").executor_def.name == "local"
    monkeypatch.setenv("OCR_PIPELINE_EXECUTOR", "in_process")
    assert build_definitions().resolve_job_def("training").executor_def.name == "in_process"
    monkeypatch.setenv("OCR_PIPELINE_EXECUTOR", "cloud")
    with pytest.raises(PipelineError, match="cloud"):
        chosen_executor()

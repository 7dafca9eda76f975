"""Steps as jobs of a real Ray cluster with two pretended GPUs: devices, retries, cancelling, kills, orphans."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from ocr_pipeline.devices.machine import Demand
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.execution.demands import GPU_POOL
from ocr_pipeline.orchestration.upkeep import reaper
from ocr_pipeline.orchestration.upkeep.reaper import end_orphaned_runs, orphaned_runs, stop_orphaned_steps
from ocr_pipeline_tests.orchestration.conftest import Floor, until

if TYPE_CHECKING:  # ray is an extra of its own, `fleet-test`
    from ocr_pipeline.orchestration.execution.ray_cluster import RayCluster

pytestmark = pytest.mark.fleet


def found_cluster() -> RayCluster:
    from ocr_pipeline.orchestration.execution.ray_cluster import RayCluster

    return RayCluster.found()


def alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True


def jobs_of(fleet: Floor) -> list[str]:
    """The states of all Ray jobs of the runs of this home, the first first."""
    from ray.job_submission import JobSubmissionClient

    runs = {run.run_id for run in fleet.instance.get_runs()}
    jobs = JobSubmissionClient(os.environ["RAY_API_SERVER_ADDRESS"]).list_jobs()
    mine = [job for job in jobs if (job.metadata or {}).get("dagster/run-id") in runs]
    return [job.status.value for job in sorted(mine, key=lambda job: job.start_time or 0)]


def test_two_runs_at_once_share_the_devices_one_owner_each(fleet: Floor) -> None:
    runs = [fleet.start("mixed") for _ in range(2)]
    assert [run.wait(150) for run in runs] == [0, 0]
    held: set[str] = set()
    for line in (fleet.folder / "log").read_text().splitlines():
        what, name, listed = line.split(" ")
        devices = set(filter(None, listed.split(",")))
        assert len(devices) == int(name[-1])
        assert not (what == "start" and held & devices)
        held = held | devices if what == "start" else held - devices
    until(lambda: jobs_of(fleet) == ["SUCCEEDED"] * 6)


def test_a_step_killed_is_retried(fleet: Floor) -> None:
    assert fleet.start("killed_once_job").wait(150) == 0
    assert len(fleet.lines("pid")) == 2 and all(device in ("0", "1") for _, device in fleet.lines("pid"))
    assert jobs_of(fleet) == ["FAILED", "SUCCEEDED"]


def test_a_cancelled_training_saves_is_gone_within_seconds_and_goes_on_from_there(fleet: Floor) -> None:
    worker = fleet.start("training_job")
    until(lambda: fleet.lines("pid"))
    worker.send_signal(signal.SIGINT)  # what cancelling sends to the run worker
    ((pid, _),) = fleet.lines("pid")
    until(lambda: not alive(pid), seconds=10)
    worker.wait(60)
    until(lambda: jobs_of(fleet) == ["STOPPED"])
    saved = (fleet.folder / "saved").read_text()
    assert int(saved) > 0
    assert fleet.start("training_job").wait(120) == 0
    assert fleet.lines("pid")[-1][1] == saved


def test_the_job_of_a_killed_run_is_found_and_ended(fleet: Floor) -> None:
    worker = fleet.start("endless_job")
    until(lambda: fleet.lines("pid"))
    cluster = found_cluster()
    assert cluster.machines == ((2, 2),)
    with dg.build_sensor_context(instance=fleet.instance) as context:
        assert "living worker" in str(orphaned_runs(context))
        worker.kill()
        worker.wait()
        ((pid,),) = fleet.lines("pid")
        assert alive(pid) and jobs_of(fleet) == ["RUNNING"]  # what Dagster and Ray leave
        (ended,) = end_orphaned_runs(fleet.instance)
        assert stop_orphaned_steps(fleet.instance, cluster) == []  # it might still end by itself
        assert fleet.instance.get_run_by_id(ended).status is dg.DagsterRunStatus.FAILURE
        until(lambda: "dagster-step-" in str(orphaned_runs(context)), seconds=30)
    until(lambda: not alive(pid), seconds=10)
    assert fleet.lines("stopped")
    until(lambda: jobs_of(fleet) == ["STOPPED"])


def test_a_job_stopped_from_outside_fails_its_step(fleet: Floor) -> None:
    worker = fleet.start("endless_job")
    until(lambda: fleet.lines("pid"))
    cluster = found_cluster()
    for job in cluster.step_jobs():
        cluster.stop(job)
    began = time.monotonic()
    assert worker.wait(60) != 0 and time.monotonic() - began < 30
    (run,) = fleet.instance.get_runs()
    assert run.status is dg.DagsterRunStatus.FAILURE


def test_the_pool_gets_a_slot_for_each_device_of_the_cluster(fleet: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reaper.main() == 0
    assert fleet.instance.event_log_storage.get_concurrency_info(GPU_POOL).slot_count == 2
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "http://127.0.0.1:9")
    assert reaper.main() == 1
    with pytest.raises(PipelineError, match="ray start --head"):
        found_cluster()


def test_the_pool_follows_a_cluster_that_grows_and_leaves_a_limit_set_by_hand(fleet: Floor) -> None:
    storage = fleet.instance.event_log_storage
    storage.set_concurrency_slots(GPU_POOL, 1)
    for seen, slots in (("2", 1), ("1", 2)):
        with dg.build_sensor_context(instance=fleet.instance, cursor=seen) as context:
            orphaned_runs(context)
            assert context.cursor == "2"
        assert storage.get_concurrency_info(GPU_POOL).slot_count == slots


def test_a_demand_in_words_of_ray() -> None:
    from ocr_pipeline.orchestration.execution.ray_cluster import RayCluster
    from ocr_pipeline.orchestration.execution.ray_executor import in_words_of_ray

    cluster = RayCluster(None, ((0, 64), (4, 16), (2, 32)))
    variables = {"OCR_PIPELINE_SOURCE": "/mnt/share"}
    for demand, cpus in ((Demand(4, 99, 1.5), 16), (Demand(2, 99, 1.5), 32), (Demand(0, 99, 1.5), 64)):
        assert in_words_of_ray(demand, cluster, variables) == {
            "num_gpus": demand.gpus,
            "num_cpus": cpus,
            "memory": 1_500_000_000,
            "runtime_env": {
                "env_vars": {
                    **variables,
                    "OCR_PIPELINE_LEASED_CPUS": str(cpus),
                    "OCR_PIPELINE_LEASED_GPUS": str(demand.gpus),
                    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
                }
            },
        }
    assert cluster.devices() == 6
    spread: Any = in_words_of_ray(Demand(1, 8), cluster, variables, spread=True)
    assert (spread["num_gpus"], spread["num_cpus"]) == (0, 0)
    assert spread["runtime_env"]["env_vars"]["OCR_PIPELINE_CREW"] == "ray"


def test_no_secret_goes_along_with_a_step() -> None:
    from ocr_pipeline.orchestration.execution.ray_executor import settings_for_steps

    environment = {
        "OCR_PIPELINE_OUTPUT": "/mnt/ocr",
        "FAST_OUTPUT_FORMAT": "lmdb",
        "OCR_PIPELINE_SOURCE": "ftp://me:secret@host/ocr",
        "DAGSTER_POSTGRES_PASSWORD": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    assert settings_for_steps(environment) == {"OCR_PIPELINE_OUTPUT": "/mnt/ocr", "FAST_OUTPUT_FORMAT": "lmdb"}

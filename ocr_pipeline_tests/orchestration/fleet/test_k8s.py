"""Steps as Kubernetes jobs: what is asked of the cluster, valid by its schema, and what becomes of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from ocr_pipeline.devices.machine import Demand
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.execution.choice import EXECUTOR_VARIABLE, chosen_cluster
from ocr_pipeline.orchestration.execution.clusters import DemandTag
from ocr_pipeline.orchestration.execution.demands import demand_tags
from ocr_pipeline.orchestration.execution.k8s_executor import in_words_of_kubernetes
from ocr_pipeline.orchestration.upkeep import reaper
from ocr_pipeline.orchestration.upkeep.reaper import stop_orphaned_steps
from ocr_pipeline_tests.orchestration.conftest import Floor, until
from ocr_pipeline_tests.orchestration.fleet.conftest import opened_floor
from ocr_pipeline_tests.orchestration.fleet.pretended_kubernetes import PretendedCluster, pretended_cluster


@pytest.fixture
def cluster() -> Iterator[PretendedCluster]:
    with pretended_cluster() as cluster:
        yield cluster


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: PretendedCluster) -> Iterator[Floor]:
    home = tmp_path / "home"
    with opened_floor(home, monkeypatch, {**cluster.write_home(home), EXECUTOR_VARIABLE: "k8s"}) as floor:
        yield floor


@pytest.mark.slow
def test_a_run_asks_for_jobs_with_the_devices_of_its_steps(fleet: Floor, cluster: PretendedCluster) -> None:
    assert fleet.start("mixed").wait(120) == 0
    jobs = {job["metadata"]["labels"]["dagster/op"]: job for job in cluster.jobs.values()}
    asked = {}
    for op, job in jobs.items():
        pod = job["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        asked[op] = container["resources"]
        assert container["image"] == "registry/ocr_pipeline:1" and pod["restartPolicy"] == "Never"
        assert pod["terminationGracePeriodSeconds"] >= 50
        assert {mount["mountPath"] for mount in container["volumeMounts"]} >= {"/data", "/dev/shm"}
        assert {"secretRef": {"name": "dagster-postgres"}} in container["envFrom"]
        assert {"name": "OCR_PIPELINE_LEASED_CPUS", "value": "1"} in container["env"]
    assert asked == {
        "step_0_of_1": {"requests": {"cpu": "1"}, "limits": {"nvidia.com/gpu": "1"}},
        "step_1_of_0": {"requests": {"cpu": "1"}, "limits": {}},
        "step_2_of_2": {"requests": {"cpu": "1"}, "limits": {"nvidia.com/gpu": "2"}},
    }


@pytest.mark.slow
def test_a_cancelled_training_is_deleted_and_has_saved(fleet: Floor, cluster: PretendedCluster) -> None:
    worker = fleet.start("training_job")
    until(lambda: fleet.lines("pid"))
    (name,) = cluster.jobs
    worker.send_signal(signal.SIGINT)
    worker.wait(60)
    assert cluster.deleted == [name]
    saved = (fleet.folder / "saved").read_text()
    (run,) = fleet.instance.get_runs()
    fleet.instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)  # as the daemon's monitoring does
    assert fleet.start("training_job").wait(120) == 0
    assert int(saved) > 0 and fleet.lines("pid")[-1][1] == saved


@pytest.mark.slow
def test_the_job_of_a_dead_run_is_found_and_deleted(fleet: Floor, cluster: PretendedCluster) -> None:
    worker = fleet.start("endless_job")
    until(lambda: fleet.lines("pid"))
    worker.kill()
    worker.wait()
    assert reaper.main() == 0
    engine = chosen_cluster(fleet.instance)
    assert engine and engine.devices() is None
    (job,) = engine.step_jobs()
    (run,) = fleet.instance.get_runs()
    assert job.run == run.run_id and run.status is dg.DagsterRunStatus.STARTED  # its run launcher watches over it
    assert stop_orphaned_steps(fleet.instance, engine) == []  # for all that is known it is under way
    fleet.instance.report_run_failed(run)
    until(lambda: stop_orphaned_steps(fleet.instance, engine) == [job.name], seconds=30)
    assert cluster.deleted == [job.name] and fleet.lines("stopped")
    ((pid,),) = fleet.lines("pid")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_a_demand_in_words_of_kubernetes() -> None:
    asked: Any = in_words_of_kubernetes(Demand(gpus=4, cpus=8, memory_gb=1.5))
    assert asked["container_config"]["resources"] == {
        "requests": {"cpu": "8", "memory": "1500M"},
        "limits": {"nvidia.com/gpu": "4", "memory": "1500M"},
    }


def test_what_a_tag_says_in_these_words_comes_first() -> None:
    demand_tag = DemandTag("dagster-k8s/config", lambda demand, _: in_words_of_kubernetes(demand))
    own = '{"container_config": {"resources": {"limits": {"nvidia.com/gpu": "1", "rdma/hca": "1"}}}}'
    tags = demand_tag.translated({**demand_tags(gpus=2), demand_tag.tag: own}, "gpu")
    said = yaml.safe_load(tags[demand_tag.tag])["container_config"]["resources"]
    assert said == {"requests": {"cpu": "1"}, "limits": {"nvidia.com/gpu": "1", "rdma/hca": "1"}}


def test_runs_that_are_no_jobs_of_the_cluster_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EXECUTOR_VARIABLE, "k8s")
    with (
        dg.instance_for_test(temp_dir=str(tmp_path)) as instance,
        pytest.raises(PipelineError, match=r"dagster_k8s\.yaml"),
    ):
        chosen_cluster(instance)

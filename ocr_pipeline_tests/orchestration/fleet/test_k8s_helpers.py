"""Pods that help a step with its partition: the job that is asked for, what it leaves, and that it goes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import kubernetes.client
import kubernetes_validate
import pytest
from dagster_k8s.job import DagsterK8sJobConfig, UserDefinedDagsterK8sConfig, construct_dagster_k8s_job

from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.devices.machine import Demand
from ocr_pipeline.orchestration.execution.crews import leased_crew
from ocr_pipeline.orchestration.execution.k8s_cluster import K8sCluster
from ocr_pipeline.orchestration.execution.k8s_executor import in_words_of_kubernetes
from ocr_pipeline.orchestration.execution.k8s_helpers import HelpedCrew, helpers, helping_job
from ocr_pipeline.orchestration.execution.pieces import Order
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.parallel import ALONE, Processes
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.orchestration.conftest import until
from ocr_pipeline_tests.orchestration.execution.test_pieces import TRAIN, labelled
from ocr_pipeline_tests.orchestration.fleet.pretended_kubernetes import (
    NAMESPACE,
    SCHEMA_OF,
    PretendedCluster,
    pretended_cluster,
)
from ocr_pipeline_tests.trees import contents, hand_tree, write_tree

RUN = "0f1e2d3c"
STEP_JOB = "dagster-step-0123456789abcdef0123456789abcdef"
SAYS = "import os, time; print(os.environ['OCR_PIPELINE_STEP_JOB'], flush=True); time.sleep(600)"
HANDWRITING = Order("annotations", TRAIN.key, "", "/data", {})


@pytest.fixture
def cluster() -> Iterator[PretendedCluster]:
    with pretended_cluster() as cluster:
        yield cluster


@pytest.fixture
def engine(cluster: PretendedCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> K8sCluster:
    """The cluster as a step knows it whose pod is there."""
    for name, value in {**cluster.write_home(tmp_path / "home"), "OCR_PIPELINE_STEP_JOB": STEP_JOB}.items():
        monkeypatch.setenv(name, value)
    with dg.DagsterInstance.get() as instance:
        engine = K8sCluster.found(instance)
    engine.jobs.create_namespaced_job(NAMESPACE, step_job(Demand(gpus=1, cpus=2, memory_gb=4)))
    return engine


def step_job(demand: Demand) -> kubernetes.client.V1Job:
    """The job of a step whose pieces are for everyone, as Dagster makes it."""
    return construct_dagster_k8s_job(
        DagsterK8sJobConfig(job_image="registry/ocr_pipeline:1", dagster_home="/home"),
        ["python", "-c", SAYS],
        STEP_JOB,
        UserDefinedDagsterK8sConfig.from_dict(in_words_of_kubernetes(demand, spread=True)),
        component="step_worker",
        labels={"dagster/run-id": RUN},
    )


def own_job(cluster: PretendedCluster) -> dict[str, Any]:
    return cluster.state(STEP_JOB)


def test_the_job_of_helpers_is_valid_and_like_that_of_the_step(engine: K8sCluster, cluster: PretendedCluster) -> None:
    job = helping_job(own_job(cluster), "helpers", HANDWRITING, 8)
    kubernetes_validate.validate(job, SCHEMA_OF, strict=True)
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    (container,), (own,) = pod["containers"], own_job(cluster)["spec"]["template"]["spec"]["containers"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 7, 7)
    for name in ("image", "resources", "env", "envFrom", "volumeMounts"):
        assert container.get(name) == own.get(name)
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "1", "memory": "4000M"}
    assert pod["restartPolicy"] == "Never" and Order.told(container["args"][-2]) == HANDWRITING
    assert job["metadata"]["labels"]["dagster/run-id"] == RUN
    assert job["metadata"]["ownerReferences"][0]["name"] == STEP_JOB


def test_a_step_is_told_the_name_of_its_job(engine: K8sCluster, cluster: PretendedCluster) -> None:
    (pod,) = cluster.pods[STEP_JOB]
    environment = Path(f"/proc/{pod.process.pid}/environ")
    until(lambda: f"OCR_PIPELINE_STEP_JOB={STEP_JOB}".encode() in environment.read_bytes())
    assert b"OCR_PIPELINE_CREW=k8s" in environment.read_bytes()


def test_helpers_are_found_by_their_run_and_gone_when_the_work_is_done(
    engine: K8sCluster, cluster: PretendedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Order, "command", lambda order, pods: ["sleep", "600"])
    with helpers(engine, STEP_JOB, HANDWRITING, 3):
        (name,) = cluster.jobs.keys() - {STEP_JOB}
        processes = [pod.process for pod in cluster.pods[name]]
        assert len(processes) == 2
        assert {(job.name, job.run) for job in engine.step_jobs()} == {(STEP_JOB, RUN), (name, RUN)}
    assert cluster.deleted == [name] and all(process.poll() is not None for process in processes)


def test_a_cluster_that_takes_no_helpers_costs_only_their_help(
    engine: K8sCluster, cluster: PretendedCluster, caplog: pytest.LogCaptureFixture
) -> None:
    with helpers(engine, "no-such-job", HANDWRITING, 3):
        assert list(cluster.jobs) == [STEP_JOB]
    assert "no pods help with annotations handwriting_train" in caplog.text and "404" in caplog.text


def test_helpers_that_fail_are_told(
    engine: K8sCluster,
    cluster: PretendedCluster,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(Order, "command", lambda order, pods: ["python", "-c", "raise SystemExit(1)"])
    with helpers(engine, STEP_JOB, HANDWRITING, 3):
        (name,) = cluster.jobs.keys() - {STEP_JOB}
        until(lambda: len(cluster.pods_of(name)) == 2)
    assert f"2 helpers of the job {name} were lost" in caplog.text and "said last" in caplog.text


def test_work_that_is_soon_done_calls_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HelpedCrew, "_helpers", lambda crew: pytest.fail("they were called"))
    with HelpedCrew(1, HANDWRITING, 3).hired() as executor:
        assert executor.submit(abs, -1).result() == 1


def test_helpers_are_for_pods_that_share_the_output(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    crew = partial(leased_crew, Workspace(tmp_path), 2, order=HANDWRITING)
    assert crew() == Processes(2)
    monkeypatch.setenv("OCR_PIPELINE_CREW", "k8s")
    assert crew() == HelpedCrew(2, HANDWRITING, 8)
    monkeypatch.setenv("OCR_PIPELINE_PODS", "1")
    assert crew() == Processes(2)


class Dawdling(ThreadPoolExecutor):
    """A step that leaves the work to its helpers as long as there are some."""

    def __init__(self, is_alone: Callable[[], bool]) -> None:
        super().__init__(1)
        self._is_alone = is_alone

    def submit(self, work, /, *args, **kwargs) -> Future:
        return super().submit(self._later, partial(work, *args, **kwargs))

    def _later(self, work: Callable[[], object]) -> object:
        until(self._is_alone)
        return work()


@pytest.mark.slow
def test_helpers_of_whom_one_is_lost_leave_the_bytes_of_one_process(
    cluster: PretendedCluster, engine: K8sCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = Share(write_tree(tmp_path / "share", hand_tree(360, folders=12)))
    alone, workspace = labelled(share, tmp_path / "alone"), labelled(share, tmp_path / "out")
    build_annotations(share, TRAIN, alone, AnnotationSettings("lmdb"), crew=ALONE)

    def is_alone() -> bool:
        (name,) = cluster.jobs.keys() - {STEP_JOB}
        return all(pod.code is not None for pod in cluster.pods[name])

    @contextmanager
    def dawdling(size: int, prepare: object) -> Iterator[Executor]:
        with Dawdling(is_alone) as executor:
            yield executor

    monkeypatch.setattr("ocr_pipeline.orchestration.execution.k8s_helpers.spawned", dawdling)
    losing = threading.Thread(target=lose_one, args=(cluster,), daemon=True)
    losing.start()
    settings, places = AnnotationSettings("lmdb"), Locations(source=str(share.root), output=str(workspace.root))
    crew = HelpedCrew(1, Order.of("annotations", TRAIN.key, places, settings), 3, patience=0)
    build_annotations(share, TRAIN, workspace, settings, crew=crew)
    losing.join(60)
    assert contents(workspace.root) == contents(alone.root)
    assert len(cluster.deleted) == 1 and list(cluster.jobs) == [STEP_JOB]


def lose_one(cluster: PretendedCluster) -> None:
    """Kill a helper while it starts; the cluster starts another in its place."""
    until(lambda: len(cluster.pods) == 2)
    (name,) = cluster.jobs.keys() - {STEP_JOB}
    os.kill(cluster.pods[name][0].process.pid, signal.SIGKILL)

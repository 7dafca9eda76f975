"""Helpers of a step in Kubernetes: an Indexed Job of pods like its own, each of which does a piece of its work.

The step works on as if it were alone. What a helper has finished it finds in the output folder, and what a lost one has
not it makes itself; so nobody waits for anybody, and a full cluster only helps less. Helpers are called when the work
has taken a while, and sent away when it is done.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, ParamSpec, TypeVar

import dagster as dg
from kubernetes.client import ApiException, CoreV1Api
from urllib3.exceptions import HTTPError

from ocr_pipeline.devices.machine import LeaseSettings
from ocr_pipeline.orchestration.execution.executor import GRACE_SECONDS
from ocr_pipeline.orchestration.execution.k8s_cluster import JOB_LABEL, K8sCluster
from ocr_pipeline.orchestration.execution.pieces import Order
from ocr_pipeline.parallel import spawned

PATIENCE_SECONDS = 60.0
"""A pod takes about half as long to start."""
LOSSES = 5
"""So often a helper may be lost before nobody takes its place."""
_OF_ITS_JOB = ("job-name", "controller-uid", JOB_LABEL, "batch.kubernetes.io/controller-uid")
"""Labels that Kubernetes gives the pods of one job; those of another have others."""
_NO_ANSWER = (ApiException, HTTPError)
_ASK_EVERY = 0.5

P = ParamSpec("P")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class HelpedCrew:
    """A `Crew` of this pod, and of others like it once there is work for longer than ``patience`` seconds.

    Attributes:
        size: processes of this pod, and of each of the others.
        pods: this one included.
    """

    size: int
    order: Order
    pods: int
    patience: float = PATIENCE_SECONDS
    gpus: int = 0
    least: int = 4

    @property
    def here(self) -> int:
        return self.size

    @contextmanager
    def hired(self, prepare: Callable[[], object] | None = None) -> Iterator[Executor]:
        with spawned(self.size, prepare) as executor, ExitStack() as stack:
            yield _Patient(executor, self.patience, lambda: stack.enter_context(self._helpers()))

    @contextmanager
    def _helpers(self) -> Iterator[None]:
        with dg.DagsterInstance.get() as instance:
            cluster = K8sCluster.found(instance)
        with helpers(cluster, LeaseSettings.from_environment(os.environ).step_job, self.order, self.pods):
            yield


class _Patient(Executor):
    """Hands work on, and once, when that goes on for long, calls for help."""

    def __init__(self, executor: Executor, patience: float, call: Callable[[], object]) -> None:
        self._executor, self._call = executor, call
        self._until, self._called = time.monotonic() + patience, False

    def submit(self, work: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs) -> Future[Result]:
        if not self._called and time.monotonic() >= self._until:
            self._called = True
            self._call()
        return self._executor.submit(work, *args, **kwargs)


@contextmanager
def helpers(cluster: K8sCluster, step_job: str, order: Order, pods: int) -> Iterator[None]:
    """They are at work as long as this is entered; when it is left, their pods are gone.

    A cluster that does not take the job, or does not say what became of it, costs the help and is a line in the log.

    Args:
        step_job: name of the step's own job.
    """
    name = f"{step_job[:50]}-{token_hex(4)}"
    try:
        own = json.loads(cluster.jobs.read_namespaced_job(step_job, cluster.namespace, _preload_content=False).data)
        cluster.jobs.create_namespaced_job(cluster.namespace, helping_job(own, name, order, pods))
    except _NO_ANSWER as error:
        logger.warning("no pods help with %s %s: %s", order.stage, order.partition, _reason(error))
        yield
        return
    logger.info("%d pods of the job %s help with %s %s", pods - 1, name, order.stage, order.partition)
    try:
        yield
    finally:
        try:
            _tell_of_losses(cluster, name)
            _send_away(cluster, name)
        except _NO_ANSWER as error:
            logger.warning("look after the job %s yourself: %s", name, _reason(error))


def helping_job(own: dict[str, Any], name: str, order: Order, pods: int) -> dict[str, Any]:
    """The Indexed Job of ``pods - 1`` pods that are like a step's in all but what they do.

    It has the labels of the step's job, by which it is found when its run is over, and goes with that.

    Args:
        own: the step's job, as the API tells it.
    """
    labels, pod = own["metadata"].get("labels", {}), own["spec"]["template"]
    first, *others = pod["spec"]["containers"]
    container = {**first, "args": order.command(pods), "terminationMessagePolicy": "FallbackToLogsOnError"}
    kept = {key: value for key, value in pod["metadata"].get("labels", {}).items() if key not in _OF_ITS_JOB}
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": own["metadata"]["name"], "uid": own["metadata"]["uid"]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "labels": {key: value for key, value in labels.items() if key not in _OF_ITS_JOB},
            "ownerReferences": [owner],
        },
        "spec": {
            "completionMode": "Indexed",
            "completions": pods - 1,
            "parallelism": pods - 1,
            "backoffLimitPerIndex": LOSSES,
            "podFailurePolicy": {
                "rules": [
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                    {"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [1]}},  # an error, no loss
                ]
            },
            "template": {
                "metadata": {"labels": kept, "annotations": pod["metadata"].get("annotations", {})},
                "spec": {**pod["spec"], "containers": [container, *others]},
            },
        },
    }


def _tell_of_losses(cluster: K8sCluster, name: str) -> None:
    pods = CoreV1Api(cluster.jobs.api_client).list_namespaced_pod(
        cluster.namespace, label_selector=f"{JOB_LABEL}={name}"
    )
    ends = [status.state.terminated for pod in pods.items for status in pod.status.container_statuses or ()]
    lost = [end for end in ends if end and end.exit_code]
    if lost:
        said = next((end.message.strip() for end in lost if end.message), f"exit code {lost[0].exit_code}")
        logger.warning("%d helpers of the job %s were lost, and their work was done here: %s", len(lost), name, said)


def _send_away(cluster: K8sCluster, name: str) -> None:
    """Delete a job and wait until its pods are gone: they must not write while the step clears up."""
    cluster.jobs.delete_namespaced_job(name, cluster.namespace, propagation_policy="Foreground")
    until = time.monotonic() + 2 * GRACE_SECONDS
    while cluster.has_job(name):
        if time.monotonic() > until:  # its machine does not answer
            logger.warning("a pod of the job %s does not end", name)
            return
        time.sleep(_ASK_EVERY)


def _reason(error: Exception) -> str:
    return f"the Kubernetes API says {error.status} {error.reason}" if isinstance(error, ApiException) else str(error)

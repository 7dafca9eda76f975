"""The Kubernetes cluster: the steps that run there, as far as a run that is over may have left some."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
import kubernetes.client
import kubernetes.config
from dagster_k8s import K8sRunLauncher
from dagster_k8s.client import DagsterKubernetesClient
from kubernetes.client import ApiException
from kubernetes.config import ConfigException

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.execution.clusters import StepJob

JOB_LABEL = "batch.kubernetes.io/job-name"
"""Of a pod: that name."""
_STEP_JOBS = "app.kubernetes.io/component=step_worker"
_RUN_LABEL = "dagster/run-id"
_ENDS = ("Complete", "Failed")
_GONE = 404


@dataclass(frozen=True)
class K8sCluster:
    """The namespace that the instance's run launcher works in; an `Cluster`."""

    namespace: str
    jobs: kubernetes.client.BatchV1Api

    @classmethod
    def found(cls, instance: dg.DagsterInstance) -> K8sCluster:
        """The cluster of the instance.

        Raises:
            PipelineError: its run launcher is not that of Kubernetes, or there is no access.
        """
        launcher = instance.run_launcher
        if not isinstance(launcher, K8sRunLauncher):
            raise PipelineError(
                "steps run in Kubernetes, but runs do not",
                where=f"run_launcher {type(launcher).__name__}",
                remedy="Take docker/dagster_k8s.yaml for the dagster.yaml of the instance.",
            )
        try:
            if launcher.load_incluster_config:
                kubernetes.config.load_incluster_config()
            else:
                kubernetes.config.load_kube_config(launcher.kubeconfig_file)
        except ConfigException as error:
            raise PipelineError(
                f"there is no access to a Kubernetes cluster ({error})",
                where=f"kubeconfig {launcher.kubeconfig_file or 'of the pod'}",
                remedy="Run it in the cluster, or set load_incluster_config and kubeconfig_file of the run launcher.",
            ) from error
        return cls(launcher.job_namespace, kubernetes.client.BatchV1Api())

    def devices(self) -> None:
        """Only the cluster knows: ``dagster instance concurrency set gpu N`` sets the pool."""

    def step_jobs(self) -> Iterator[StepJob]:
        for job in self.jobs.list_namespaced_job(self.namespace, label_selector=_STEP_JOBS).items:
            ended = any(condition.type in _ENDS for condition in job.status.conditions or ())
            if not (ended or job.metadata.deletion_timestamp):
                yield StepJob(job.metadata.name, job.metadata.labels[_RUN_LABEL])

    def has_job(self, name: str) -> bool:
        """Whether there is such a job, or a pod of it that has not ended yet."""
        try:
            self.jobs.read_namespaced_job(name, self.namespace)
        except ApiException as error:
            if error.status != _GONE:
                raise
            return False
        return True

    def stop(self, job: StepJob) -> None:
        DagsterKubernetesClient.production_client().delete_job(job.name, self.namespace)

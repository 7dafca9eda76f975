"""The Ray cluster: where its head is, what its machines have, and the steps that run there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from ray.job_submission import JobSubmissionClient
from ray.util.state import list_nodes
from ray.util.state.exception import RayStateApiException

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.execution.clusters import StepJob

ADDRESS_VARIABLE = "RAY_API_SERVER_ADDRESS"
_LOCAL = "http://127.0.0.1:8265"
_STEP_JOB = "dagster-step-"
_RUN_LABEL = "dagster/run-id"


@dataclass(frozen=True)
class RayCluster:
    """A cluster that answers; an `Cluster`.

    Attributes:
        machines: the GPUs and cores of each machine that is up.
    """

    client: JobSubmissionClient
    machines: tuple[tuple[int, int], ...]

    @classmethod
    def found(cls) -> RayCluster:
        """The cluster whose head RAY_API_SERVER_ADDRESS names, else the one of this machine.

        Raises:
            PipelineError: nobody answers there.
        """
        address = os.environ.get(ADDRESS_VARIABLE) or _LOCAL
        try:
            client = JobSubmissionClient(address)
            nodes = list_nodes(address, filters=[("state", "=", "ALIVE")])
        except (ConnectionError, RuntimeError, RayStateApiException) as error:
            raise PipelineError(
                f"the head of the Ray cluster does not answer ({type(error).__name__})",
                where=address,
                remedy=f"Start it (ray start --head), or name it in {ADDRESS_VARIABLE}.",
            ) from error
        resources = [node.resources_total for node in nodes]
        return cls(client, tuple((int(each.get("GPU", 0)), int(each.get("CPU", 0))) for each in resources))

    def devices(self) -> int:
        return max(1, sum(gpus for gpus, _ in self.machines))

    def most_cpus(self, gpus: int) -> int:
        """The cores of the largest machine that has so many GPUs; 1 as long as none has."""
        return max((cpus for there, cpus in self.machines if there >= gpus), default=1)

    def step_jobs(self) -> Iterator[StepJob]:
        for job in self.client.list_jobs():
            name, run = job.submission_id or "", (job.metadata or {}).get(_RUN_LABEL)
            if name.startswith(_STEP_JOB) and run and not job.status.is_terminal():
                yield StepJob(name, run)

    def stop(self, job: StepJob) -> None:
        self.client.stop_job(job.name)

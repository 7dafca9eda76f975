"""Steps as jobs of a Ray cluster, by dagster-ray: for machines of your own that share a folder and a database.

Ray's head is found by Ray's own variable RAY_API_SERVER_ADDRESS. Ray shows the environment of its jobs to all who see
its dashboard, so only settings without secrets go along with a step; a password stands in the environment of each
machine, before ``ray start``.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import dagster as dg
from dagster_ray.core.executor import RayStepHandler
from ray.job_submission import JobStatus, JobSubmissionClient

from ocr_pipeline.devices.machine import CREW_VARIABLE, LEASED_CPUS_VARIABLE, LEASED_GPUS_VARIABLE, Demand
from ocr_pipeline.orchestration.dagster_private import (
    CheckStepHealthResult,
    DagsterEvent,
    EngineEventData,
    InitExecutorContext,
    StepDelegatingExecutor,
    StepHandlerContext,
    multiple_process_executor_requirements,
)
from ocr_pipeline.orchestration.execution.clusters import DemandTag, TranslatingStepHandler
from ocr_pipeline.orchestration.execution.executor import STEP_OPTIONS, handing_on
from ocr_pipeline.orchestration.execution.ray_cluster import RayCluster
from ocr_pipeline.orchestration.execution.workers import working_here

STOP_WAIT_VARIABLE = "RAY_JOB_STOP_WAIT_TIME_S"
"""Ray's name for the seconds from the request to stop a job to its kill; without it, 3."""

_SETTINGS = re.compile("(OCR_PIPELINE|FAST|TROCR)_")
_PASSWORD_IN_URL = re.compile("://[^/@]*@")


@dg.executor(
    name="ray",
    config_schema=STEP_OPTIONS,
    requirements=multiple_process_executor_requirements(),
)
def ray_executor(init_context: InitExecutorContext) -> StepDelegatingExecutor:
    """Steps as Ray jobs, each with the devices, cores and memory that its tags ask for."""
    config = init_context.executor_config
    cluster = RayCluster.found()
    variables = {
        **settings_for_steps(os.environ),
        STOP_WAIT_VARIABLE: str(round(float(str(config["grace_seconds"])))),
        "PATH": f"{Path(sys.executable).parent}:${{PATH}}",  # where `dagster` is; Ray puts in the rest on the spot
    }
    demand_tag = DemandTag(
        "dagster-ray/config",
        lambda demand, spread: in_words_of_ray(demand, cluster, variables, spread=spread),
        shares_models=True,
    )
    handler = TranslatingStepHandler(RayJobs(cluster.client), demand_tag)
    return handing_on(handler, config, sleep_seconds=0.5, ask_every=3, verifies=True)


def in_words_of_ray(
    demand: Demand, cluster: RayCluster, variables: Mapping[str, str], *, spread: bool = False
) -> dict[str, object]:
    """The tag ``dagster-ray/config``: no more cores than a machine has, since Ray would wait for a larger one.

    Args:
        variables: what the step finds in its environment, beside how many cores and GPUs are its own.
        spread: its pieces are tasks with cores and GPUs of their own; they would wait for what it held itself, and
            several such steps could hold all there is.
    """
    gpus = 0 if spread else demand.gpus
    cpus = 0 if spread else max(1, min(demand.cpus, cluster.most_cpus(demand.gpus)))
    leased = {LEASED_CPUS_VARIABLE: str(max(1, cpus)), LEASED_GPUS_VARIABLE: str(demand.gpus)}
    crew = {CREW_VARIABLE: "ray"} if spread else {}
    environment = {**variables, **leased, **crew, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    memory = {"memory": int(demand.memory_gb * 1e9)} if demand.memory_gb else {}
    return {"num_gpus": gpus, "num_cpus": cpus, **memory, "runtime_env": {"env_vars": environment}}


def settings_for_steps(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings of the pipeline that may go along with a step; a URL with a password may not."""
    return {
        name: value
        for name, value in environment.items()
        if _SETTINGS.match(name) and not _PASSWORD_IN_URL.search(value)
    }


class RayJobs(RayStepHandler):
    """dagster-ray's step handler; it says where its run worker is, and a job that somebody else stopped has failed."""

    def __init__(self, client: JobSubmissionClient) -> None:
        super().__init__(client, None, None, None, None, None, None)
        self._introduced = False

    def launch_step(self, step_handler_context: StepHandlerContext) -> Iterator[DagsterEvent]:
        (key,) = step_handler_context.step_tags
        step = step_handler_context.get_step_context(key)
        if not self._introduced:
            yield DagsterEvent.engine_event(step, working_here(), EngineEventData())
            self._introduced = True
        yield from super().launch_step(step_handler_context)

    def check_step_health(self, step_handler_context: StepHandlerContext) -> CheckStepHealthResult:
        health = super().check_step_health(step_handler_context)
        job = self._get_ray_job_submission_id(step_handler_context)
        if health.is_healthy and self.client.get_job_status(job) is JobStatus.STOPPED:
            return CheckStepHealthResult.unhealthy(f"its Ray job {job} was stopped")
        return health

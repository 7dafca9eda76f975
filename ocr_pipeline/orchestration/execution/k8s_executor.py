"""Steps as jobs of a Kubernetes cluster, by dagster-k8s.

Image, namespace, volumes and secrets are those of the run launcher (``docker/dagster_k8s.yaml``) or of the executor's
own configuration, as dagster-k8s documents them; here a step only gets the resources that its tags ask for, and time
to save when it is stopped.
"""

from __future__ import annotations

import dagster as dg
from dagster_k8s import k8s_job_executor

from ocr_pipeline.devices.machine import (
    CREW_VARIABLE,
    LEASED_CPUS_VARIABLE,
    LEASED_GPUS_VARIABLE,
    STEP_JOB_VARIABLE,
    Demand,
)
from ocr_pipeline.orchestration.dagster_private import (
    Executor,
    InitExecutorContext,
    StepDelegatingExecutor,
    multiple_process_executor_requirements,
)
from ocr_pipeline.orchestration.execution.clusters import DemandTag, TranslatingStepHandler
from ocr_pipeline.orchestration.execution.executor import GRACE_SECONDS
from ocr_pipeline.orchestration.execution.k8s_cluster import JOB_LABEL

GPU_RESOURCE = "nvidia.com/gpu"
_WITH_HELPERS = (
    {"name": CREW_VARIABLE, "value": "k8s"},
    {"name": STEP_JOB_VARIABLE, "value_from": {"field_ref": {"field_path": f"metadata.labels['{JOB_LABEL}']"}}},
)


def in_words_of_kubernetes(demand: Demand, *, spread: bool = False) -> dict[str, object]:
    """The tag ``dagster-k8s/config``: whole GPUs as a limit, cores as a request, memory as both.

    Args:
        spread: other pods may help with its pieces.
    """
    memory = {"memory": f"{demand.memory_gb * 1000:.0f}M"} if demand.memory_gb else {}
    cpus = str(max(1, demand.cpus))
    gpus = {GPU_RESOURCE: str(demand.gpus)} if demand.gpus else {}
    return {
        "container_config": {
            "resources": {"requests": {"cpu": cpus, **memory}, "limits": {**gpus, **memory}},
            "env": [
                {"name": LEASED_CPUS_VARIABLE, "value": cpus},
                {"name": LEASED_GPUS_VARIABLE, "value": str(demand.gpus)},
                *(_WITH_HELPERS if spread else ()),
            ],
        },
        "pod_spec_config": {"termination_grace_period_seconds": round(GRACE_SECONDS)},
    }


def _with_demands(init_context: InitExecutorContext) -> Executor:
    create = k8s_job_executor.executor_creation_fn
    executor = create(init_context) if create else None
    assert isinstance(executor, StepDelegatingExecutor)
    demand_tag = DemandTag("dagster-k8s/config", lambda demand, spread: in_words_of_kubernetes(demand, spread=spread))
    executor._step_handler = TranslatingStepHandler(executor._step_handler, demand_tag)
    return executor


k8s_executor = dg.ExecutorDefinition(
    "k8s",
    config_schema=k8s_job_executor.config_schema,  # type: ignore[arg-type]  # Dagster takes what it gives
    requirements=multiple_process_executor_requirements(),
    executor_creation_fn=_with_demands,
    description="Steps as Kubernetes jobs, each with the devices, cores and memory that its tags ask for.",
)

"""Where steps run: the one setting, OCR_PIPELINE_EXECUTOR, that chooses; assets and their tags stay the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import dagster as dg

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.execution.clusters import Cluster

EXECUTOR_VARIABLE = "OCR_PIPELINE_EXECUTOR"


def chosen_executor() -> dg.ExecutorDefinition:
    """The executor that OCR_PIPELINE_EXECUTOR names; by default the local one, which needs Linux.

    Raises:
        PipelineError: there is none of that name, or what it needs is not installed.
    """
    return _EXECUTORS[executor_name()]()


def chosen_cluster(instance: dg.DagsterInstance) -> Cluster | None:
    """The engine of that executor; None if steps run on this machine.

    Raises:
        PipelineError: as above, or the engine does not answer.
    """
    engine = _CLUSTERS.get(executor_name())
    return engine(instance) if engine else None


def executor_name() -> str:
    """What OCR_PIPELINE_EXECUTOR says.

    Raises:
        PipelineError: there is no such executor.
    """
    name = os.environ.get(EXECUTOR_VARIABLE) or ("local" if sys.platform == "linux" else "multiprocess")
    if name not in _EXECUTORS:
        raise PipelineError(
            "there is no such executor", where=f"{EXECUTOR_VARIABLE}={name}", remedy=f"One of {', '.join(_EXECUTORS)}."
        )
    return name


def _local() -> dg.ExecutorDefinition:
    from ocr_pipeline.orchestration.execution.executor import local_executor  # its kernel locks are Linux's

    return local_executor


def _ray() -> dg.ExecutorDefinition:
    try:
        from ocr_pipeline.orchestration.execution.ray_executor import ray_executor
    except ModuleNotFoundError as error:
        raise _not_installed(error) from error
    return ray_executor


def _ray_cluster(instance: dg.DagsterInstance) -> Cluster:
    _ray()
    from ocr_pipeline.orchestration.execution.ray_cluster import RayCluster

    return RayCluster.found()


def _k8s() -> dg.ExecutorDefinition:
    try:
        from ocr_pipeline.orchestration.execution.k8s_executor import k8s_executor
    except ModuleNotFoundError as error:
        raise _not_installed(error) from error
    return k8s_executor


def _k8s_cluster(instance: dg.DagsterInstance) -> Cluster:
    _k8s()
    from ocr_pipeline.orchestration.execution.k8s_cluster import K8sCluster

    return K8sCluster.found(instance)


def _not_installed(error: ModuleNotFoundError) -> PipelineError:
    name = executor_name()
    return PipelineError(
        f"the package {(error.name or '').partition('.')[0]} is not installed",
        where=f"{EXECUTOR_VARIABLE}={name}",
        remedy=f"pip install 'ocr_pipeline[{name}]'",
    )


_EXECUTORS: dict[str, Callable[[], dg.ExecutorDefinition]] = {
    "local": _local,
    "multiprocess": lambda: dg.multiprocess_executor,
    "in_process": lambda: dg.in_process_executor,
    "ray": _ray,
    "k8s": _k8s,
}
_CLUSTERS: dict[str, Callable[[dg.DagsterInstance], Cluster]] = {"ray": _ray_cluster, "k8s": _k8s_cluster}

"""Where steps run: the one setting, OCR_PIPELINE_EXECUTOR, that chooses; assets and their tags stay the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

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


def is_on_a_cluster() -> bool:
    """Whether steps run on other machines.

    Raises:
        PipelineError: as above.
    """
    return executor_name() in _CLUSTERS


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


def _loaded(module: str) -> ModuleType:
    """A module of this package that not every machine can import.

    Raises:
        PipelineError: what it needs is not installed.
    """
    try:
        return import_module(f"{__package__}.{module}")
    except ModuleNotFoundError as error:
        name = executor_name()
        raise PipelineError(
            f"the package {(error.name or '').partition('.')[0]} is not installed",
            where=f"{EXECUTOR_VARIABLE}={name}",
            remedy=f"pip install 'ocr_pipeline[{name}]'",
        ) from error


_EXECUTORS: dict[str, Callable[[], dg.ExecutorDefinition]] = {
    "local": lambda: _loaded("executor").local_executor,  # its kernel locks are Linux's
    "multiprocess": lambda: dg.multiprocess_executor,
    "in_process": lambda: dg.in_process_executor,
    "ray": lambda: _loaded("ray_executor").ray_executor,
    "k8s": lambda: _loaded("k8s_executor").k8s_executor,
}
_CLUSTERS: dict[str, Callable[[dg.DagsterInstance], Cluster]] = {
    "ray": lambda instance: _loaded("ray_cluster").RayCluster.found(),
    "k8s": lambda instance: _loaded("k8s_cluster").K8sCluster.found(instance),
}

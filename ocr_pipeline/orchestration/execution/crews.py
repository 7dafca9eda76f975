"""Who works off the pieces of a step: the processes of its own machine, or all machines of the engine that runs it."""

from __future__ import annotations

import os

from ocr_pipeline.devices.machine import LeaseSettings
from ocr_pipeline.orchestration.execution.demands import DataStepSettings
from ocr_pipeline.orchestration.execution.pieces import Order
from ocr_pipeline.parallel import Crew, Processes
from ocr_pipeline.storage.artifacts.depot import depot_of
from ocr_pipeline.storage.artifacts.workspace import Workspace


def leased_crew(workspace: Workspace, workers: int, *, gpus: int = 0, order: Order | None = None) -> Crew:
    """Those who work for this step; of an output in an object store every machine has a mirror of its own, so that
    others would not see what they made.

    Args:
        workers: processes of this machine, where the work does not go further.
        gpus: of each who works, where they are of other machines too.
        order: what helpers are told; without, none are called.

    Raises:
        PipelineError: the engine does not answer.
    """
    crew = LeaseSettings.from_environment(os.environ).crew if depot_of(workspace.crops("", "")) is None else "processes"
    if crew == "ray":
        from ocr_pipeline.orchestration.execution.ray_tasks import RayCrew  # needs the package ray

        return RayCrew.found(workers, gpus)
    pods = DataStepSettings.from_environment(os.environ).pods
    if crew == "k8s" and order and pods > 1:
        from ocr_pipeline.orchestration.execution.k8s_helpers import HelpedCrew  # needs the package dagster-k8s

        return HelpedCrew(workers, order, pods)
    return Processes(workers)

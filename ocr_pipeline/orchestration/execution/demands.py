"""What a step needs, as op tags: one vocabulary for every executor.

A data step asks for half of the cores (OCR_PIPELINE_DATA_CPUS says how many) and starts a worker for each of them: two
such steps, or one beside a GPU step, keep a machine busy and never ask for more than it has. With several GPUs, cores
divided by GPUs let a layout step run on each. Memory is what a step needs at most, with any size of data.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import dagster as dg

from ocr_pipeline.devices.machine import Demand, machine_cpus
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.settings import Setting, Settings

GPU_POOL = "gpu"
GPUS_TAG, CPUS_TAG, MEMORY_TAG = "ocr/gpus", "ocr/cpus", "ocr/memory_gb"
DATA_CPUS = "data"
"""Instead of a number of cores: as many as a data step takes where it runs."""


@dataclass(frozen=True)
class DataStepSettings(Settings):
    """What the steps that read labels and pictures may use."""

    cpus: Annotated[
        int | None,
        Setting("Cores of a data step; unset: half of the machine's.", env="OCR_PIPELINE_DATA_CPUS", least=1),
    ] = None


def demand_tags(*, gpus: int = 0, cpus: int | str = 1, memory_gb: float = 0) -> dict[str, str]:
    """The op tags of a demand: ``@asset(op_tags=demand_tags(gpus=4, cpus=8))``."""
    return {GPUS_TAG: str(gpus), CPUS_TAG: str(cpus), MEMORY_TAG: f"{memory_gb:g}"}


def demand_of(tags: Mapping[str, str], pool: str | None) -> Demand:
    """The demand of a step; one that says nothing needs a core, and a GPU if it is in the pool of GPU steps.

    Raises:
        PipelineError: a tag is no number.
    """
    try:
        return Demand(
            int(tags.get(GPUS_TAG, pool == GPU_POOL)),
            data_cpus() if tags.get(CPUS_TAG) == DATA_CPUS else int(tags.get(CPUS_TAG, 1)),
            float(tags.get(MEMORY_TAG, 0)),
        )
    except ValueError as error:
        raise PipelineError(
            f"a resource tag is no number: {error}",
            where=", ".join(f"{name}={tags[name]}" for name in (GPUS_TAG, CPUS_TAG, MEMORY_TAG) if name in tags),
            remedy="Write the tags with demand_tags().",
        ) from error


def data_cpus(environment: Mapping[str, str] = os.environ) -> int:
    """Cores of a data step: OCR_PIPELINE_DATA_CPUS, else half of those that this process may use.

    Raises:
        PipelineError: the variable is no number above 0.
    """
    return DataStepSettings.from_environment(environment).cpus or max(1, machine_cpus(environment) // 2)


SMALL = demand_tags(memory_gb=1)
"""A step that lists, measures or compares, in one process."""

DATA = demand_tags(cpus=DATA_CPUS, memory_gb=2)
"""A step that reads labels or pictures with a worker for each of its cores."""

LAYOUT = demand_tags(gpus=1, cpus=DATA_CPUS, memory_gb=4)
"""A data step with a model: its workers decode for one device."""

MODEL = demand_tags(gpus=1, memory_gb=4)
"""A training, an evaluation, or a step that looks and reads: one device, which never waits for more than a core."""


def training_demand(gpus: int) -> dict[str, str]:
    """A training with a process for each of its GPUs."""
    return demand_tags(gpus=gpus, cpus=gpus, memory_gb=4 * gpus)


AFTER_A_CRASH = dg.RetryPolicy(max_retries=1, delay=5)
"""A step that was killed is tried once more, and goes on from its last shard or checkpoint.

An error that a person has to mend is not tried again (`stage_run` says so to Dagster).
"""

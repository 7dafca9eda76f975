"""What a step needs, as op tags: one vocabulary for every executor."""

from __future__ import annotations

from collections.abc import Mapping

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.leases.machine import Demand

GPU_POOL = "gpu"
GPUS_TAG, CPUS_TAG, MEMORY_TAG = "ocr/gpus", "ocr/cpus", "ocr/memory_gb"


def demand_tags(*, gpus: int = 0, cpus: int = 1, memory_gb: float = 0) -> dict[str, str]:
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
            int(tags.get(CPUS_TAG, 1)),
            float(tags.get(MEMORY_TAG, 0)),
        )
    except ValueError as error:
        raise PipelineError(
            f"a resource tag is no number: {error}",
            where=", ".join(f"{name}={tags[name]}" for name in (GPUS_TAG, CPUS_TAG, MEMORY_TAG) if name in tags),
            remedy="Write the tags with demand_tags().",
        ) from error

"""What a step needs, as op tags: one vocabulary for every executor.

A data step asks for half of the cores (OCR_PIPELINE_DATA_CPUS says how many) and starts a worker for each of them: two
such steps, or one beside a GPU step, keep a machine busy and never ask for more than it has. With several GPUs, cores
divided by GPUs let a layout step run on each. A partition of few pages has fewer shards than that, and takes a core for
each. Memory is what a step needs at most: so much, and a little for each page of its partition, whose names and places
it may hold.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import dagster as dg

from ocr_pipeline.data.layout_lmdb import NO_MODEL
from ocr_pipeline.devices.machine import Demand, machine_cpus
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.partitions import partitions_of
from ocr_pipeline.settings import Setting, Settings
from ocr_pipeline.storage.artifacts.manifest import DamagedManifestError, known_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace

GPU_POOL = "gpu"
GPUS_TAG, CPUS_TAG, MEMORY_TAG = "ocr/gpus", "ocr/cpus", "ocr/memory_gb"
A_PAGE_TAG = "ocr/memory_kb_a_page"
A_CORE_TAG = "ocr/pages_a_core"
SPREAD_TAG = "ocr/spread"
Spread = Literal["always", "with_gpus"]
DATA_CPUS = "data"
"""Instead of a number of cores: as many as a data step takes where it runs."""


@dataclass(frozen=True)
class DataStepSettings(Settings):
    """What the steps that read labels and pictures may use."""

    cpus: Annotated[
        int | None,
        Setting("Cores of a data step; unset: half of the machine's.", env="OCR_PIPELINE_DATA_CPUS", least=1),
    ] = None
    pods: Annotated[
        int,
        Setting(
            "With OCR_PIPELINE_EXECUTOR=k8s: pods that work off one partition once it takes over a minute, that of its "
            "step included.",
            env="OCR_PIPELINE_PODS",
            least=1,
        ),
    ] = 8


def demand_tags(
    *,
    gpus: int = 0,
    cpus: int | str = 1,
    pages_a_core: int = 0,
    memory_gb: float = 0,
    kb_a_page: float = 0,
    spread: Spread | None = None,
) -> dict[str, str]:
    """The op tags of a demand: ``@asset(op_tags=demand_tags(gpus=4, cpus=8))``.

    Args:
        pages_a_core: more cores than one for each so many pages have nothing to do; 0: they always have.
        spread: when its pieces are worked off by every machine of an engine that can do so; it holds no core then.
            ``with_gpus``: where a model looks at them, only by an engine that gives each of the workers its GPUs.
    """
    a_page = {A_PAGE_TAG: f"{kb_a_page:g}"} if kb_a_page else {}
    a_core = {A_CORE_TAG: str(pages_a_core)} if pages_a_core else {}
    said = {SPREAD_TAG: spread} if spread else {}
    return {GPUS_TAG: str(gpus), CPUS_TAG: str(cpus), MEMORY_TAG: f"{memory_gb:g}", **a_page, **a_core, **said}


def demand_of(tags: Mapping[str, str], pool: str | None, pages: int = 0) -> Demand:
    """The demand of a step; one that says nothing needs a core, and a GPU if it is in the pool of GPU steps.

    Args:
        pages: those of its partition; 0 as long as nobody knows.

    Raises:
        PipelineError: a tag is no number.
    """
    try:
        return Demand(
            int(tags.get(GPUS_TAG, pool == GPU_POOL)),
            _cpus(tags, pages),
            float(tags.get(MEMORY_TAG, 0)) + float(tags.get(A_PAGE_TAG, 0)) * pages / 1e6,
        )
    except ValueError as error:
        raise PipelineError(
            f"a resource tag is no number: {error}",
            where=", ".join(
                f"{name}={tags[name]}"
                for name in (GPUS_TAG, CPUS_TAG, A_CORE_TAG, MEMORY_TAG, A_PAGE_TAG)
                if name in tags
            ),
            remedy="Write the tags with demand_tags().",
        ) from error


def _cpus(tags: Mapping[str, str], pages: int) -> int:
    most = data_cpus() if tags.get(CPUS_TAG) == DATA_CPUS else int(tags.get(CPUS_TAG, 1))
    each = int(tags.get(A_CORE_TAG, 0))
    return min(most, math.ceil(pages / each)) if each and pages else most


def known_pages(run: dg.DagsterRun, environment: Mapping[str, str] = os.environ) -> int:
    """The pages of the largest partition of a run, as far as its labels are merged already; else 0."""
    workspace = Workspace.from_environment(environment)
    return max((_known_pages(workspace, partition) for partition in partitions_of(run.tags)), default=0)


def _known_pages(workspace: Workspace, partition: str) -> int:
    try:
        manifest = known_manifest(workspace.merged_json(partition))
    except DamagedManifestError:  # the step will say so
        return 0
    return manifest.counts.pages_in if manifest else 0


def data_cpus(environment: Mapping[str, str] = os.environ) -> int:
    """Cores of a data step: OCR_PIPELINE_DATA_CPUS, else half of those that this process may use.

    Raises:
        PipelineError: the variable is no number above 0.
    """
    return DataStepSettings.from_environment(environment).cpus or max(1, machine_cpus(environment) // 2)


KB_A_PAGE = 1.0
"""Names and places of a partition while they are sorted, joined or compared; a lookup itself takes 0.12."""

PAGES_A_CORE = 250
"""Of a shard of word crops; one of layouts is larger."""

SMALL = demand_tags(memory_gb=1, kb_a_page=KB_A_PAGE)
"""A step that lists, measures or compares, in one process."""

DATA = demand_tags(cpus=DATA_CPUS, memory_gb=2, kb_a_page=KB_A_PAGE)
"""A step that reads labels or pictures with a worker for each of its cores."""

CROPS = demand_tags(cpus=DATA_CPUS, pages_a_core=PAGES_A_CORE, memory_gb=4, kb_a_page=KB_A_PAGE, spread="always")
"""A data step whose workers hold pages and pictures."""

LAYOUT = demand_tags(
    gpus=1, cpus=DATA_CPUS, pages_a_core=PAGES_A_CORE, memory_gb=4, kb_a_page=KB_A_PAGE, spread="with_gpus"
)
"""A data step with a model: its workers decode for one device."""

MODEL = demand_tags(gpus=1, memory_gb=4)
"""A training, an evaluation, or a step that looks and reads: one device, which never waits for more than a core."""

READING = demand_tags(gpus=1, memory_gb=4, spread="always")
"""The same, file by file: where it is spread, each of those who read has a device."""


def training_demand(gpus: int) -> dict[str, str]:
    """A training with a process for each of its GPUs."""
    return demand_tags(gpus=gpus, cpus=gpus, memory_gb=4 * gpus)


AFTER_A_CRASH = dg.RetryPolicy(max_retries=1, delay=5)
"""A step that was killed is tried once more, and goes on from its last shard or checkpoint.

An error that a person has to mend is not tried again (`stage_run` says so to Dagster).
"""


def has_layout_model(run: dg.DagsterRun, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a layout model looks at the pages of a run."""
    ops: Any = run.run_config.get("ops", {})
    config = ops.get("layout_lmdb", {}).get("config", {})
    return (config.get("model") or environment.get("FAST_LAYOUT_MODEL") or NO_MODEL) != NO_MODEL

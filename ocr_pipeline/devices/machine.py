"""What a machine has to lease out, and what a step asks of it."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from ocr_pipeline.devices.containers import cpu_limit, memory_limit
from ocr_pipeline.devices.nvidia import NoAnswerError, listed_gpus
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.settings import Setting, Settings

GPUS_VARIABLE = "OCR_PIPELINE_GPUS"
MEMORY_VARIABLE = "OCR_PIPELINE_MEMORY_GB"
LEASED_CPUS_VARIABLE = "OCR_PIPELINE_LEASED_CPUS"
LEASED_GPUS_VARIABLE = "OCR_PIPELINE_LEASED_GPUS"
CREW_VARIABLE = "OCR_PIPELINE_CREW"
STEP_JOB_VARIABLE = "OCR_PIPELINE_STEP_JOB"
CPU_SLOT = "cpu"
_NO_GPU = ("", "none", "nodevfiles", "void")
"""How the user, Slurm and NVIDIA's containers say that there is none."""
_CUDA_NAME = re.compile(r"\d+|(GPU|MIG)-[0-9A-Za-z/-]+")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class MachineSettings(Settings):
    """What this machine lends to steps."""

    gpus: Annotated[
        str | None,
        Setting(
            "GPUs by their CUDA names: 0,1 or UUIDs, of MIG slices too; none or blank: none; all or unset: those that "
            "nvidia-smi lists.",
            env=(GPUS_VARIABLE, "CUDA_VISIBLE_DEVICES"),
            blank_counts=True,
        ),
    ] = None
    cpus: Annotated[
        int | None, Setting("CPU cores; unset: those this process may use.", env="OCR_PIPELINE_CPUS", least=1)
    ] = None
    memory_gb: Annotated[
        float | None,
        Setting(
            "Memory in GB (10**9 bytes); unset: that of the machine or its container.", env=MEMORY_VARIABLE, above=0
        ),
    ] = None


@dataclass(frozen=True)
class LeaseSettings(Settings):
    """What a step has leased; the executor says so in its environment, not the user."""

    cpus: Annotated[int | None, Setting("Cores of the step; it starts as many workers.", env=LEASED_CPUS_VARIABLE)] = (
        None
    )
    gpus: Annotated[
        int, Setting("GPUs of the step; a training starts a process for each.", env=LEASED_GPUS_VARIABLE)
    ] = 1
    crew: Annotated[
        Literal["processes", "ray", "k8s"],
        Setting(
            "Who works off its pieces: processes of its machine, all of a Ray cluster, or pods like its own.",
            env=CREW_VARIABLE,
        ),
    ] = "processes"
    step_job: Annotated[str, Setting("Under Kubernetes, the job of the step's pod.", env=STEP_JOB_VARIABLE)] = ""


@dataclass(frozen=True)
class Demand:
    """What one step needs as long as it runs: whole GPUs, CPU cores, memory in GB (10**9 bytes)."""

    gpus: int = 0
    cpus: int = 1
    memory_gb: float = 0.0


@dataclass(frozen=True)
class Machine:
    """What can be leased: GPUs by their CUDA names, CPU cores, memory in GB.

    Without a GPU there is one slot, ``cpu``, for the steps that would use one: they run one after the other.

    Attributes:
        fault: why nobody knows which GPUs there are; steps that need none go on.
    """

    gpus: tuple[str, ...]
    cpus: int
    memory_gb: float
    fault: str = ""

    @property
    def devices(self) -> tuple[str, ...]:
        return self.gpus or (CPU_SLOT,)

    def possible(self, demand: Demand) -> Demand:
        """The demand as this machine can meet it: no more cores than there are, the CPU slot instead of GPUs.

        Raises:
            PipelineError: the GPUs or the memory would never suffice, or nobody knows which GPUs there are.
        """
        if self.fault and demand.gpus:
            raise PipelineError(
                self.fault,
                where="the GPUs of this machine",
                remedy=f"Mend the driver, or name the devices in {GPUS_VARIABLE} (none: the CPU is used).",
            )
        if self.gpus and demand.gpus > len(self.gpus):
            raise PipelineError(
                f"a step asks for {demand.gpus} GPUs, the machine leases {len(self.gpus)}",
                where="tag ocr/gpus",
                remedy=f"Lower the tag, or name more devices in {GPUS_VARIABLE}.",
            )
        if demand.memory_gb > self.memory_gb:
            raise PipelineError(
                f"a step asks for {demand.memory_gb:g} GB of memory, the machine has {self.memory_gb:g}",
                where="tag ocr/memory_gb",
                remedy=f"Lower the tag, or set {MEMORY_VARIABLE}.",
            )
        return Demand(min(demand.gpus, len(self.devices)), min(demand.cpus, self.cpus), demand.memory_gb)


def find_machine(environment: Mapping[str, str] = os.environ) -> Machine:
    """The GPUs of OCR_PIPELINE_GPUS (``0,1``; empty: none), else of CUDA_VISIBLE_DEVICES, else of nvidia-smi.

    Cores are those this process may use, memory that of the machine or of its container; OCR_PIPELINE_CPUS and
    OCR_PIPELINE_MEMORY_GB say otherwise.

    Raises:
        PipelineError: a variable holds what it cannot mean.
    """
    said = MachineSettings.from_environment(environment)
    cpus, memory = machine_cpus(environment), said.memory_gb or _memory_gb()
    if said.gpus is not None and said.gpus.strip().lower() != "all":
        return Machine(_named_gpus(said.gpus), cpus, memory)
    try:
        return Machine(listed_gpus(), cpus, memory)
    except NoAnswerError as error:
        logger.warning("%s; only steps that need no GPU can run", error)
        return Machine((), cpus, memory, str(error))


def leased_cpus(environment: Mapping[str, str] = os.environ) -> int:
    """How many workers a step may start: the cores of its lease; without a lease, all that this process may use."""
    return LeaseSettings.from_environment(environment).cpus or machine_cpus(environment)


def leased_gpus(environment: Mapping[str, str] = os.environ) -> int:
    """How many processes a training may start: one for each GPU of its lease, and one at least."""
    return max(1, LeaseSettings.from_environment(environment).gpus)


def machine_cpus(environment: Mapping[str, str] = os.environ) -> int:
    """The cores to lease out: OCR_PIPELINE_CPUS, else those this process may use, by its affinity and its quota."""
    usable = min(float(len(os.sched_getaffinity(0))), cpu_limit())
    return MachineSettings.from_environment(environment).cpus or max(1, int(usable))


def _named_gpus(said: str) -> tuple[str, ...]:
    """As CUDA reads such a list: -1 ends it."""
    if said.strip().lower() in _NO_GPU:
        return ()
    names = [name.strip() for name in said.split(",")]
    names = names[: names.index("-1")] if "-1" in names else names
    wrong = [name for name in names if not _CUDA_NAME.fullmatch(name)]
    if wrong or len(set(names)) < len(names):
        raise PipelineError(
            f"GPUs cannot be {said!r}",
            where=f"{GPUS_VARIABLE}, else CUDA_VISIBLE_DEVICES",
            remedy="Name each once, with commas: 0,1 or GPU-... or MIG-... (`nvidia-smi -L`); or write all or none.",
        )
    return tuple(names)


def _memory_gb() -> float:
    return min(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), memory_limit()) / 1e9


def has_bfloat16(told: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this processor has instructions for bfloat16 (x86: AVX-512 BF16, AMX; ARM: BF16), as Linux tells it."""
    try:
        words = set(told.read_text(encoding="utf-8").split())
    except OSError:  # another system, which tells of it in another way
        return False
    return not words.isdisjoint({"avx512_bf16", "amx_bf16", "bf16"})

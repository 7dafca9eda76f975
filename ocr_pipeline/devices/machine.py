"""What a machine has to lease out, and what a step asks of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.settings import Setting, Settings

GPUS_VARIABLE = "OCR_PIPELINE_GPUS"
MEMORY_VARIABLE = "OCR_PIPELINE_MEMORY_GB"
LEASED_CPUS_VARIABLE = "OCR_PIPELINE_LEASED_CPUS"
LEASED_GPUS_VARIABLE = "OCR_PIPELINE_LEASED_GPUS"
CPU_SLOT = "cpu"
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class MachineSettings(Settings):
    """What this machine lends to steps."""

    gpus: Annotated[
        str | None,
        Setting(
            "GPUs by their CUDA names, such as 0,1; blank: none; unset: those that nvidia-smi lists.",
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
    """

    gpus: tuple[str, ...]
    cpus: int
    memory_gb: float

    @property
    def devices(self) -> tuple[str, ...]:
        return self.gpus or (CPU_SLOT,)

    def possible(self, demand: Demand) -> Demand:
        """The demand as this machine can meet it: no more cores than there are, the CPU slot instead of GPUs.

        Raises:
            PipelineError: the GPUs or the memory would never suffice.
        """
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
    """
    said = MachineSettings.from_environment(environment)
    gpus = _listed_gpus() if said.gpus is None else tuple(filter(None, map(str.strip, said.gpus.split(","))))
    return Machine(gpus, machine_cpus(environment), said.memory_gb or _memory_gb())


def leased_cpus(environment: Mapping[str, str] = os.environ) -> int:
    """How many workers a step may start: the cores of its lease; without a lease, all that this process may use."""
    return LeaseSettings.from_environment(environment).cpus or machine_cpus(environment)


def leased_gpus(environment: Mapping[str, str] = os.environ) -> int:
    """How many processes a training may start: one for each GPU of its lease, and one at least."""
    return max(1, LeaseSettings.from_environment(environment).gpus)


def machine_cpus(environment: Mapping[str, str] = os.environ) -> int:
    """The cores to lease out: OCR_PIPELINE_CPUS, else those this process may use."""
    return MachineSettings.from_environment(environment).cpus or len(os.sched_getaffinity(0))


def _listed_gpus() -> tuple[str, ...]:
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        listed = subprocess.run(query, capture_output=True, text=True, timeout=30, check=True).stdout
    except FileNotFoundError:
        return ()  # no driver, no GPU
    except subprocess.CalledProcessError as error:
        raise PipelineError(
            f"nvidia-smi fails: {(error.stdout or error.stderr).strip()}",
            where="the GPUs of this machine",
            remedy=f"Mend the driver, or name the devices in {GPUS_VARIABLE} (empty: none).",
        ) from error
    return tuple(listed.split())


def _memory_gb() -> float:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = _CGROUP_LIMIT.read_text().strip() if _CGROUP_LIMIT.exists() else "max"
    return min(total, total if limit == "max" else int(limit)) / 1e9

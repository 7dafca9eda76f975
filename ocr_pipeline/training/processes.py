"""The processes of one training: those that ``torchrun`` started, one for each GPU, or this one alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import distributed, nn

from ocr_pipeline.errors import PipelineError

_T = TypeVar("_T")


@dataclass(frozen=True)
class Processes:
    """Which of how many processes this is, from 0, and its device; all must call the same methods in the same order."""

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def writes(self) -> bool:
        """Whether files and log lines are this process's to write."""
        return self.rank == 0

    def share(self, items: Sequence[_T]) -> Sequence[_T]:
        """Every ``count``-th of the items: this process's share of the work."""
        return items[self.rank :: self.count]

    def gather(self, value: _T) -> list[_T]:
        """The plain values of all processes, in their order."""
        values: list[Any] = [value] * self.count
        if self.count > 1:
            distributed.all_gather_object(values, value)
        return values

    def gather_shares(self, own: list[_T]) -> list[_T]:
        """What all processes made of their shares, in the order of the items."""
        lists = self.gather(own)
        return [lists[place % self.count][place // self.count] for place in range(sum(map(len, lists)))]

    def must_agree(self, seen: object, where: object) -> None:
        """All processes must see the same files, or they would wait for each other for ever.

        Args:
            seen: plain values, to be equal in all processes.
            where: for the error.

        Raises:
            PipelineError: they differ.
        """
        first, *others = self.gather(seen)
        if any(other != first for other in others):
            raise PipelineError(
                "the processes of this training see different data or checkpoints",
                where=where,
                remedy="Put the data and --output_dir on a file system that all machines share.",
            )

    def sum(self, values: Sequence[float]) -> list[float]:
        """Each value, added over all processes."""
        if self.count == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return total.tolist()

    def any(self, flag: bool) -> bool:
        """Whether the flag is up in any process."""
        return self.sum([flag])[0] > 0

    def sum_gradients(self, weights: Iterable[nn.Parameter]) -> None:
        """Add the gradients over all processes; one that had no sample adds nothing."""
        if self.count == 1:
            return
        under_way = []
        for weight in weights:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            under_way.append(distributed.all_reduce(weight.grad, async_op=True))
        for work in under_way:
            work.wait()

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.count > 1:
            distributed.barrier()


ALONE = Processes(torch.device("cpu"))


@contextmanager
def connected(device: torch.device) -> Iterator[Processes]:
    """The group that torchrun's variables describe, for as long as it is entered; ``device`` as of ``own_device``."""
    if not _started_by_torchrun():
        yield Processes(device)
        return
    from accelerate import PartialState

    state = PartialState(cpu=device.type == "cpu")
    try:
        yield Processes(device, state.process_index, state.num_processes)
    finally:
        state.destroy_process_group()


def own_device(chosen: torch.device) -> torch.device:
    """The chosen device; of several processes that torchrun started each has the GPU of its ``LOCAL_RANK``.

    Raises:
        PipelineError: there are more processes than GPUs on this machine.
    """
    if chosen.type == "cpu" or not _started_by_torchrun():
        return chosen
    place, gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if place >= gpus:
        raise PipelineError(
            f"process {place} of this machine has no GPU; there are {gpus}",
            where="torchrun --nproc_per_node",
            remedy="Start as many processes as there are GPUs.",
        )
    device = torch.device("cuda", place)
    torch.cuda.set_device(device)
    return device


def _started_by_torchrun() -> bool:
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and "LOCAL_RANK" in os.environ

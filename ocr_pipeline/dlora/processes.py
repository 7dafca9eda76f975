"""The processes of one training: those that ``torchrun`` started, one for each GPU, or this one alone."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import distributed, nn

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """Which of how many processes this is, counted from 0; all must call the same methods in the same order."""

    rank: int = 0
    count: int = 1

    @property
    def writes(self) -> bool:
        """Whether files and log lines are this process's to write."""
        return self.rank == 0

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """Every ``count``-th of the items: this process's share of the work."""
        return items[self.rank :: self.count]

    def gather(self, own: list[T]) -> list[T]:
        """What all processes made of their shares, in the order of the items."""
        if self.count == 1:
            return own
        lists: list[list[T]] = [[] for _ in range(self.count)]
        distributed.all_gather_object(lists, own)
        return [lists[place % self.count][place // self.count] for place in range(sum(map(len, lists)))]

    def sum(self, values: Sequence[float], device: torch.device) -> list[float]:
        """Each value, added over all processes."""
        if self.count == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=device)
        distributed.all_reduce(total)
        return total.tolist()

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


ALONE = Processes()


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """The group that torchrun's variables describe, for as long as it is entered."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield ALONE
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(distributed.get_rank(), count)
    finally:
        distributed.destroy_process_group()


def own_device(use_cpu: bool) -> torch.device:
    """The GPU of this process (torchrun's ``LOCAL_RANK``), or the CPU."""
    if use_cpu or not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    torch.cuda.set_device(device)
    return device

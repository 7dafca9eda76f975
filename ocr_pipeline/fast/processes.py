"""The processes that share one training: torchrun starts one for each GPU; without it there is one.

Each works on a batch of its own. Gradients are averaged over the processes and batch norms take their statistics from
all of them, so N processes train as one would with N times the batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.detector import choose_device
from ocr_pipeline.fast.settings import Device

_T = TypeVar("_T")


class Processes:
    """This process (``rank``) among ``count``, and the device it works on."""

    def __init__(self, device: torch.device, rank: int = 0, count: int = 1) -> None:
        self.device, self.rank, self.count = device, rank, count

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def total(self, values: Tensor) -> Tensor:
        """The sum over all processes."""
        values = values.to(self.device, copy=True)
        if self.count > 1:
            dist.all_reduce(values)
        return values

    def any(self, flag: bool) -> bool:
        """Whether the flag is up in any process."""
        return bool(self.total(torch.tensor(int(flag)))) if self.count > 1 else flag

    def gather(self, value: _T) -> list[_T]:
        """The plain values of all processes, in their order."""
        found: list[Any] = [value] * self.count
        if self.count > 1:
            dist.all_gather_object(found, value)
        return found

    def wait(self) -> None:
        """Until all processes are here."""
        if self.count > 1:
            dist.barrier()

    def joined(self, network: nn.Module) -> Any:
        """What to call instead of ``network``, so that all processes together train it."""
        if self.count == 1:
            return network
        if self.device.type == "cuda":
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        else:
            share_statistics(network)
        return DistributedDataParallel(network)

    def apart(self, joined: Any) -> AbstractContextManager[None]:
        """Within it gradients add up in each process alone, for batches that are not the last of their step."""
        return joined.no_sync() if self.count > 1 else nullcontext()


@contextmanager
def training_processes(device: Device) -> Iterator[Processes]:
    """The processes as torchrun's variables describe them, connected while the context lasts.

    Raises:
        PipelineError: CUDA is asked for, but not there, or there are more processes than GPUs on this machine.
    """
    chosen, count = choose_device(device), int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1 or "LOCAL_RANK" not in os.environ:
        yield Processes(chosen)
        return
    if chosen.type == "cuda" and int(os.environ["LOCAL_RANK"]) >= torch.cuda.device_count():
        raise PipelineError(
            f"process {os.environ['LOCAL_RANK']} of this machine has no GPU; there are {torch.cuda.device_count()}",
            where="torchrun --nproc_per_node",
            remedy="Start as many processes as there are GPUs.",
        )
    from accelerate import PartialState

    state = PartialState(cpu=chosen.type == "cpu")
    try:
        yield Processes(state.device, state.process_index, state.num_processes)
    finally:
        state.destroy_process_group()


def share_statistics(network: nn.Module) -> None:
    """Let each batch norm see the batches of all processes."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = _SharedBatchNorm  # parameters, buffers and hooks stay the very same objects


class _SharedBatchNorm(nn.BatchNorm2d):
    """``SyncBatchNorm``, which torch offers for GPUs only, for any device."""

    def forward(self, features: Tensor) -> Tensor:
        if not self.training:
            return super().forward(features)
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        exact = features.float()
        mean = _Mean.apply(exact.mean((0, 2, 3)))
        centred = exact - mean[:, None, None]
        variance = _Mean.apply(centred.square().mean((0, 2, 3)))
        with torch.no_grad():
            pixels = features.numel() // features.shape[1] * dist.get_world_size()
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (pixels / (pixels - 1)), self.momentum)
            assert self.num_batches_tracked is not None
            self.num_batches_tracked.add_(1)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(features.dtype)


class _Mean(torch.autograd.Function):
    """The mean over the processes; so is its gradient."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return _mean(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _mean(gradient)


def _mean(values: Tensor) -> Tensor:
    total = values.contiguous().clone()
    dist.all_reduce(total)
    return total / dist.get_world_size()

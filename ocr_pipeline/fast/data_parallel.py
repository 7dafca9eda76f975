"""One network trained by several processes, each on batches of its own.

Gradients are averaged over the processes and batch norms take their statistics from all of them, so N processes train
as one would with N times the batch.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from ocr_pipeline.training.processes import Processes


def distributed(network: nn.Module, processes: Processes) -> Any:
    """What to call instead of ``network``, so that all processes together train it."""
    if processes.count == 1:
        return network
    if processes.device.type == "cuda":
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
    else:
        share_statistics(network)
    return DistributedDataParallel(network)


def no_sync(network: Any, processes: Processes) -> AbstractContextManager[None]:
    """Within it gradients add up in each process alone, for batches that are not the last of their step.

    Args:
        network: as ``distributed`` gave it.
    """
    return network.no_sync() if processes.count > 1 else nullcontext()


def share_statistics(network: nn.Module) -> None:
    """Let each batch norm see the batches of all processes; names, parameters and buffers stay the very same."""
    for name, part in network.named_children():
        if type(part) is nn.BatchNorm2d:
            setattr(network, name, _SharedBatchNorm.like(part))
        else:
            share_statistics(part)


class _SharedBatchNorm(nn.BatchNorm2d):
    """``SyncBatchNorm``, which torch offers for GPUs only, for any device."""

    @classmethod
    def like(cls, norm: nn.BatchNorm2d) -> _SharedBatchNorm:
        """One that has the other's parameters and buffers, not copies of them."""
        shared = cls(norm.num_features, norm.eps, norm.momentum)
        shared.weight, shared.bias = norm.weight, norm.bias
        for name, buffer in norm.named_buffers():
            setattr(shared, name, buffer)
        return shared.train(norm.training)

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

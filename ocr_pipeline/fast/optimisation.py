"""Length, learning rate, optimizer and moving average of a training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ocr_pipeline.fast.config import FastConfig
from ocr_pipeline.fast.network import FastNetwork

_POWER = 0.9
_MOMENTUM = 0.99  # of the published SGD configurations


@dataclass(frozen=True)
class Schedule:
    """How long a training is, and how fast it learns; a step is one update of the weights.

    Attributes:
        shares: for each LMDB its pages and how many of them a pass takes.
        crops: training crops of one step, in all processes.
        steps_per_epoch: of one pass over the data; steps: of the whole training.
    """

    config: FastConfig
    shares: Sequence[tuple[int, int]]
    crops: int
    steps_per_epoch: int
    steps: int

    def rate(self, step: int) -> float:
        """The learning rate of step ``step`` (from 0)."""
        return learning_rate(self.config, step, self.steps, self.steps_per_epoch)

    def epochs(self, step: int) -> int:
        """Passes over the data that are finished after so many steps."""
        return step // self.steps_per_epoch


def make_schedule(
    config: FastConfig, shares: Sequence[tuple[int, int]], batches: int, max_steps: int | None
) -> Schedule:
    """The schedule of passes over ``shares``, in steps of ``batches``; ``max_steps`` overrides the epochs."""
    crops = config.batch_size * batches
    steps_per_epoch = math.ceil(sum(taken for _, taken in shares) * config.repeat_times / crops)
    return Schedule(config, shares, crops, steps_per_epoch, max_steps or config.epochs * steps_per_epoch)


def make_optimizer(network: FastNetwork, config: FastConfig) -> torch.optim.Optimizer:
    """The configured optimizer; like the published recipe without weight decay for Adam."""
    parameters = network.parameters()
    if config.optimizer == "SGD":
        return torch.optim.SGD(parameters, config.learning_rate, momentum=_MOMENTUM, weight_decay=5e-4)
    kind = {"Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW}[config.optimizer]
    return kind(parameters, config.learning_rate)


def learning_rate(config: FastConfig, step: int, steps: int, steps_per_epoch: int) -> float:
    """The rate of step ``step`` (from 0) of ``steps``: warm-up, then polynomial decay or tenths at milestones."""
    warmth = min((step + 1) / config.warmup_steps, 1.0) if config.warmup_steps else 1.0
    epoch = step // steps_per_epoch
    if config.milestones:
        return config.learning_rate * warmth * 0.1 ** sum(epoch >= milestone for milestone in config.milestones)
    progress = epoch * steps_per_epoch / steps if config.decay == "epoch" else step / steps
    return config.learning_rate * warmth * (1 - progress) ** _POWER


def make_average(network: FastNetwork, config: FastConfig) -> AveragedModel | None:
    """Moving average of the parameters and, if configured, of the batch norms' statistics; None if not configured.

    As the published one it begins at the weights that the training begins with, not at those of its first step.
    """
    if not config.ema_decay:
        return None
    averaging = get_ema_multi_avg_fn(config.ema_decay)
    average = AveragedModel(network, multi_avg_fn=averaging, use_buffers=config.ema_statistics)
    average.n_averaged.fill_(1)  # torch would take its first update for the beginning
    return average

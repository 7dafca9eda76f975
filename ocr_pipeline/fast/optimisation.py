"""Optimizer, learning rate and moving average of a training."""

from __future__ import annotations

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ocr_pipeline.fast.config import FastConfig
from ocr_pipeline.fast.network import FastNetwork

_POWER = 0.9
_MOMENTUM = 0.99  # of the published SGD configurations


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
    """Moving average of the parameters and, if configured, of the batch norms' statistics; None if not configured."""
    if not config.ema_decay:
        return None
    averaging = get_ema_multi_avg_fn(config.ema_decay)
    return AveragedModel(network, multi_avg_fn=averaging, use_buffers=config.ema_statistics)


def seed_of_step(seed: int, step: int, process: int) -> int:
    """Where the random numbers of a step (dropout) begin: the step alone decides about them, also after a resume."""
    return int(np.random.SeedSequence((seed, step, process)).generate_state(1, np.uint64)[0])

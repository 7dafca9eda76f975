"""What learns: a network, its moving average, and the optimizer that changes them step by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch

from ocr_pipeline.fast.checkpoints import TrainingState
from ocr_pipeline.fast.config import FastConfig
from ocr_pipeline.fast.data import WORD_OUTCOMES, Batch
from ocr_pipeline.fast.data_parallel import distributed, no_sync
from ocr_pipeline.fast.losses import FastLoss, Losses
from ocr_pipeline.fast.network import FastNetwork, build_network, in_channels_last, normalise
from ocr_pipeline.fast.optimisation import make_average, make_optimizer
from ocr_pipeline.training.processes import Processes
from ocr_pipeline.training.seeds import step_seed


class Arithmetic(NamedTuple):
    """How the network computes: mixed precision, the order of its memory, and how it is compiled (None: not)."""

    amp: bool = False
    channels_last: bool = False
    compile_mode: str | None = None


class Learnt(NamedTuple):
    """One step: mean losses, what became of its words (as ``WORD_OUTCOMES``), the pages whose loss was not finite."""

    losses: npt.NDArray[np.float64]
    words: npt.NDArray[np.float64]
    faulty: list[int]


class Learner:
    """A network under training, the same in all processes at every step; its weights are drawn from ``seed``."""

    def __init__(self, config: FastConfig, arithmetic: Arithmetic, seed: int, processes: Processes) -> None:
        self._config, self._arithmetic, self._seed, self._processes = config, arithmetic, seed, processes
        self._device = processes.device
        torch.manual_seed(seed)
        self.network = build_network(config.variant, config.dropout).to(self._device)
        if not config.side_branches:
            self.network.rest_sides()
        self._average = make_average(self.network, config)
        self._optimizer = make_optimizer(self.network, config)
        half_precision = arithmetic.amp and self._device.type == "cuda"
        self._scaler = torch.amp.GradScaler(self._device.type, enabled=half_precision)
        self._loss = FastLoss(
            config.pooling_size,
            config.loss_text,
            config.loss_kernel,
            config.loss_embedding,
            config.embedding_version,
            config.rules.textless,
        )

    @property
    def judged(self) -> FastNetwork:
        """What a validation looks at: the moving average where there is one."""
        return self.network if self._average is None else cast(FastNetwork, self._average.module)

    @property
    def spoilt(self) -> bool:
        """Whether some weight is no longer a number."""
        return not all(torch.isfinite(value).all() for value in self.network.state_dict().values())

    def state(self) -> dict[str, Any]:
        """The fields of a ``TrainingState`` that are the learner's."""
        return {
            "state_dict": self.network.state_dict(),
            "ema": self._average.module.state_dict() if self._average is not None else {},
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
        }

    def restore(self, state: TrainingState) -> None:
        """Go on exactly where the state left off."""
        self.network.load_state_dict(state.state_dict)
        if self._average is not None:
            self._average.module.load_state_dict(state.ema)
            self._average.n_averaged.fill_(state.global_step)
        self._optimizer.load_state_dict(state.optimizer)
        self._scaler.load_state_dict(state.scaler)

    def learn(self, batches: Sequence[Batch], step: int, rate: float) -> Learnt:
        """Step number ``step``, from 0, over the batches of all processes; ``batches`` are this one's.

        A step with a loss that is not finite changes no weight.
        """
        torch.manual_seed(step_seed(self._seed, step, self._processes.rank))
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        sums, words, faulty = np.zeros(len(Losses._fields)), np.zeros(len(WORD_OUTCOMES)), list[int]()
        for left, batch in zip(reversed(range(len(batches))), batches, strict=True):
            with no_sync(self._called, self._processes) if left else nullcontext():
                losses = self._losses(batch)
                means, seen = self._over_all(losses, batch)
                if not math.isfinite(means[0]):
                    faulty += self._faulty(losses, batch)
                    continue
                self._scaler.scale(losses.total / len(batches)).backward()
            sums, words = sums + means / len(batches), words + seen
        if not faulty:
            self._descend()
        self._optimizer.zero_grad(set_to_none=True)
        return Learnt(sums, words, faulty)

    @cached_property
    def _called(self) -> Any:
        """What is called instead of the network: in all processes together, and compiled, as is asked for."""
        if self._arithmetic.channels_last:
            in_channels_last(self.network)
        network = distributed(self.network, self._processes)
        mode = self._arithmetic.compile_mode
        return network if mode is None else torch.compile(network, mode=mode)

    def _losses(self, batch: Batch) -> Losses:
        given, *maps = (tensor.to(self._device, non_blocking=True) for tensor in batch[:5])
        pictures = normalise(given)
        if self._arithmetic.channels_last:
            pictures = pictures.contiguous(memory_format=torch.channels_last)
        half = torch.float16 if self._device.type == "cuda" else torch.bfloat16
        with torch.autocast(self._device.type, dtype=half, enabled=self._arithmetic.amp):
            logits = self._called(pictures)
        return self._loss(logits, *maps)

    def _over_all(self, losses: Losses, batch: Batch) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Mean losses of the batches of all processes, and what became of the words in them."""
        own = torch.cat([torch.stack(losses).detach(), batch.words.sum(0).to(self._device)])
        seen = np.array(self._processes.sum(own.tolist()))
        return seen[: len(losses)] / self._processes.count, seen[len(losses) :]

    def _faulty(self, losses: Losses, batch: Batch) -> list[int]:
        """The pages of those batches whose loss is not finite."""
        own = [] if torch.isfinite(losses.total) else batch.page.tolist()
        return [page for pages in self._processes.gather(own) for page in pages]

    def _descend(self) -> None:
        """Change the weights by their gradients."""
        if self._config.clip_norm:
            self._scaler.unscale_(self._optimizer)
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._config.clip_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        if self._average is not None:
            self._average.update_parameters(self.network)

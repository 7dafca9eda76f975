"""What learns: a network, its moving average, and the optimizer that changes them step by step."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch

from ocr_pipeline.devices.machine import has_bfloat16
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.checkpoints import TrainingState
from ocr_pipeline.fast.config import FastConfig
from ocr_pipeline.fast.data import WORD_OUTCOMES, Batch
from ocr_pipeline.fast.data_parallel import distributed, no_sync
from ocr_pipeline.fast.losses import FastLoss, Losses
from ocr_pipeline.fast.network import FastNetwork, build_network, in_channels_last, normalise
from ocr_pipeline.fast.optimisation import make_average, make_optimizer
from ocr_pipeline.fast.weights.reading import Weights, load_weights
from ocr_pipeline.training.processes import Processes
from ocr_pipeline.training.seeds import step_seed

logger = logging.getLogger(__name__)


class Arithmetic(NamedTuple):
    """How the network computes: mixed precision, the order of its memory, and how it is compiled (None: not)."""

    half: torch.dtype | None = None
    channels_last: bool = False
    compile_mode: str | None = None


def half_precision(amp: bool, device: torch.device) -> torch.dtype | None:
    """What mixed precision computes in: float16 on CUDA, bfloat16 on a CPU that has instructions for it, else nothing.

    Without them bfloat16 costs several times the time of float32, which nobody means who asks for it.
    """
    if amp and device.type == "cpu" and not has_bfloat16():
        logger.warning("--amp has no effect: this CPU has no instructions for bfloat16 (AVX-512 BF16, AMX)")
        return None
    return None if not amp else torch.bfloat16 if device.type == "cpu" else torch.float16


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
        self._scaler = torch.amp.GradScaler(self._device.type, enabled=arithmetic.half == torch.float16)
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

    def begin_with(self, weights: Weights) -> int:
        """Start from given weights, the average too; returns how many tensors that were.

        Raises:
            PipelineError: they are of another network, or of side branches that shall be at rest.
        """
        count = load_weights(self.network, weights)
        if not self._config.side_branches and not self.network.sides_rest:
            raise PipelineError(
                "side_branches is false, but the side branches of these weights are trained",
                where=weights.path,
                remedy="Set side_branches: true in the configuration.",
            )
        if self._average is not None:
            self._average.module.load_state_dict(self.network.state_dict())
        return count

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
        self._optimizer.load_state_dict(state.optimizer)
        self._scaler.load_state_dict(state.scaler)

    def learn(self, batches: Sequence[Batch], step: int, rate: float) -> Learnt:
        """Step number ``step``, from 0, over the batches of all processes; ``batches`` are this one's.

        A step with a loss that is not finite changes no weight; one that fails because the network could not be
        compiled changes nothing at all.
        """
        with self._undone_on_error() if self._arithmetic.compile_mode else nullcontext():
            return self._learn(batches, step, rate)

    @contextmanager
    def _undone_on_error(self) -> Iterator[None]:
        """The statistics of the batch norms, which a forward pass changes, are as before where it ends in an error."""
        before = [buffer.clone() for buffer in self.network.buffers()]
        try:
            yield
        except Exception:
            for buffer, value in zip(self.network.buffers(), before, strict=True):
                buffer.copy_(value)
            raise

    def _learn(self, batches: Sequence[Batch], step: int, rate: float) -> Learnt:
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
        half = self._arithmetic.half
        with torch.autocast(self._device.type, dtype=half, enabled=half is not None):
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

"""What learns: a model with its trained part, and the optimiser that changes it step by step."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition.dlora.adapters import ADAPTERS, GradientWatch, add_adapters, load_adapters
from ocr_pipeline.recognition.dlora.base import Base
from ocr_pipeline.recognition.dlora.bases import demand_base
from ocr_pipeline.recognition.dlora.data import IGNORED, Batch
from ocr_pipeline.recognition.dlora.loss import decoder_inputs, token_loss
from ocr_pipeline.recognition.dlora.recognizer import load_base
from ocr_pipeline.recognition.dlora.settings import DloraTraining
from ocr_pipeline.recognition.images import to_input
from ocr_pipeline.training.processes import Processes
from ocr_pipeline.training.seeds import step_seed

logger = logging.getLogger(__name__)


class Learner:
    """A model under training, the same in all processes at every step.

    Args:
        checkpoint: where its weights come from; None starts with new adapters.

    Raises:
        PipelineError: the settings ask for what the device cannot do, or the checkpoint does not fit the base.
    """

    def __init__(self, base: Base, settings: DloraTraining, processes: Processes, checkpoint: Path | None) -> None:
        self.base, self.settings, self.processes = base, settings, processes
        self.device = device = processes.device
        self.precision = precision(settings, device)
        self.model = self._prepared(checkpoint).to(device).train()
        named = sorted((name, weight) for name, weight in self.model.named_parameters() if weight.requires_grad)
        self.trained = dict(named)
        self.optimizer = torch.optim.AdamW(
            self.trained.values(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.precision == torch.float16)
        self.watch = GradientWatch(self.model, self.precision) if settings.method != "full" else None

    def _prepared(self, checkpoint: Path | None) -> Any:
        """The model with what is trained, and nothing else, asking for gradients."""
        s, model = self.settings, self.base.model
        if s.gradient_checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        if s.method == "full":
            if checkpoint:
                model.load_state_dict(load_base(checkpoint).model.state_dict())
            return model.requires_grad_(True)
        if checkpoint:
            demand_base(checkpoint, self.base.name, self.base.fingerprint)
            return load_adapters(model, checkpoint, trainable=True)
        torch.manual_seed(s.seed)
        return add_adapters(
            model,
            rank=s.lora_rank,
            alpha=s.lora_alpha,
            dropout=s.lora_dropout,
            method=s.method,
            preset=s.target_modules,
        )

    def learn(self, batches: Sequence[Batch], step: int, rate: float) -> tuple[float, float]:
        """Step number ``step``, from 0, over the micro-batches of all processes; ``batches`` are this one's.

        Every token weighs the same, in whichever micro-batch it is. Dropout is drawn from the step's number, so that a
        resumed run draws the same.

        Returns:
            The mean loss per token, and the gradient's norm before clipping.

        Raises:
            PipelineError: the loss is no longer a number, or some adapter does not learn.
        """
        seed = step_seed(self.settings.seed, step, self.processes.rank)
        torch.manual_seed(seed >> 1)  # the bits that every training so far has drawn from
        own = sum(int((batch.labels != IGNORED).sum()) for batch in batches)
        (tokens,) = self.processes.sum([own])
        total = torch.zeros((), device=self.device)
        for batch in batches:
            loss = self._loss(batch) / tokens
            self.scaler.scale(loss).backward()
            total += loss.detach()
        self.processes.sum_gradients(self.trained.values())
        (mean,) = self.processes.sum([total.item()])
        _must_be_finite(mean, step)
        if self.watch:
            self.watch.after_backward()
        self.scaler.unscale_(self.optimizer)
        if self.settings.show_gradients and (step + 1) % self.settings.logging_steps == 0:
            self._show_gradients()
        longest = self.settings.max_grad_norm or math.inf
        norm = torch.nn.utils.clip_grad_norm_(self.trained.values(), longest)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return mean, float(norm)

    def state(self) -> dict[str, Any]:
        """All that an exact resume needs beside the weights."""
        return {"optimizer": self.optimizer.state_dict(), "scaler": self.scaler.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])

    def _loss(self, batch: Batch) -> Tensor:
        labels = batch.labels.to(self.device, non_blocking=True)
        config = self.base.model.config
        inputs = decoder_inputs(labels, config.decoder_start_token_id, config.pad_token_id)
        with torch.autocast(self.device.type, self.precision, enabled=self.precision is not None):
            pixels = to_input(batch.pixels, self.base.images, self.device)
            logits = self.model(pixel_values=pixels, decoder_input_ids=inputs, use_cache=False).logits
        return token_loss(logits, labels, self.settings.label_smoothing_factor)

    def _show_gradients(self) -> None:
        groups = ("encoder.", "decoder.") if self.settings.method == "full" else ADAPTERS
        for group in groups:
            grads = [weight.grad for name, weight in self.trained.items() if group in name and weight.grad is not None]
            norm = torch.stack([grad.norm() for grad in grads]).norm() if grads else torch.zeros(())
            logger.info("gradient of %s: norm %.4g over %d tensors", group.strip("."), norm.item(), len(grads))


def precision(settings: DloraTraining, device: torch.device) -> torch.dtype | None:
    """What to compute in where it is safe; None is float32 throughout.

    Raises:
        PipelineError: the device cannot do what is asked for.
    """
    if settings.fp16 and device.type == "cpu":
        raise PipelineError("fp16 needs a CUDA device", where="fp16", remedy="Use bf16, or neither, on the CPU.")
    if settings.fp16:
        return torch.float16
    automatic = settings.amp and device.type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.bfloat16 if settings.bf16 or automatic else None


def _must_be_finite(loss: float, step: int) -> None:
    if not math.isfinite(loss):
        raise PipelineError(
            "the loss is no longer a number",
            where=f"step {step + 1}",
            remedy="Lower learning_rate, or train without fp16; earlier checkpoints are intact.",
        )

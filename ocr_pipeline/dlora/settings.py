"""The settings of a DLoRA training, under the names of the guide and of Hugging Face's TrainingArguments."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ocr_pipeline.errors import PipelineError

SCHEDULES = ("linear", "cosine", "constant", "constant_with_warmup")


@dataclass(frozen=True)
class DloraTraining:
    """How one recogniser is trained.

    Attributes:
        model_name_or_path: the base: a folder, or a name on the Hugging Face hub.
        output_dir: where checkpoints and results.csv go.
        per_device_train_batch_size: samples of one backward pass; times ``gradient_accumulation_steps`` of one step.
        max_steps: optimiser steps; -1 leaves it to ``num_train_epochs``.
        save_steps, eval_steps, logging_steps: every so many optimiser steps; the end is always saved and evaluated.
        save_total_limit: how many checkpoints stay, not counting the best; None keeps all.
        eval_samples: validation crops, drawn evenly from all validation sets; 0 takes all.
        generation_max_length: the most tokens of a text that is read in an evaluation.
        warmup_ratio: share of the steps in which the learning rate rises.
        bf16, fp16: mixed precision (fp16 on CUDA only); the adapters themselves stay in fp32.
        resume_from_checkpoint: a checkpoint folder, or ``last``: the newest in ``output_dir``, if there is one.
        report_to: accepted for the guide's command; results go to the log, to results.csv and to ``on_progress``.
    """

    model_name_or_path: str
    output_dir: str
    per_device_train_batch_size: int = 8
    per_device_eval_batch_size: int = 8
    gradient_accumulation_steps: int = 1
    dataloader_num_workers: int = 0
    learning_rate: float = 5e-5
    num_train_epochs: float = 3.0
    max_steps: int = -1
    save_steps: int = 500
    save_total_limit: int | None = None
    eval_steps: int = 500
    eval_samples: int = 100
    generation_max_length: int = 64
    logging_steps: int = 50
    warmup_ratio: float = 0.0
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    lr_scheduler_type: str = "linear"
    seed: int = 42
    bf16: bool = False
    fp16: bool = False
    use_cpu: bool = False
    report_to: str = "none"
    resume_from_checkpoint: str | None = None
    lora_rank: int = 16
    lora_alpha: int = 32
    lora_dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.lr_scheduler_type not in SCHEDULES:
            raise _refused("lr_scheduler_type", self.lr_scheduler_type, f"Choose one of {', '.join(SCHEDULES)}.")
        if self.bf16 and self.fp16:
            raise _refused("bf16 and fp16", "both on", "Choose one of them.")
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise _refused(name, getattr(self, name), "Give a number above 0.")

    def steps(self, steps_per_epoch: int) -> int:
        """Optimiser steps of the whole training."""
        return self.max_steps if self.max_steps > 0 else math.ceil(self.num_train_epochs * steps_per_epoch)

    def learning_rate_at(self, step: int, steps: int) -> float:
        """The learning rate of step number ``step``, from 0, of ``steps``; never 0 while there are steps to do."""
        warm_up = 0 if self.lr_scheduler_type == "constant" else math.ceil(self.warmup_ratio * steps)
        if step < warm_up:
            return self.learning_rate * (step + 1) / (warm_up + 1)
        left = (steps - step) / max(1, steps - warm_up)
        if self.lr_scheduler_type == "linear":
            return self.learning_rate * left
        if self.lr_scheduler_type == "cosine":
            return self.learning_rate * (0.5 - 0.5 * math.cos(math.pi * left))
        return self.learning_rate


_POSITIVE = (
    "per_device_train_batch_size",
    "per_device_eval_batch_size",
    "gradient_accumulation_steps",
    "save_steps",
    "eval_steps",
    "logging_steps",
    "learning_rate",
    "lora_rank",
    "generation_max_length",
)


def _refused(name: str, value: object, remedy: str) -> PipelineError:
    return PipelineError(f"the setting {name} cannot be {value}", where="DloraTraining", remedy=remedy)

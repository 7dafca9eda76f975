"""The settings of a DLoRA training, under the names of the guide and of Hugging Face's TrainingArguments."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ocr_pipeline.errors import PipelineError

CODE_VERSION = "3"
"""Changes when the same data and settings would give other weights."""

SCHEDULES = ("linear", "cosine", "constant", "constant_with_warmup")


@dataclass(frozen=True)
class DloraTraining:
    """How one recognizer is trained.

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
        report_to: ``tensorboard`` writes event files to ``output_dir/runs``; results.csv and curves.png come anyway.
        lora_dropout: share of the input features that an adapter does without, drawn for each batch (all rows alike).
        method: dlora (DoRA in the encoder, LoRA in the decoder), lora or dora (in both), full (every weight).
        target_modules: attention (as in the paper) or attention+ffn (all linear layers of every block).
        qlora: hold the frozen base in 4 bits (needs the extra ``qlora``); little memory for much time.
        label_smoothing_factor: share of the probability that the loss spreads over all tokens.
        gradient_checkpointing: compute activations again in the backward pass; slower, far less memory.
        group_by_length: labels of like lengths go into one step, which wastes less on padding.
        augment: every training crop is changed anew each epoch (turned, sheared, blurred, lit, noisy).
        strict_charset: look at every training label, and stop when the tokenizer cannot say one.
        generation_num_beams: beams of an evaluation; 1 is greedy.
        amp: bf16 where a CUDA device has it, unless bf16 or fp16 decide.
        show_predictions: how many readings of each evaluation are logged.
        show_training: log the readings of two training crops every ``logging_steps``.
        show_tokens: log the token ids of the readings as well.
        show_gradients: log the gradient's norm of each adapter every ``logging_steps``.
        profile: log samples a second and the share of time spent waiting for data every ``logging_steps``.
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
    method: str = "dlora"
    target_modules: str = "attention"
    qlora: bool = False
    label_smoothing_factor: float = 0.0
    gradient_checkpointing: bool = False
    group_by_length: bool = True
    augment: bool = False
    strict_charset: bool = False
    generation_num_beams: int = 1
    amp: bool = False
    show_predictions: int = 3
    show_training: bool = False
    show_tokens: bool = False
    show_gradients: bool = False
    profile: bool = False

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise _refused(name, getattr(self, name), f"Choose one of {', '.join(choices)}.")
        if self.bf16 and self.fp16:
            raise _refused("bf16 and fp16", "both on", "Choose one of them.")
        if not 0 <= self.lora_dropout < 1:
            raise _refused("lora_dropout", self.lora_dropout, "Give a share from 0 to below 1.")
        if self.qlora and self.method == "full":
            raise _refused("qlora", "on with method full", "Train adapters, or every weight without qlora.")
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


_CHOICES = {
    "lr_scheduler_type": SCHEDULES,
    "method": ("dlora", "lora", "dora", "full"),
    "target_modules": ("attention", "attention+ffn"),
}
_POSITIVE = (
    "generation_num_beams",
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

"""The settings of a DLoRA training, under the names of the guide and of Hugging Face's TrainingArguments."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from ocr_pipeline.devices.names import device_setting
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.settings import Setting, Settings, Values

CODE_VERSION = "3"
"""Changes when the same data and settings would give other weights."""

Schedule = Literal["linear", "cosine", "constant", "constant_with_warmup"]
Method = Literal["dlora", "lora", "dora", "full"]
Targets = Literal["attention", "attention+ffn"]


@dataclass(frozen=True)
class DloraTraining(Settings):
    """How one recognizer is trained.

    Raises:
        PipelineError: a value cannot be, or two of them exclude each other.
    """

    model_name_or_path: Annotated[str, Setting("The base: a folder, or a name on the Hugging Face hub.")]
    output_dir: Annotated[str, Setting("Where checkpoints and results.csv go.")]
    per_device_train_batch_size: Annotated[
        int, Setting("Samples of one backward pass; times gradient_accumulation_steps of one step.", least=1)
    ] = 8
    per_device_eval_batch_size: Annotated[int, Setting("Samples that are read at once in an evaluation.", least=1)] = 8
    gradient_accumulation_steps: Annotated[int, Setting("Backward passes of one step.", least=1, most=65_536)] = 1
    dataloader_num_workers: Annotated[int, Setting("Processes that load samples; 0: none.", least=0, most=1024)] = 0
    learning_rate: Annotated[float, Setting("The highest of the schedule.", above=0)] = 5e-5
    num_train_epochs: Annotated[float, Setting("Rounds over the data.", above=0)] = 3.0
    max_steps: Annotated[int, Setting("Optimiser steps; -1 leaves it to num_train_epochs.", least=-1)] = -1
    save_steps: Annotated[
        int, Setting("Save every so many steps; the end is always saved.", env="SAVE_STEPS", least=1)
    ] = 500
    save_total_limit: Annotated[
        int | None, Setting("How many checkpoints stay, not counting the best; unset, 0 or below: all.")
    ] = None
    eval_steps: Annotated[
        int,
        Setting("Evaluate every so many steps; the end always is.", env="EVAL_EVERY_STEPS", least=1),
    ] = 500
    eval_samples: Annotated[
        int,
        Setting("Validation crops, drawn evenly from all validation sets; 0 takes all.", env="EVAL_SAMPLES", least=0),
    ] = 100
    generation_max_length: Annotated[
        int, Setting("The most tokens of a text that is read in an evaluation, the start included.", least=2)
    ] = 64
    logging_steps: Annotated[int, Setting("Log every so many steps.", env="TRAIN_DEBUG_EVERY", least=1)] = 50
    warmup_ratio: Annotated[
        float, Setting("Share of the steps in which the learning rate rises.", env="WARMUP_RATIO", least=0, most=1)
    ] = 0.0
    warmup_steps: Annotated[
        int, Setting("Steps in which the learning rate rises; 0 leaves it to warmup_ratio.", least=0)
    ] = 0
    weight_decay: Annotated[float, Setting("Of AdamW.", least=0, most=100)] = 0.0
    max_grad_norm: Annotated[float, Setting("Longer gradients are cut to this length; 0 cuts none.", least=0)] = 1.0
    lr_scheduler_type: Annotated[Schedule, Setting("How the learning rate falls.")] = "linear"
    seed: Annotated[int, Setting("Of adapters, order, dropout and augmentation.", least=0)] = 42
    bf16: Annotated[bool, Setting("Mixed precision; the adapters themselves stay in float32.")] = False
    fp16: Annotated[bool, Setting("The same in float16, on CUDA only.")] = False
    device: Annotated[str, device_setting()] = "auto"
    use_cpu: Annotated[bool, Setting("The same as --device cpu.")] = False
    report_to: Annotated[
        str,
        Setting("tensorboard writes event files to output_dir/runs; results.csv and curves.png come anyway."),
    ] = "none"
    resume_from_checkpoint: Annotated[
        str | None,
        Setting(
            "A checkpoint folder to go on from, exactly, with the same base, data and settings; last takes the newest "
            "in output_dir, or begins anew in a folder there where that is of others.",
            env="RESUME_FROM",
        ),
    ] = None
    lora_rank: Annotated[int, Setting("Of the adapters.", env="DLORA_RANK", least=1, most=4096)] = 16
    lora_alpha: Annotated[int, Setting("Adapters count alpha / rank.", env="DLORA_ALPHA", least=1)] = 32
    lora_dropout: Annotated[
        float,
        Setting(
            "Share of the input features that an adapter does without, drawn for each batch (all rows alike).",
            least=0,
            below=1,
        ),
    ] = 0.1
    method: Annotated[
        Method,
        Setting("dlora (DoRA in the encoder, LoRA in the decoder), lora or dora (in both), full (every weight)."),
    ] = "dlora"
    target_modules: Annotated[
        Targets, Setting("attention (as in the paper) or attention+ffn (all linear layers of every block).")
    ] = "attention"
    qlora: Annotated[
        bool,
        Setting(
            "Hold the frozen base in 4 bits (needs the extra qlora); little memory for much time.", env="USE_QLORA"
        ),
    ] = False
    label_smoothing_factor: Annotated[
        float, Setting("Share of the probability that the loss spreads over all tokens.", least=0, most=1)
    ] = 0.0
    gradient_checkpointing: Annotated[
        bool, Setting("Compute activations again in the backward pass; slower, far less memory.")
    ] = False
    group_by_length: Annotated[
        bool, Setting("Labels of like lengths go into one step, which wastes less on padding.")
    ] = True
    augment: Annotated[
        bool, Setting("Every training crop is changed anew each epoch (turned, sheared, blurred, lit, noisy).")
    ] = False
    strict_charset: Annotated[
        bool, Setting("Look at every training label, and stop when the tokenizer cannot say one.")
    ] = False
    generation_num_beams: Annotated[
        int, Setting("Beams of an evaluation; 1 is greedy.", env="VAL_NUM_BEAMS", least=1, most=100)
    ] = 1
    amp: Annotated[
        bool,
        Setting(
            "bf16 where a CUDA device has it, unless bf16 or fp16 decide. The variable says the opposite: "
            "1 is float32, whatever the flags say.",
            env="AMP_DISABLE",
            says_off=True,
        ),
    ] = False
    show_predictions: Annotated[
        int, Setting("How many readings of each evaluation are logged.", env="VAL_SHOW_PREDS", least=0)
    ] = 3
    show_training: Annotated[
        bool, Setting("Log the readings of two training crops every logging_steps.", env="TRAIN_DEBUG_SHOW")
    ] = False
    show_tokens: Annotated[bool, Setting("Log the token ids of the readings as well.", env="VAL_DEBUG_GEN")] = False
    show_gradients: Annotated[
        bool,
        Setting(
            "Log the gradient's norm of each adapter every logging_steps.",
            env=("TRAIN_DEBUG_DIAG", "LOG_ADAPTER_GRAD"),
        ),
    ] = False
    profile: Annotated[
        bool,
        Setting(
            "Log samples a second and the share of time spent waiting for data every logging_steps.",
            env="PROFILE_TRAIN",
        ),
    ] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bf16 and self.fp16:
            raise _refused("bf16 and fp16", "both on", "Choose one of them.")
        if self.qlora and self.method == "full":
            raise _refused("qlora", "on with method full", "Train adapters, or every weight without qlora.")

    @classmethod
    def read_environment(cls, environment: Mapping[str, str]) -> Values:
        """As of all settings; AMP_DISABLE=1 counts against bf16 and fp16 too."""
        told = super().read_environment(environment)
        return {**told, "bf16": False, "fp16": False} if told.get("amp") is False else told

    def steps(self, steps_per_epoch: int) -> int:
        """Optimiser steps of the whole training."""
        return self.max_steps if self.max_steps > 0 else math.ceil(self.num_train_epochs * steps_per_epoch)

    def learning_rate_at(self, step: int, steps: int) -> float:
        """The learning rate of step number ``step``, from 0, of ``steps``; never 0 while there are steps to do."""
        warm_up = 0 if self.lr_scheduler_type == "constant" else self._warm_up(steps)
        if step < warm_up:
            return self.learning_rate * (step + 1) / (warm_up + 1)
        left = (steps - step) / max(1, steps - warm_up)
        if self.lr_scheduler_type == "linear":
            return self.learning_rate * left
        if self.lr_scheduler_type == "cosine":
            return self.learning_rate * (0.5 - 0.5 * math.cos(math.pi * left))
        return self.learning_rate

    def _warm_up(self, steps: int) -> int:
        return min(self.warmup_steps, steps) or math.ceil(self.warmup_ratio * steps)


@dataclass(frozen=True)
class DloraData(Settings):
    """What is trained on: LMDB folders or JSONL files, parted by colons."""

    train: Annotated[
        tuple[Path, ...], Setting("The training data: LMDB folders or JSONL files.", env="LMDB_PATHS")
    ] = ()
    valid: Annotated[tuple[Path, ...], Setting("The same for validation.", env="VAL_LMDB_PATHS")] = ()


def _refused(name: str, value: object, remedy: str) -> PipelineError:
    return PipelineError(f"the setting {name} cannot be {value}", where="DloraTraining", remedy=remedy)

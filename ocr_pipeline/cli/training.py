"""The guide's training steps: train-fast and train-dlora."""

from __future__ import annotations

import dataclasses
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import click

from ocr_pipeline import fast
from ocr_pipeline.cli.hf_flags import HuggingFaceCommand
from ocr_pipeline.cli.options import settings_options
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition.dlora import DloraTraining
from ocr_pipeline.training.stopping import TrainingStoppedError

_OFF = ("", "0")
_NUMBERS = (
    ("DLORA_RANK", "lora_rank", int),
    ("DLORA_ALPHA", "lora_alpha", int),
    ("SAVE_STEPS", "save_steps", int),
    ("EVAL_EVERY_STEPS", "eval_steps", int),
    ("EVAL_SAMPLES", "eval_samples", int),
    ("VAL_SHOW_PREDS", "show_predictions", int),
    ("VAL_NUM_BEAMS", "generation_num_beams", int),
    ("WARMUP_RATIO", "warmup_ratio", float),
    ("TRAIN_DEBUG_EVERY", "logging_steps", int),
    ("RESUME_FROM", "resume_from_checkpoint", str),
)
_SWITCHES = (
    ("TRAIN_DEBUG_SHOW", "show_training"),
    ("TRAIN_DEBUG_DIAG", "show_gradients"),
    ("LOG_ADAPTER_GRAD", "show_gradients"),
    ("VAL_DEBUG_GEN", "show_tokens"),
    ("PROFILE_TRAIN", "profile"),
    ("USE_QLORA", "qlora"),
)


@click.command("train-fast")
@settings_options(fast.FastTraining)
def train_fast_command(**flags: Any) -> None:
    """Train the FAST text detector on layout LMDBs (step 6 of the guide).

    SIGTERM saves and ends the training with exit code 143; --resume auto goes on from there.

    Several GPUs: torchrun --nproc_per_node 4 --no-python ocr-pipeline train-fast ... ; several machines: also --nnodes
    2 --rdzv_backend c10d --rdzv_endpoint HOST:29400, on each of them, with folders that all of them see. --batch_size
    is that of each GPU: four of them train as one would with four times the batch.
    """
    first = _speaks()
    if str(flags["resume"]) == "auto":
        flags["resume"] = "auto"
    settings = fast.FastTraining(**flags)
    if settings.lmdb_base is None:
        raise click.UsageError("--lmdb_base is needed: the folder of the *_layout.lmdb")
    train, valid = (fast.find_lmdbs(settings.lmdb_base, split) for split in ("train", "valid"))
    try:
        result = fast.train_fast(settings, train, valid)
    except TrainingStoppedError as error:
        end_of(error)
    if not first:
        return
    if result.stopped:
        click.echo(f"ended at step {result.steps} because of --{result.stopped}")
    rows = [(name, value if name == "step" else f"{value:.3f}") for name, value in sorted(result.metrics.items())]
    print_table(f"best: {result.best_checkpoint}", ("metric", "value"), rows)


@click.command("train-dlora", cls=HuggingFaceCommand)
@settings_options(DloraTraining)
def train_dlora_command(**flags: Any) -> None:
    """Train TrOCR with DoRA in the encoder and LoRA in the decoder (step 8 of the guide).

    LMDB_PATHS and VAL_LMDB_PATHS name the data: LMDB folders or JSONL files, parted by colons. SIGTERM saves and ends
    the training with exit code 143; --resume_from_checkpoint last goes on from there. Several GPUs: torchrun
    --nproc_per_node 4 --no-python ocr-pipeline train-dlora ...
    """
    settings = with_environment(DloraTraining(**flags), os.environ)
    train, valid = data_paths("LMDB_PATHS", os.environ), data_paths("VAL_LMDB_PATHS", os.environ)
    if not train:
        raise PipelineError(
            "no training data is named",
            where="LMDB_PATHS",
            remedy="Set it to LMDB folders or JSONL files, parted by ':'.",
        )
    from ocr_pipeline.recognition import dlora

    first = _speaks()
    try:
        result = dlora.train_dlora(settings, train, valid)
    except TrainingStoppedError as error:
        end_of(error)
    if not first:
        return
    if result.best is None:
        click.echo(f"trained, and without VAL_LMDB_PATHS not evaluated: {result.checkpoint}")
        return
    click.echo(f"best: {result.checkpoint}")
    base = result.base.as_dict() if result.base else {}
    rows = [(name, _rounded(base.get(name, "")), _rounded(value)) for name, value in result.best.as_dict().items()]
    print_table("", ("metric", "base", "adapted"), rows)


def _rounded(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


def _speaks() -> bool:
    """Whether this process is the only one, or the first that torchrun started; the others only warn."""
    first = os.environ.get("RANK", "0") == "0"
    if not first:
        logging.getLogger("ocr_pipeline").setLevel(logging.WARNING)
    return first


def end_of(stopped: TrainingStoppedError) -> NoReturn:
    if _speaks():
        click.echo(str(stopped), err=True)
    sys.exit(128 + signal.SIGTERM)


def data_paths(variable: str, environment: Mapping[str, str]) -> list[Path]:
    """The paths that a variable names."""
    return [Path(path).expanduser() for path in environment.get(variable, "").split(":") if path]


def with_environment(settings: DloraTraining, environment: Mapping[str, str]) -> DloraTraining:
    """The settings with what the guide sets by variables; they win over the flags, as they did.

    Raises:
        PipelineError: a variable is no number.
    """
    changes: dict[str, Any] = {
        field: _parsed(variable, environment[variable], kind)
        for variable, field, kind in _NUMBERS
        if environment.get(variable)
    }
    changes |= {field: True for variable, field in _SWITCHES if environment.get(variable, "0") not in _OFF}
    if environment.get("AMP_DISABLE"):
        off = environment["AMP_DISABLE"] not in _OFF
        changes |= {"amp": False, "bf16": False, "fp16": False} if off else {"amp": True}
    return dataclasses.replace(settings, **changes)


def _parsed(variable: str, value: str, kind: type) -> Any:
    try:
        return kind(value)
    except ValueError as error:
        raise PipelineError(f"{value!r} is no number", where=variable, remedy="Set a number.") from error

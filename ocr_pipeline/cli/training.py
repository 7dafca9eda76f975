"""The guide's training steps: train-fast and train-dlora."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import NoReturn

import click

from ocr_pipeline import fast
from ocr_pipeline.cli.hf_flags import HuggingFaceCommand
from ocr_pipeline.cli.options import settings_options
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition.dlora import DloraData, DloraTraining
from ocr_pipeline.training.stopping import TrainingStoppedError


@click.command("train-fast")
@settings_options(fast.FastTraining)
def train_fast_command(settings: fast.FastTraining) -> None:
    """Train the FAST text detector on layout LMDBs (step 6 of the guide).

    SIGTERM saves and ends the training with exit code 143; --resume auto goes on from there.

    Several GPUs: torchrun --nproc_per_node 4 --no-python ocr-pipeline train-fast ... ; several machines: also --nnodes
    2 --rdzv_backend c10d --rdzv_endpoint HOST:29400, on each of them, with folders that all of them see. --batch_size
    is that of each GPU: four of them train as one would with four times the batch.
    """
    first = _is_first_process()
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
@settings_options(DloraTraining, variables_win=True)
def train_dlora_command(settings: DloraTraining) -> None:
    """Train TrOCR with DoRA in the encoder and LoRA in the decoder (step 8 of the guide).

    LMDB_PATHS and VAL_LMDB_PATHS name the data: LMDB folders or JSONL files, parted by colons. SIGTERM saves and ends
    the training with exit code 143; --resume_from_checkpoint last goes on from there. Several GPUs: torchrun
    --nproc_per_node 4 --no-python ocr-pipeline train-dlora ...
    """
    data = DloraData.from_environment(os.environ)
    if not data.train:
        raise PipelineError(
            "no training data is named",
            where="LMDB_PATHS",
            remedy="Set it to LMDB folders or JSONL files, parted by ':'.",
        )
    from ocr_pipeline.recognition import dlora

    first = _is_first_process()
    try:
        result = dlora.train_dlora(settings, data.train, data.valid)
    except TrainingStoppedError as error:
        end_of(error)
    if not first:
        return
    if result.best is None:
        why = "VAL_LMDB_PATHS holds no crops" if data.valid else "VAL_LMDB_PATHS is not set"
        click.echo(f"trained, and not evaluated, for {why}: {result.checkpoint}")
        return
    click.echo(f"best: {result.checkpoint}")
    base = result.base.as_dict() if result.base else {}
    rows = [(name, _rounded(base.get(name, "")), _rounded(value)) for name, value in result.best.as_dict().items()]
    print_table("", ("metric", "base", "adapted"), rows)


@click.command("check-base")
@click.argument("name")
def check_base(name: str) -> None:
    """Look at a base model, a folder or a name on the Hugging Face hub: what it is made of, and whether it fits."""
    from ocr_pipeline.recognition import dlora

    print_table(name, ("part", "found"), list(dlora.check_base(name).items()))


def _rounded(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


def _is_first_process() -> bool:
    """Whether this process is the only one, or the first that torchrun started; the others only warn."""
    first = os.environ.get("RANK", "0") == "0"
    if not first:
        logging.getLogger("ocr_pipeline").setLevel(logging.WARNING)
    return first


def end_of(stopped: TrainingStoppedError) -> NoReturn:
    if _is_first_process():
        click.echo(str(stopped), err=True)
    sys.exit(128 + signal.SIGTERM)

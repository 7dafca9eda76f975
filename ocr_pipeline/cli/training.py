"""The guide's training steps: train-fast and train-dlora."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from ocr_pipeline import fast
from ocr_pipeline.cli.hf_flags import HuggingFaceCommand
from ocr_pipeline.cli.options import settings_options
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models import place_of
from ocr_pipeline.models.sizes import demand_sizes
from ocr_pipeline.progress import Progress
from ocr_pipeline.recognition.dlora import DloraData, DloraTraining
from ocr_pipeline.release.learnt import note_named
from ocr_pipeline.training.stopping import TrainingStoppedError

logger = logging.getLogger(__name__)

_SECONDS = 30.0  # between two lines of a training's progress


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
    base, settings = settings.lmdb_base, fast.demand_beginning(settings)
    train, valid = fast.find_lmdbs(base, "train"), fast.find_lmdbs(base, "valid", needed=False)
    if first and settings.output_dir:
        note_named(train, valid, settings.output_dir)
    shown = _bar("train-fast")
    try:
        result = fast.train_fast(settings, train, valid, lambda row: shown(row["step"], row["steps"]))
    except TrainingStoppedError as error:
        end_of(error)
    if not first:
        return
    if result.stopped:
        click.echo(f"ended at step {result.steps} because of --{result.stopped}")
    if not result.metrics:
        click.echo(f"trained, and not validated, for no *_valid_layout.lmdb there has a page: {result.best_checkpoint}")
        return
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
    demand_sizes(place_of(settings.model_name_or_path))
    train, valid = _named_data()
    from ocr_pipeline.recognition import dlora

    dlora.demand_own_folder(settings)
    first = _is_first_process()
    if first:
        note_named(train, valid, Path(settings.output_dir))
    shown = _bar("train-dlora")
    try:
        result = dlora.train_dlora(settings, train, valid, lambda now: shown(now.step, now.steps))
    except TrainingStoppedError as error:
        end_of(error)
    if not first:
        return
    if result.best is None:
        why = "VAL_LMDB_PATHS holds no crops" if valid else "VAL_LMDB_PATHS is not set"
        click.echo(f"trained, and not evaluated, for {why}: {result.checkpoint}")
        return
    click.echo(f"best: {result.checkpoint}")
    base = result.base.as_dict() if result.base else {}
    rows = [(name, _rounded(base.get(name, "")), _rounded(value)) for name, value in result.best.as_dict().items()]
    print_table("", ("metric", "base", "adapted"), rows)


def _named_data() -> tuple[list[Path], list[Path]]:
    """The training and validation data that the variables name, looked at before anything that takes time.

    Raises:
        PipelineError: none is named, or it is no recognition data.
    """
    data = DloraData.from_environment(os.environ)
    if not data.train:
        raise PipelineError(
            "no training data is named",
            where="LMDB_PATHS",
            remedy="Set it to LMDB folders or JSONL files, parted by ':'.",
        )
    train, valid = ([published_as(path) for path in paths] for paths in (data.train, data.valid))
    for path in (*train, *valid):
        CropReader(path)
    return train, valid


def published_as(named: Path) -> Path:
    """What is named; where step 4 made a JSONL and the guide's LMDB is asked for, that JSONL."""
    jsonl = named.with_suffix(".jsonl")
    if named.suffix != ".lmdb" or named.exists() or not jsonl.is_file():
        if "," in str(named) and not named.exists():
            raise PipelineError("no such data", where=named, remedy="Part several paths by ':', not by ','.")
        return named
    logger.info("%s is not here; its crops are read from %s, which step 4 made", named, jsonl.name)
    return jsonl


@click.command("check-base")
@click.argument("name")
def check_base(name: str) -> None:
    """Look at a base model, a folder or a name on the Hugging Face hub: what it is made of, and whether it fits."""
    demand_sizes(place_of(name))
    from ocr_pipeline.recognition import dlora

    print_table(name, ("part", "found"), list(dlora.check_base(name).items()))


def _bar(what: str) -> Callable[[int, int], None]:
    """Shows how far a training is, of how many steps: a bar at a terminal, else a line now and then."""
    progress = Progress(what, "steps", every=_SECONDS)
    is_begun = False

    def shown(step: int, steps: int) -> None:
        nonlocal is_begun
        if is_begun:
            progress.reach(step, steps)
        else:
            progress.begin(step)
        is_begun = True

    return shown


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

"""The guide's inference steps: detect and recognize."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import click

from ocr_pipeline import fast
from ocr_pipeline.cli.options import DEFAULT_BASE, settings_options, spellings
from ocr_pipeline.storage.files.pictures import pictures_in

logger = logging.getLogger(__name__)


@click.command()
@settings_options(fast.FastPrediction)
def detect(settings: fast.FastPrediction) -> None:
    """Find the words of pictures: a drawn picture, JSON and ICDAR text of each (step 7 of the guide).

    The exit code is 1 when a picture could not be read; the others are done all the same.
    """
    pages, errors = fast.predict(settings)
    for page in pages:
        click.echo(f"{page.image}: {len(page.words)} words")
    for path, reason in errors.items():
        click.echo(f"{path}: {reason}", err=True)
    if errors:
        sys.exit(1)


@click.command()
@click.option(
    *spellings("images_dir"),
    "images_dir",
    envvar="DEBUG_IMAGES",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of crops, searched with all its subfolders.",
)
@click.option(
    *spellings("output_csv"), "output_csv", type=click.Path(path_type=Path), required=True, help="The CSV to write."
)
@click.option(
    "--ckpt",
    envvar="TROCR_CKPT",
    type=click.Path(path_type=Path),
    help="Checkpoint of any recognizer, such as checkpoint-N of train-dlora; without: the base alone.",
)
@click.option(
    "--base",
    envvar="TROCR_BASE",
    help=f"Base model [default: the one the checkpoint was trained on; without a checkpoint {DEFAULT_BASE}].",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option(*spellings("batch_size"), "batch_size", default=16, show_default=True, help="Crops read at once.")
@click.option(*spellings("num_beams"), "beams", envvar="TROCR_BEAMS", default=1, show_default=True, help="1: greedy.")
@click.option(
    *spellings("max_len"), "longest", envvar="TROCR_MAX_LEN", default=64, show_default=True, help="Most tokens."
)
@click.option(
    *spellings("repetition_penalty"),
    "repetition_penalty",
    envvar="TROCR_REP_PEN",
    default=1.0,
    show_default=True,
    help="Above 1: what was said becomes less likely (harms figures).",
)
@click.option(
    *spellings("no_repeat_ngram"),
    "no_repeat_ngram",
    envvar="TROCR_NO_REPEAT",
    default=0,
    show_default=True,
    help="No run of so many tokens twice; 0 allows it (3 forbids '학교 학생').",
)
@click.option(
    *spellings("length_penalty"),
    "length_penalty",
    envvar="TROCR_LEN_PEN",
    default=1.0,
    show_default=True,
    help="With beams: above 0 favours longer texts.",
)
@click.option("--precision", default="auto", show_default=True, help="float32, bfloat16; auto: bfloat16 on CUDA.")
@click.option(
    *spellings("clean_repeats"),
    "clean_repeats",
    is_flag=True,
    help="Accepted without effect: it turned 10000 into 100.",
)
def recognize(
    images_dir: Path,
    output_csv: Path,
    ckpt: Path | None,
    base: str | None,
    device: str,
    batch_size: int,
    precision: str,
    clean_repeats: bool,
    **decoding: Any,
) -> None:
    """Read a folder of word pictures into a CSV (step 9 of the guide).

    The exit code is 1 when a picture could not be read; its error stands in the CSV.
    """
    from ocr_pipeline import recognition

    if clean_repeats:
        logger.warning("--clean_repeats has no effect: it changed figures (10000 became 100)")
    paths = pictures_in(images_dir, deep=True)
    how = recognition.Loading(device, precision, base, recognition.Decoding(**decoding))
    recognizer = recognition.load_recognizer(ckpt or base or DEFAULT_BASE, how)
    read = recognition.recognize_pictures(recognizer, paths, output_csv, batch_size=batch_size)
    click.echo(f"{read.images - read.errors} of {read.images} pictures read -> {read.output_csv}")
    if read.errors:
        sys.exit(1)

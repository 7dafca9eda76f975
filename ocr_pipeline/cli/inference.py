"""The guide's inference steps: detect and recognize."""

from __future__ import annotations

import logging
import sys

import click

from ocr_pipeline import fast
from ocr_pipeline.cli.options import settings_options
from ocr_pipeline.cli.output import say
from ocr_pipeline.models import place_of
from ocr_pipeline.models.sizes import demand_sizes
from ocr_pipeline.recognition.settings import DEFAULT_BASE, FolderReading
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
        say(f"{page.image}: {len(page.words)} words")
    if errors:
        sys.exit(1)


@click.command()
@settings_options(FolderReading)
def recognize(settings: FolderReading) -> None:
    """Read a folder of word pictures into a CSV (step 9 of the guide).

    The exit code is 1 when a picture could not be read; its error stands in the CSV.
    """
    reader = settings.ckpt or settings.base or DEFAULT_BASE
    demand_sizes(place_of(reader))
    from ocr_pipeline import recognition

    if settings.clean_repeats:
        logger.warning("--clean_repeats has no effect: it changed figures (10000 became 100)")
    paths = pictures_in(settings.images_dir, deep=True)
    recognizer = recognition.load_recognizer(reader, settings.loading)
    read = recognition.recognize_pictures(
        recognizer, paths, settings.output_csv, batch_size=settings.batch_size, overwrite=settings.overwrite
    )
    say(f"{read.images - read.errors} of {read.images} pictures read -> {read.output_csv}")
    if read.errors:
        sys.exit(1)

"""Pages in, text out."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ocr_pipeline.cli.options import NamedPath, overwrite_option, settings_options
from ocr_pipeline.cli.output import say
from ocr_pipeline.reading.settings import PageReading


@click.command()
@click.argument("paths", nargs=-1, required=True, type=NamedPath(path_type=Path))
@click.option("--output", required=True, type=NamedPath(path_type=Path), help="Folder of what is printed.")
@settings_options(PageReading)
@overwrite_option
def read(paths: tuple[Path, ...], output: Path, settings: PageReading, overwrite: bool) -> None:
    """Read pages: pictures, multi-page TIFFs, PDFs, and folders of these.

    The exit code is 1 when a file could not be read; the others are done all the same. The same command goes on after
    an interruption.
    """
    from ocr_pipeline.reading import Reader, read_paths

    readings = read_paths(Reader.of(settings), paths, output, settings.form, overwrite=overwrite)
    done = f", {readings.done} files were done" if readings.done else ""
    say(f"{readings.pages} pages with {readings.words} words read{done} -> {output}")
    if readings.errors:
        sys.exit(1)

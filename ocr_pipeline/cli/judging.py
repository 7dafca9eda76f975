"""Labelled pages in, a judgement out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ocr_pipeline.cli.options import (
    NamedPath,
    named_partition_option,
    output_option,
    overwrite_option,
    settings_options,
)
from ocr_pipeline.cli.output import say
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.judging.settings import Judging
from ocr_pipeline.storage.artifacts.workspace import Workspace

if TYPE_CHECKING:
    from ocr_pipeline.judging import Report

_SHOWN = ("found_hmean", "coverage", "cer", "exact", "read_hmean, as it is", "read_hmean, without spaces")


@click.command()
@click.argument("paths", nargs=-1, type=NamedPath(path_type=Path))
@named_partition_option
@click.option("--report", required=True, type=NamedPath(path_type=Path), help="Folder of the page and its numbers.")
@output_option
@settings_options(Judging)
@overwrite_option
def judge(
    paths: tuple[Path, ...],
    partitions: list[SourcePartition],
    report: Path,
    workspace: Workspace,
    settings: Judging,
    overwrite: bool,
) -> None:
    """Say what models are worth on labelled pages, beside others: a page to look at, and all numbers as JSON.

    PATHS are layout LMDBs, or folders of pictures with their labels: AI-Hub's label files, PPOCRLabel's Label.txt, or
    lines of JSON.
    """
    from ocr_pipeline import judging

    if not paths and not partitions:
        raise click.UsageError("Name folders of labelled pages, or a --partition.")
    sources = [judging.labelled_at(path, settings.most_pages) for path in paths]
    sources += [judging.labelled_partition(each, workspace, settings.most_pages) for each in partitions]
    made = judging.judge_into(report, sources, settings, workspace, overwrite=overwrite)
    print_table("scores", ("contestant", *_SHOWN, "pages/s", "boxes/s"), _rows(made))
    for where, why in made.judgement.errors.items():
        say(f"{where}: {why}", err=True)
    say(f"{sum(made.judgement.pages.values())} pages with {made.judgement.words} words -> {report}")


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    for entry in report.judgement.contestants:
        found = (report.judgement.measures[name].get(entry.name) for name in _SHOWN)
        speed = report.speeds[entry.name]
        speeds = (speed.pages_a_second, speed.boxes_a_second)
        yield (
            entry.name,
            *("" if each is None or each.value is None else f"{each.value:.3f}" for each in found),
            *("" if each is None else f"{each:.1f}" for each in speeds),
        )

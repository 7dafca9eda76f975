"""What the data is like before anything is trained on it."""

from __future__ import annotations

import click

from ocr_pipeline.cli.options import leased, output_option, partition_option, settings_options, source_option
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.quality import (
    Quality,
    QualitySettings,
    measure_quality,
    read_quality,
    write_report,
)
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import SOURCE_VARIABLE, Share

_COLUMNS = ("partition", "pages", "known", "words", "characters", "suspicious", "duplicates", "near names", "leaks")


@click.command()
@source_option
@output_option
@partition_option
@settings_options(QualitySettings)
def quality(source: str, output: str, partitions: list[SourcePartition], settings: QualitySettings) -> None:
    """Counts, characters, boxes, duplicates and leaks of the published pages, as numbers and an HTML report."""
    share = Share.from_environment({SOURCE_VARIABLE: source})
    workspace = Workspace.at(output)
    for partition in leased(workspace, "data_quality", partitions):
        measure_quality(share, partition, workspace, settings)
    report = write_report(workspace)
    rows = [_row(read_quality(workspace.quality(partition.key))) for partition in partitions]
    print_table(f"data_quality -> {report}", _COLUMNS, rows)


def _row(quality: Quality) -> tuple[object, ...]:
    found, published = quality.comparison, quality.published[0]
    known = "" if published.published is None else f"{published.published:,} ({published.state})"
    return (
        quality.partition,
        quality.page_count,
        known,
        quality.word_count,
        len(quality.characters),
        sum(suspicion.count for suspicion in quality.suspicions.values()),
        found.duplicates.groups,
        found.near_names.groups,
        found.leaks.groups,
    )

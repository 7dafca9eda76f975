"""What the data is like before anything is trained on it."""

from __future__ import annotations

import click

from ocr_pipeline.cli.options import on_partitions, settings_options
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.cli.working import leased
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.quality import (
    Quality,
    QualitySettings,
    measure_quality,
    read_quality,
    write_report,
)
from ocr_pipeline.data.synthetic import source_of
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

_COLUMNS = ("partition", "pages", "known", "words", "characters", "suspicious", "duplicates", "near names", "leaks")


@click.command()
@on_partitions
@settings_options(QualitySettings)
def quality(
    share: Share | None, workspace: Workspace, partitions: list[SourcePartition], settings: QualitySettings
) -> None:
    """Counts, characters, boxes, duplicates and leaks of the published pages, as numbers and an HTML report."""
    measured = []
    for partition in leased(share, workspace, "data_quality", partitions):
        measure_quality(source_of(partition, share, workspace), partition, workspace, settings)
        measured.append(partition)
    report = write_report(workspace)
    rows = [_row(read_quality(workspace.quality(partition.key))) for partition in measured]
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
        quality.suspicious_count,
        found.duplicates.groups,
        found.near_names.groups,
        found.leaks.groups,
    )

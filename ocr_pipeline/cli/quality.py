"""What the data is like before anything is trained on it."""

from __future__ import annotations

import click

from ocr_pipeline.cli.options import leased, on_partitions, settings_options
from ocr_pipeline.cli.tables import print_table
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.quality import (
    Quality,
    QualitySettings,
    measure_quality,
    read_quality,
    write_report,
)
from ocr_pipeline.data.synthetic import source_of
from ocr_pipeline.storage.artifacts.manifest import known_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

_COLUMNS = ("partition", "pages", "known", "words", "characters", "suspicious", "duplicates", "near names", "leaks")


@click.command()
@on_partitions
@settings_options(QualitySettings)
@click.pass_context
def quality(
    context: click.Context,
    share: Share | None,
    workspace: Workspace,
    partitions: list[SourcePartition],
    settings: QualitySettings,
) -> None:
    """Counts, characters, boxes, duplicates and leaks of the published pages, as numbers and an HTML report.

    Where no partition is named, of all whose pages are published.
    """
    if context.get_parameter_source("partitions") is click.core.ParameterSource.DEFAULT:
        partitions = [each for each in partitions if known_manifest(workspace.merged_json(each.key))] or partitions
    for partition in leased(workspace, "data_quality", partitions):
        measure_quality(source_of(partition, share, workspace), partition, workspace, settings)
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
        quality.suspicious_count,
        found.duplicates.groups,
        found.near_names.groups,
        found.leaks.groups,
    )

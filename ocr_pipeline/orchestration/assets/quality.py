"""What the data is like before anything is trained on it."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ocr_pipeline.data import quality as quality_stage
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.quality import (
    KINDS,
    Quality,
    QualitySettings,
    measure_quality,
    read_quality,
    write_report,
)
from ocr_pipeline.orchestration.assets.stage_asset import stage_asset
from ocr_pipeline.orchestration.each_partition import each_partition
from ocr_pipeline.orchestration.execution.demands import SMALL
from ocr_pipeline.orchestration.launchpad import chosen, launchpad
from ocr_pipeline.orchestration.metadata import crop_table, markdown_table, pictures_once
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.orchestration.versions import leaks_version

_PICTURES = {
    "rare": "rare_characters",
    "largest": "largest_boxes",
    "smallest": "smallest_boxes",
    "leak": "leaking_pages",
}


@stage_asset("data_quality", "html", quality_stage.CODE_VERSION, SMALL, config_schema=launchpad(QualitySettings))
def data_quality(context: dg.AssetExecutionContext, locations: Locations) -> Iterator[dg.MaterializeResult]:
    """Counts, characters, boxes, duplicates, suspicious labels, and pages in training and validation data at once.

    Its data version is that of the leaks alone: a checkpoint is not stale because a report was written anew.
    """
    workspace = locations.workspace

    def make(partition: SourcePartition) -> dg.MaterializeResult:
        with stage_run(context, partition.key):
            share, settings = locations.source_of(partition), chosen(QualitySettings, context)
            version = measure_quality(share, partition, workspace, settings).fingerprint
            quality = read_quality(workspace.quality(partition.key))
            report = write_report(workspace)
            pictures = pictures_once(context, partition.key, version, lambda: _pictures(quality))
        files = {"report": report, "path": workspace.quality(partition.key)}
        paths = {name: dg.MetadataValue.path(path) for name, path in files.items()}
        return dg.MaterializeResult(
            metadata={**quality_metadata(quality), **pictures, **paths},
            data_version=dg.DataVersion(leaks_version(quality)),
        )

    yield from each_partition(context, make)


def quality_metadata(quality: Quality) -> dict[str, Any]:
    """Plottable numbers, and tables of what is known and suspicious."""
    found, boxes = quality.comparison, quality.boxes
    return {
        "pages": quality.page_count,
        "words": quality.word_count,
        "words_ignored": quality.words_ignored,
        "characters": len(quality.characters),
        "characters_seen_once": sum(count == 1 for count in quality.characters.values()),
        "hanja": quality.groups["Hanja"],
        "median_text_length": quality.text_lengths.median,
        "median_box_height": boxes.heights.median,
        "words_leaving_their_page": boxes.partly_outside,
        "words_beyond_their_page": boxes.wholly_outside,
        "duplicate_pictures": found.duplicates.groups,
        "near_names": found.near_names.groups,
        "leaks": found.leaks.groups,
        "pictures_not_compared": found.not_compared,
        "known_counts": _known(quality),
        "suspicious_labels": _suspicious(quality),
    }


def _known(quality: Quality) -> dg.MetadataValue:
    rows = [
        (each.what, f"{each.found:,}", "" if each.published is None else f"{each.published:,}", each.state)
        for each in quality.published
    ]
    return markdown_table(("what", "came in", "known", ""), rows)


def _suspicious(quality: Quality) -> dg.MetadataValue:
    rows = [(kind, f"{quality.suspicious(kind):,}", what) for kind, what in KINDS.items()]
    return markdown_table(("kind", "labels", "what"), rows)


def _pictures(quality: Quality) -> dict[str, dg.MetadataValue]:
    names = {**_PICTURES, **{kind: f"labels_{kind}" for kind in KINDS}}
    samples = {kind: [sample for sample in quality.samples if sample.kind == kind] for kind in names}
    return {
        names[kind]: crop_table((sample.jpeg, f"{sample.caption} · {sample.note}") for sample in shown)
        for kind, shown in samples.items()
        if shown
    }

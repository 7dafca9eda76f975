"""Asset checks of the layout LMDB: what the manifest's counts and a look at some samples can tell."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from ocr_pipeline.datasets import source_partition
from ocr_pipeline.layout_lmdb import LayoutReader
from ocr_pipeline.orchestration.assets.data import layout_lmdb
from ocr_pipeline.orchestration.partitions import SOURCE_PARTITIONS
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.storage.manifest import read_manifest
from ocr_pipeline.storage.quarantine import Counts
from ocr_pipeline.storage.workspace import Workspace

MAX_WORDS_LOST = 0.02
MAX_PAGES_WITHOUT_REGION = 0.1
_PROBES = 50


def _published(workspace: Workspace, partition_key: str) -> list[tuple[Path, Counts]]:
    partition = source_partition(partition_key)
    found = []
    for split in partition.splits:
        artifact = workspace.layout_lmdb(partition.dataset.name, split)
        manifest = read_manifest(artifact)
        if manifest:
            found.append((artifact, manifest.counts))
    return found


@dg.asset_check(asset=layout_lmdb, partitions_def=SOURCE_PARTITIONS)
def words_kept(context: dg.AssetCheckExecutionContext, locations: Locations) -> dg.AssetCheckResult:
    """Few words are set aside on their way from the labels to the samples."""
    with stage_run(context):
        counts = sum((counts for _, counts in _published(locations.workspace, context.partition_key)), Counts())
    share = counts.words_quarantined / max(counts.words_in, 1)
    return dg.AssetCheckResult(
        passed=share <= MAX_WORDS_LOST,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"words_lost_share": share, "allowed": MAX_WORDS_LOST, "reasons": counts.reasons["word"]},
    )


@dg.asset_check(asset=layout_lmdb, partitions_def=SOURCE_PARTITIONS, blocking=True)
def quads_inside(context: dg.AssetCheckExecutionContext, locations: Locations) -> dg.AssetCheckResult:
    """Of samples spread over the LMDB, every quad and every region lies within its picture."""
    with stage_run(context):
        wrong = [
            f"{artifact.name}: {fault}"
            for artifact, _ in _published(locations.workspace, context.partition_key)
            for fault in _outside(artifact)
        ]
    return dg.AssetCheckResult(passed=not wrong, metadata={"wrong": wrong[:_PROBES]})


def _outside(artifact: Path) -> Iterator[str]:
    reader = LayoutReader(artifact)
    count = min(len(reader), _PROBES)
    for place in (probe * len(reader) // count for probe in range(count)):
        _, record = reader.read(place)
        boxes = [(x, y) for word in record.words for x, y in word.quad]
        boxes += [corner for region in record.regions for corner in (region.box[:2], region.box[2:])]
        if any(not (0 <= x <= record.width and 0 <= y <= record.height) for x, y in boxes):
            yield f"sample {place} ({record.image})"


@dg.asset_check(asset=layout_lmdb, partitions_def=SOURCE_PARTITIONS)
def pages_have_regions(context: dg.AssetCheckExecutionContext, locations: Locations) -> dg.AssetCheckResult:
    """Where a layout model ran, it found something on nearly every page."""
    with stage_run(context):
        published = _published(locations.workspace, context.partition_key)
        counts = sum((counts for _, counts in published), Counts())
    share = counts.notes.get("pages_without_region", 0) / max(counts.pages_in, 1)
    return dg.AssetCheckResult(
        passed=share <= MAX_PAGES_WITHOUT_REGION,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"pages_without_region_share": share, "allowed": MAX_PAGES_WITHOUT_REGION},
    )


LAYOUT_CHECKS = [words_kept, quads_inside, pages_have_regions]

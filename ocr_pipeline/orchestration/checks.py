"""Asset checks: where a mistake would be expensive, say so before anything is built on it."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from ocr_pipeline.annotations import CropReader
from ocr_pipeline.datasets import SourcePartition, source_partition
from ocr_pipeline.layout_lmdb import LayoutReader
from ocr_pipeline.orchestration.assets.data import annotations, layout_lmdb, lookup, merged_json
from ocr_pipeline.orchestration.assets.training import dlora_checkpoint, fast_checkpoint
from ocr_pipeline.orchestration.partitions import SOURCE_PARTITIONS
from ocr_pipeline.orchestration.quarantine_limit import QuarantineLimit
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.storage.manifest import read_manifest
from ocr_pipeline.storage.pictures import decode_picture
from ocr_pipeline.storage.quarantine import Counts
from ocr_pipeline.storage.workspace import Workspace

MIN_HMEAN = 0.1
MAX_UNSAYABLE = 0.02
DATA_ASSETS = (merged_json, lookup, annotations, layout_lmdb)


def artifacts_of(asset: str, workspace: Workspace, partition: SourcePartition) -> list[Path]:
    """The published artifacts of one asset partition (annotations: in whichever formats there are)."""
    found = workspace.data_artifacts(partition.key, partition.dataset.name, partition.splits)[asset]
    return [artifact for artifact in found if read_manifest(artifact)]


def _counts_check(asset: dg.AssetsDefinition) -> dg.AssetChecksDefinition:
    name = asset.key.to_user_string()

    @dg.asset_check(asset=asset, name="counts_add_up", partitions_def=SOURCE_PARTITIONS, blocking=True)
    def counts_add_up(context: dg.AssetCheckExecutionContext, locations: Locations) -> dg.AssetCheckResult:
        """Pages and words in = out + quarantined."""
        with stage_run(context):
            artifacts = artifacts_of(name, locations.workspace, source_partition(context.partition_key))
            wrong = {artifact.name: counts for artifact in artifacts if not (counts := _counts(artifact)).add_up}
        return dg.AssetCheckResult(
            passed=bool(artifacts) and not wrong,
            metadata={
                "artifacts": [artifact.name for artifact in artifacts],
                "wrong": [str(row) for row in wrong.items()],
            },
        )

    return counts_add_up


def _limit_check(asset: dg.AssetsDefinition) -> dg.AssetChecksDefinition:
    name = asset.key.to_user_string()

    @dg.asset_check(asset=asset, name="quarantine_below_limit", partitions_def=SOURCE_PARTITIONS, blocking=True)
    def quarantine_below_limit(context: dg.AssetCheckExecutionContext, locations: Locations) -> dg.AssetCheckResult:
        """Of the pages and of the words at most 5 % are set aside (OCR_PIPELINE_QUARANTINE_LIMIT)."""
        with stage_run(context):
            limit = QuarantineLimit.from_environment(os.environ)
            artifacts = artifacts_of(name, locations.workspace, source_partition(context.partition_key))
            return limit.check(sum(map(_counts, artifacts), Counts()))

    return quarantine_below_limit


def _counts(artifact: Path) -> Counts:
    manifest = read_manifest(artifact)
    return manifest.counts if manifest else Counts(words_in=-1)


@dg.asset_check(asset=annotations, partitions_def=SOURCE_PARTITIONS, blocking=True)
def crops_readable(context: dg.AssetCheckExecutionContext, locations: Locations) -> dg.AssetCheckResult:
    """The artifact holds as many crops as its manifest says, and its first, middle and last can be read."""
    with stage_run(context):
        wrong = [
            f"{artifact.name}: {fault}"
            for artifact in artifacts_of("annotations", locations.workspace, source_partition(context.partition_key))
            for fault in _crop_faults(artifact)
        ]
    return dg.AssetCheckResult(passed=not wrong, metadata={"wrong": wrong})


def _crop_faults(artifact: Path) -> Iterator[str]:
    reader, words = CropReader(artifact), _counts(artifact).words_out
    if len(reader) != words:
        yield f"{len(reader)} crops, but the manifest says {words}"
    for place in _probes(len(reader)):
        crop = reader.read(place)
        if not crop.text or min(decode_picture(crop.image).shape[:2]) < 1:
            yield f"crop {place} is empty"


@dg.asset_check(asset=layout_lmdb, partitions_def=SOURCE_PARTITIONS, blocking=True)
def pages_readable(context: dg.AssetCheckExecutionContext, locations: Locations) -> dg.AssetCheckResult:
    """The LMDB holds as many pages as its manifest says; of three of them the picture has the size the record says."""
    with stage_run(context):
        wrong = [
            f"{artifact.name}: {fault}"
            for artifact in artifacts_of("layout_lmdb", locations.workspace, source_partition(context.partition_key))
            for fault in _page_faults(artifact)
        ]
    return dg.AssetCheckResult(passed=not wrong, metadata={"wrong": wrong})


def _page_faults(artifact: Path) -> Iterator[str]:
    reader, counts = LayoutReader(artifact), _counts(artifact)
    samples = counts.notes.get("samples", counts.pages_out)
    if len(reader) != samples:
        yield f"{len(reader)} samples, but the manifest says {samples}"
    for place in _probes(len(reader)):
        image, record = reader.read(place)
        if decode_picture(image).shape[:2] != (record.height, record.width):
            yield f"page {record.image} is not {record.width}x{record.height}"


def _probes(count: int) -> list[int]:
    return sorted({0, count // 2, count - 1}) if count else []


DATA_CHECKS = [
    *(_counts_check(asset) for asset in DATA_ASSETS),
    *(_limit_check(asset) for asset in DATA_ASSETS),
    crops_readable,
    pages_readable,
]


@dg.asset_check(asset=fast_checkpoint)
def detector_finds_words(context: dg.AssetCheckExecutionContext, locations: Locations) -> dg.AssetCheckResult:
    """On its validation pages the detector finds words at all (an untrained one has an hmean near 0)."""
    metrics = _metrics(context, locations.workspace.fast_checkpoint)
    hmean = metrics.get("hmean", 0.0)
    return dg.AssetCheckResult(
        passed=hmean > MIN_HMEAN, severity=dg.AssetCheckSeverity.WARN, metadata={"hmean": hmean, "above": MIN_HMEAN}
    )


@dg.asset_check(asset=dlora_checkpoint)
def adapters_read_better(context: dg.AssetCheckExecutionContext, locations: Locations) -> dg.AssetCheckResult:
    """On the validation crops the adapted recogniser makes fewer errors than its base."""
    metrics = _metrics(context, locations.workspace.dlora_checkpoint)
    cer, base = metrics.get("cer", 1.0), metrics.get("base_cer", 0.0)
    return dg.AssetCheckResult(
        passed=cer < base, severity=dg.AssetCheckSeverity.WARN, metadata={"cer": cer, "base_cer": base}
    )


@dg.asset_check(asset=dlora_checkpoint)
def charset_covered(context: dg.AssetCheckExecutionContext, locations: Locations) -> dg.AssetCheckResult:
    """The tokenizer of the base can say the labels it was trained on."""
    metrics = _metrics(context, locations.workspace.dlora_checkpoint)
    share = metrics.get("labels_changed_share", 1.0)
    return dg.AssetCheckResult(
        passed=share <= MAX_UNSAYABLE,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"labels_changed_share": share, "allowed": MAX_UNSAYABLE},
    )


def _metrics(context: dg.AssetCheckExecutionContext, checkpoint: Path) -> dict[str, float]:
    with stage_run(context):
        manifest = read_manifest(checkpoint)
    return manifest.metrics if manifest else {}


TRAINING_CHECKS = [detector_finds_words, adapters_read_better, charset_covered]

"""Asset checks: where a mistake would be expensive, say so before anything is built on it."""

import os
from functools import partial
from pathlib import Path

import dagster as dg

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.orchestration.assets.data import annotations, layout_lmdb, lookup, merged_json
from ocr_pipeline.orchestration.checks.layout import LAYOUT_CHECKS
from ocr_pipeline.orchestration.checks.limit import QuarantineLimit
from ocr_pipeline.orchestration.checks.step import WARN, Finding, PartitionCheck, check_step
from ocr_pipeline.orchestration.execution.demands import SMALL
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.release.soundness import MAX_UNSAYABLE, FaultsOf, counts_of, crop_faults, page_faults
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.stages import STAGES
from ocr_pipeline.storage.artifacts.workspace import Workspace

MIN_HMEAN = 0.1


def artifacts_of(asset: str, workspace: Workspace, partition: SourcePartition) -> list[Path]:
    """The published artifacts of one asset partition (annotations: in whichever formats there are)."""
    return [artifact for artifact in STAGES[asset].artifacts(workspace, [partition]) if read_manifest(artifact)]


def _counts(asset: str, workspace: Workspace, partition: SourcePartition) -> Finding:
    artifacts = artifacts_of(asset, workspace, partition)
    wrong = {artifact.name: counts for artifact in artifacts if not (counts := counts_of(artifact)).add_up}
    return Finding(
        bool(artifacts) and not wrong,
        {"artifacts": [artifact.name for artifact in artifacts], "wrong": [str(row) for row in wrong.items()]},
    )


def _limit(asset: str, workspace: Workspace, partition: SourcePartition) -> Finding:
    limit = QuarantineLimit.from_environment(os.environ)
    return limit.check(sum(map(counts_of, artifacts_of(asset, workspace, partition)), Counts()))


def _faults(asset: str, faults_of: FaultsOf, workspace: Workspace, partition: SourcePartition) -> Finding:
    artifacts = artifacts_of(asset, workspace, partition)
    wrong = [f"{artifact.name}: {fault}" for artifact in artifacts for fault in faults_of(artifact)]
    return Finding(not wrong, {"wrong": wrong})


def _common(asset: dg.AssetsDefinition) -> list[PartitionCheck]:
    name = asset.key.to_user_string()
    limit = "Of the pages and of the words at most 5 % are set aside (OCR_PIPELINE_QUARANTINE_LIMIT)."
    return [
        PartitionCheck("counts_add_up", "Pages and words in = out + quarantined.", partial(_counts, name), True),
        PartitionCheck("quarantine_below_limit", limit, partial(_limit, name), True),
    ]


CROPS_READABLE = PartitionCheck(
    "crops_readable",
    "The artifact holds as many crops as its manifest says, and its first, middle and last can be read.",
    partial(_faults, "annotations", crop_faults),
    blocking=True,
)
PAGES_READABLE = PartitionCheck(
    "pages_readable",
    "The LMDB holds as many pages as its manifest says; of three of them the picture has the size the record says.",
    partial(_faults, "layout_lmdb", page_faults),
    blocking=True,
)

DATA_CHECKS = [
    check_step(merged_json, _common(merged_json)),
    check_step(lookup, _common(lookup)),
    check_step(annotations, [*_common(annotations), CROPS_READABLE]),
    check_step(layout_lmdb, [*_common(layout_lmdb), PAGES_READABLE, *LAYOUT_CHECKS]),
]


@dg.asset_check(asset="fast_checkpoint", op_tags=SMALL)
def detector_finds_words(context: dg.AssetCheckExecutionContext, locations: Locations) -> dg.AssetCheckResult:
    """On its validation pages the detector finds words at all (an untrained one has an hmean near 0)."""
    metrics = _metrics(context, locations.workspace.fast_checkpoint)
    hmean = metrics.get("hmean", 0.0)
    return dg.AssetCheckResult(passed=hmean > MIN_HMEAN, severity=WARN, metadata={"hmean": hmean, "above": MIN_HMEAN})


@dg.asset_check(asset="dlora_checkpoint", op_tags=SMALL)
def adapters_read_better(context: dg.AssetCheckExecutionContext, locations: Locations) -> dg.AssetCheckResult:
    """On the validation crops the adapted recognizer makes fewer errors than its base."""
    metrics = _metrics(context, locations.workspace.dlora_checkpoint)
    cer, base = metrics.get("cer", 1.0), metrics.get("base_cer", 0.0)
    return dg.AssetCheckResult(passed=cer < base, severity=WARN, metadata={"cer": cer, "base_cer": base})


@dg.asset_check(asset="dlora_checkpoint", op_tags=SMALL)
def charset_covered(context: dg.AssetCheckExecutionContext, locations: Locations) -> dg.AssetCheckResult:
    """The tokenizer of the base can say the labels it was trained on; the training itself does not begin otherwise."""
    metrics = _metrics(context, locations.workspace.dlora_checkpoint)
    share = metrics.get("labels_changed_share", 1.0)
    return dg.AssetCheckResult(
        passed=share <= MAX_UNSAYABLE,
        severity=WARN,
        metadata={"labels_changed_share": share, "allowed": MAX_UNSAYABLE},
    )


def _metrics(context: dg.AssetCheckExecutionContext, checkpoint: Path) -> dict[str, float]:
    with stage_run(context):
        manifest = read_manifest(checkpoint)
    return manifest.metrics if manifest else {}


TRAINING_CHECKS = [detector_finds_words, adapters_read_better, charset_covered]

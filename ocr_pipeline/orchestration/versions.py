"""By what version Dagster knows what is published: the same whether a run made it or the command line did."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import dagster as dg
import msgspec

from ocr_pipeline.data.quality import Quality, read_quality
from ocr_pipeline.storage.artifacts.manifest import Manifest
from ocr_pipeline.storage.files.fingerprints import fingerprint_of

VERSION_TAG, CODE_VERSION_TAG = "dagster/data_version", "dagster/code_version"
_OURS_TAG = "dagster/data_version_is_user_provided"
_OF_SEVERAL_SPLITS = ("annotations", "layout_lmdb")


def version_of(asset: str, artifacts: Sequence[Path], manifests: Sequence[Manifest]) -> str:
    """The data version of an asset (of one of its partitions).

    Args:
        artifacts, manifests: what is published of it, at least one.

    Raises:
        PipelineError: the artifact itself cannot be read, where the version is not that of its manifest.
    """
    if asset == "data_quality":
        return leaks_version(read_quality(artifacts[0]))
    if asset in _OF_SEVERAL_SPLITS:
        return fingerprint_of(manifest.fingerprint for manifest in manifests)
    return manifests[0].fingerprint


def leaks_version(quality: Quality) -> str:
    """That of the leaks alone: a checkpoint is not stale because a report was written anew."""
    return fingerprint_of([msgspec.json.encode(quality.comparison.leaks)])


def told_version(told: dg.AssetMaterialization | None) -> str:
    """The version that a materialisation told; empty without one."""
    return (told.tags or {}).get(VERSION_TAG, "") if told else ""


def latest_told(
    instance: dg.DagsterInstance, key: dg.AssetKey, partition: str | None
) -> dg.AssetMaterialization | None:
    """What Dagster was last told of an asset, or of one of its partitions."""
    record = latest_record(instance, key, partition)
    return record.asset_materialization if record else None


def version_tags(version: str) -> dict[str, str]:
    """The tags of a materialisation that say its version."""
    return {VERSION_TAG: version, _OURS_TAG: "true"}


def input_tags(instance: dg.DagsterInstance, inputs: Iterable[dg.AssetKey], partition: str) -> dict[str, str]:
    """The tags that say of what a partition was made, as Dagster writes them: by them it knows what is stale."""
    tags = {}
    for key in inputs:
        record, name = latest_record(instance, key, partition), key.to_user_string()
        version = told_version(record.asset_materialization) if record else ""
        tags[f"dagster/input_data_version/{name}"] = hashlib.sha256(version.encode()).hexdigest()
        tags[f"dagster/input_event_pointer/{name}"] = str(record.storage_id) if record else "NULL"
    return tags


def latest_record(instance: dg.DagsterInstance, key: dg.AssetKey, partition: str | None) -> dg.EventLogRecord | None:
    """The event by which Dagster was last told of an asset, or of one of its partitions."""
    wanted = dg.AssetRecordsFilter(key, asset_partitions=[partition] if partition else None)
    return next(iter(instance.fetch_materializations(wanted, limit=1).records), None)

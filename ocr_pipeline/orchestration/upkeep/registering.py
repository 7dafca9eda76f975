"""What is published and Dagster was not told of: made by a command, under another home, or deleted by hand.

Manifests are the truth, Dagster's log is their history. Here the log is told what it lacks, by events that belong to no
run; a version that it knows already is not told again. What was deleted cannot be unsaid in it, so a last event says
that it is gone, in a version and a code version that no artifact has: the UI shows it, and what was made of it, as
unsynced.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from ocr_pipeline.data.datasets import EVERY_PARTITION, SourcePartition
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.metadata import counts_metadata, total_counts
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.versions import CODE_VERSION_TAG, latest_told, told_version, version_of, version_tags
from ocr_pipeline.storage.artifacts.depot import depot_of
from ocr_pipeline.storage.artifacts.lease import is_held, lease_path
from ocr_pipeline.storage.artifacts.manifest import Manifest, known_manifest, manifest_path, published_at
from ocr_pipeline.storage.artifacts.stages import STAGES, Stage
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_of

GONE = "gone"
"""The version of what is there no more."""
TOLD_BY_ITS_RUN = 60.0
"""Seconds that the run which published something has to tell of it itself."""


@dataclass(frozen=True)
class Registered:
    """What came of one asset, or of one of its partitions.

    Attributes:
        version: what Dagster was told; empty where that could not be found out.
        why: in words.
    """

    asset: str
    partition: str | None
    version: str
    why: str

    def __str__(self) -> str:
        return f"{self.asset} {self.partition or ''}".strip() + f": {self.why}"


class _Found(NamedTuple):
    asset: str
    key: dg.AssetKey
    partition: str | None
    artifacts: Sequence[Path]


def register(
    instance: dg.DagsterInstance,
    workspace: Workspace,
    *,
    settled: float = 0.0,
    key: Callable[[str], dg.AssetKey] = dg.AssetKey,
) -> Iterator[Registered]:
    """Tell Dagster of everything published whose version it does not know, upstream first.

    An artifact that cannot be read is named, and holds back no other; one that is being made tells of itself.

    Args:
        settled: seconds for which something must have been published.
        key: of the asset of a stage.
    """
    for found in _places(workspace, key):
        if is_held(lease_path(workspace, found.asset, found.partition)):
            continue
        try:
            yield from _told(instance, workspace, found, settled)
        except PipelineError as error:
            yield Registered(found.asset, found.partition, "", str(error))


def _places(workspace: Workspace, key: Callable[[str], dg.AssetKey]) -> Iterator[_Found]:
    for stage in STAGES.values():
        for partition in EVERY_PARTITION.values() if stage.each else (None,):
            name = partition.key if partition else None
            yield _Found(stage.name, key(stage.name), name, tuple(_newest(stage, workspace, partition)))


def _newest(stage: Stage, workspace: Workspace, partition: SourcePartition | None) -> Iterator[Path]:
    """Where the artifacts are; of two forms of the same the one that was published last."""
    artifacts = stage.artifacts(workspace, [partition] if partition else [])
    for _, forms in groupby(artifacts, key=lambda artifact: artifact.stem):
        yield max(forms, key=_when)


def _when(artifact: Path) -> float:
    try:
        return published_at(artifact)
    except FileNotFoundError:
        return 0.0


def _told(instance: dg.DagsterInstance, workspace: Workspace, found: _Found, settled: float) -> Iterator[Registered]:
    known = {artifact: manifest for artifact in found.artifacts if (manifest := known_manifest(artifact))}
    last = latest_told(instance, found.key, found.partition)
    if not known:
        if last and told_version(last) != GONE and _lay_here(last, workspace):
            yield _tell(instance, found, GONE, "it is not published any more", {CODE_VERSION_TAG: GONE})
        return
    artifacts, manifests = list(known), list(known.values())
    version = version_of(found.asset, artifacts, manifests)
    if version != told_version(last) and time.time() - max(map(_when, artifacts)) >= settled:
        yield _tell(instance, found, version, "published outside of Dagster's runs", {}, manifests)


def _lay_here(last: dg.AssetMaterialization, workspace: Workspace) -> bool:
    """Whether it was of this output folder, and that is there: an unmounted disk is no deletion."""
    path = last.metadata.get("path")
    return workspace.root.is_dir() and path is not None and Path(str(path.value)).is_relative_to(workspace.root)


def _tell(
    instance: dg.DagsterInstance,
    found: _Found,
    version: str,
    why: str,
    tags: dict[str, str],
    manifests: Sequence[Manifest] = (),
) -> Registered:
    metadata: dict[str, Any] = {"why": why, "path": dg.MetadataValue.path(found.artifacts[0])}
    if manifests:
        metadata |= {f"metric/{name}": value for name, value in manifests[0].metrics.items()}
        metadata |= counts_metadata(total_counts(manifests))
    event = dg.AssetMaterialization(
        found.key,
        description=why,
        metadata=metadata,
        partition=found.partition,
        tags={**version_tags(version), **tags},
    )
    instance.report_runless_asset_event(event)
    return Registered(found.asset, found.partition, version, why)


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells Dagster what the command line made or somebody deleted: nothing, where no manifest has changed.",
)
def published_elsewhere(context: dg.SensorEvaluationContext, locations: Locations) -> dg.SkipReason:
    """One look at the manifests; only where one of them changed Dagster is asked what it knows.

    Artifacts in a bucket would have to be asked for one by one, so for those there is the command alone.
    """
    workspace = locations.workspace
    if depot_of(workspace.root):
        return dg.SkipReason("Artifacts in a bucket are registered by `ocr-pipeline register`.")
    times = _manifest_times(workspace)
    seen = fingerprint_of(f"{path} {when}" for path, when in times.items())
    if seen == context.cursor:
        return dg.SkipReason("No manifest has changed.")
    told = list(register(context.instance, workspace, settled=TOLD_BY_ITS_RUN, key=locations.key))
    for each in told:
        context.log.info(str(each))
    if max(times.values(), default=0.0) + TOLD_BY_ITS_RUN <= time.time():  # else there may be more to tell soon
        context.update_cursor(seen)
    return dg.SkipReason(f"Told of {len(told)}: {'; '.join(map(str, told))}." if told else "Dagster knows of all.")


def _manifest_times(workspace: Workspace) -> dict[str, float]:
    paths = (manifest_path(artifact) for found in _places(workspace, dg.AssetKey) for artifact in found.artifacts)
    return {str(path): path.stat().st_mtime for path in paths if path.exists()}

"""Labels that are probably wrong, of each partition."""

from collections.abc import Iterator

import dagster as dg

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.review import (
    CODE_VERSION,
    KINDS,
    Pictures,
    Suspect,
    SuspectSettings,
    find_label_suspects,
    read_suspects,
    yield_by_kind,
)
from ocr_pipeline.judging.label_readers import readers_of
from ocr_pipeline.orchestration.assets.stage_asset import stage_asset
from ocr_pipeline.orchestration.each_partition import each_partition
from ocr_pipeline.orchestration.execution.demands import MODEL
from ocr_pipeline.orchestration.launchpad import chosen, launchpad
from ocr_pipeline.orchestration.metadata import artifact_metadata, crop_table, markdown_table
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.orchestration.stage_runs import stage_run
from ocr_pipeline.storage.artifacts.manifest import Manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace

_SHOWN = 24
_READS = launchpad(SuspectSettings)


@stage_asset("label_suspects", "parquet", CODE_VERSION, MODEL, config_schema=_READS)
def label_suspects(context: dg.AssetExecutionContext, locations: Locations) -> Iterator[dg.MaterializeResult]:
    """Labels that are probably wrong, the likeliest first; `ocr-pipeline review page` shows them to a person."""
    workspace, settings = locations.workspace, chosen(SuspectSettings, context)

    def make(partition: SourcePartition) -> dg.MaterializeResult:
        share, artifact = locations.source_of(partition), workspace.suspects(partition.key)
        with stage_run(context, partition.key):
            readers = readers_of(workspace, partition, settings)
            manifest = find_label_suspects(share, partition, workspace, readers, settings)
            likeliest = list(read_suspects(artifact, _SHOWN))
            pictures = Pictures(share).crops(likeliest)
        crops = zip(pictures, map(_told, likeliest), strict=True)
        return dg.MaterializeResult(
            metadata={
                **artifact_metadata(manifest, artifact),
                **{name: round(value, 5) for name, value in manifest.metrics.items()},
                "readers": ", ".join(readers.by_name),
                "kinds": _kinds(manifest),
                "yield": _yield(workspace, partition),
                **({"likeliest": crop_table(crops)} if any(pictures) else {}),
            },
            data_version=dg.DataVersion(manifest.fingerprint),
        )

    yield from each_partition(context, make)


def _told(suspect: Suspect) -> str:
    return f"{suspect.text or '-'} → {suspect.reading or '-'} · {suspect.kind} · {suspect.error_rate:.0%}"


def _kinds(manifest: Manifest) -> dg.MetadataValue:
    counts = ((kind, manifest.metrics.get(f"suspects_{kind}", 0), what) for kind, what in KINDS.items())
    return markdown_table(("kind", "suspects", "what"), [(kind, f"{count:,.0f}", what) for kind, count, what in counts])


def _yield(workspace: Workspace, partition: SourcePartition) -> dg.MetadataValue:
    """What came of looking, by kind: who sees few errors among a hundred may stop."""
    rows = [
        (each.kind, f"{each.looked_at:,}", f"{each.mended:,}", f"{each.low:.0%} to {each.high:.0%}")
        for each in yield_by_kind(workspace, partition.key)
    ]
    return markdown_table(("kind", "looked at", "mended", "yield (95 %)"), rows)

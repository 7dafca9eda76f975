"""The search for labels that are probably wrong."""

from __future__ import annotations

import click

from ocr_pipeline.cli.options import on_partitions, settings_options
from ocr_pipeline.cli.tables import print_reasons, print_table
from ocr_pipeline.cli.working import leased
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.review import KINDS, SuspectSettings, find_label_suspects
from ocr_pipeline.data.synthetic import source_of
from ocr_pipeline.judging.label_readers import readers_of
from ocr_pipeline.storage.artifacts.manifest import Manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

_COLUMNS = ("partition", "pages", "words", "suspects", "errors expected", "most of them")


@click.command()
@on_partitions
@settings_options(SuspectSettings)
def suspects(
    share: Share | None, workspace: Workspace, partitions: list[SourcePartition], settings: SuspectSettings
) -> None:
    """Labels that are probably wrong, the likeliest first: each word is read by who did not learn its label."""
    manifests = {}
    for partition in leased(share, workspace, "label_suspects", partitions):
        readers = readers_of(workspace, partition, settings)
        source = source_of(partition, share, workspace)
        manifests[partition.key] = find_label_suspects(source, partition, workspace, readers, settings)
    rows = [(key, *_row(manifest)) for key, manifest in manifests.items()]
    print_table(f"label_suspects -> {workspace.suspects('<partition>').parent}", _COLUMNS, rows)
    print_reasons((key, manifest.counts) for key, manifest in manifests.items())


def _row(manifest: Manifest) -> tuple[object, ...]:
    found, counts = manifest.metrics, manifest.counts
    kinds = sorted(KINDS, key=lambda kind: -found.get(f"suspects_{kind}", 0))[:3]
    told = ", ".join(f"{kind} {found[f'suspects_{kind}']:,.0f}" for kind in kinds if f"suspects_{kind}" in found)
    return counts.pages_out, counts.words_out, int(found["suspects"]), f"{found['errors_expected']:,.1f}", told

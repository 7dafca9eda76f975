"""The guide's data steps: merge, lookup, annotations, layout."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import click

from ocr_pipeline.cli.options import leased, on_partitions, settings_options, stacked, together, workers_option
from ocr_pipeline.cli.tables import print_counts
from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.layout_lmdb import LayoutSettings, build_layouts, make_paddle_environment, paddle_environment
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.data.synthetic import source_of
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.release.ordered import draw_to_order
from ocr_pipeline.storage.artifacts.loss_limit import LossLimit
from ocr_pipeline.storage.artifacts.manifest import Manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

Partitions = list[SourcePartition]

rebuild_option = click.option("--rebuild", is_flag=True, help="Make anew what is current or was adopted.")
loss_options = settings_options(LossLimit, called="loss_limit")


class How(TypedDict):
    """What every stage is told beside its settings."""

    rebuild: bool
    loss_limit: LossLimit


class HowByWorkers(How):
    workers: int


how_options = stacked(on_partitions, rebuild_option, loss_options, together("how", *How.__annotations__))
by_workers = stacked(
    on_partitions, workers_option, rebuild_option, loss_options, together("how", "workers", *How.__annotations__)
)


@click.command()
@by_workers
def merge(share: Share | None, workspace: Workspace, partitions: Partitions, how: HowByWorkers) -> None:
    """Raw label JSON -> merged JSON (step 2 of the guide)."""
    manifests = []
    for partition in leased(workspace, "merged_json", partitions, makes_folder=True):
        draw_to_order(partition, workspace, workers=how["workers"], rebuild=how["rebuild"])
        manifests.append(merge_labels(source_of(partition, share, workspace), partition, workspace, **how))
    _report("merged_json", manifests, workspace.json_merged)


@click.command()
@how_options
def lookup(share: Share | None, workspace: Workspace, partitions: Partitions, how: How) -> None:
    """Picture trees -> file name to path (step 3 of the guide)."""
    manifests = [
        build_lookup(source_of(partition, share, workspace), partition, workspace, **how)
        for partition in leased(workspace, "lookup", partitions)
    ]
    _report("lookup", manifests, workspace.root / "lookup")


@click.command("annotations")
@by_workers
@settings_options(AnnotationSettings)
def annotations_command(
    share: Share | None, workspace: Workspace, partitions: Partitions, how: HowByWorkers, settings: AnnotationSettings
) -> None:
    """Pages -> word crops and their text, as JSONL or LMDB (step 4 of the guide)."""
    manifests = [
        manifest
        for partition in leased(workspace, "annotations", partitions)
        for manifest in build_annotations(source_of(partition, share, workspace), partition, workspace, settings, **how)
    ]
    _report("annotations", manifests, workspace.root)


@click.command()
@by_workers
@settings_options(LayoutSettings)
def layout(
    share: Share | None, workspace: Workspace, partitions: Partitions, how: HowByWorkers, settings: LayoutSettings
) -> None:
    """Pages and layout model -> layout LMDB (step 5 of the guide)."""
    manifests = [
        manifest
        for partition in leased(workspace, "layout_lmdb", partitions)
        for manifest in build_layouts(source_of(partition, share, workspace), partition, workspace, settings, **how)
    ]
    _report("layout_lmdb", manifests, workspace.root)


@click.command("paddle-env")
@click.option("--gpu", is_flag=True, help="For a GPU, from paddle's own package index.")
def paddle_env(gpu: bool) -> None:
    """Make the environment in which paddle runs the layout model (OCR_PIPELINE_PADDLE_ENV says where)."""
    folder = paddle_environment()
    make_paddle_environment(folder, gpu=gpu)
    click.echo(f"paddle is ready in {folder}; use it with FAST_LAYOUT_BACKEND=paddle")


def _report(stage: str, manifests: list[Manifest], folder: Path) -> None:
    print_counts(f"{stage} -> {folder}", ((manifest.partition, manifest.counts) for manifest in manifests))
    unexpected = sum(manifest.counts.reasons["page"].get("unexpected", 0) for manifest in manifests)
    if unexpected:
        raise PipelineError(
            f"{unexpected} pages met a fault of this program and are set aside as `unexpected`",
            where=stage,
            remedy="`ocr-pipeline quarantine --reason unexpected` names them, the log above has the tracebacks; all "
            "others are published.",
        )

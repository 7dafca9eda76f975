"""The guide's data steps: merge, lookup, annotations, layout."""

from __future__ import annotations

from pathlib import Path

import click

from ocr_pipeline.cli.options import on_partitions, settings_options, stacked, workers_option
from ocr_pipeline.cli.tables import print_counts
from ocr_pipeline.cli.working import leased
from ocr_pipeline.data.annotations import AnnotationSettings, build_annotations
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.layout_lmdb import LayoutSettings, build_layouts, make_paddle_environment, paddle_environment
from ocr_pipeline.data.lookup import build_lookup
from ocr_pipeline.data.merged_json import merge_labels
from ocr_pipeline.data.synthetic import source_of
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.parallel import Processes
from ocr_pipeline.release.ordered import draw_to_order
from ocr_pipeline.storage.artifacts.manifest import Manifest
from ocr_pipeline.storage.artifacts.renewal import Renewal
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share

Partitions = list[SourcePartition]
Made = dict[str, Manifest]
"""What a stage made, by the names that its table shows."""

renewal_options = settings_options(Renewal, called="renewal")
on_partitions_by_workers = stacked(on_partitions, workers_option, renewal_options)


@click.command()
@on_partitions_by_workers
def merge(share: Share | None, workspace: Workspace, partitions: Partitions, workers: int, renewal: Renewal) -> None:
    """Raw label JSON -> merged JSON (step 2 of the guide)."""
    made = Made()
    for partition in leased(share, workspace, "merged_json", partitions, makes_folder=True):
        draw_to_order(partition, workspace, workers=workers, rebuild=renewal.rebuild)
        source = source_of(partition, share, workspace)
        made[partition.key] = merge_labels(source, partition, workspace, workers=workers, renewal=renewal)
    _report("merged_json", made, workspace.json_merged)


@click.command()
@on_partitions
@renewal_options
def lookup(share: Share | None, workspace: Workspace, partitions: Partitions, renewal: Renewal) -> None:
    """Picture trees -> file name to path (step 3 of the guide)."""
    made = {
        partition.key: build_lookup(source_of(partition, share, workspace), partition, workspace, renewal=renewal)
        for partition in leased(share, workspace, "lookup", partitions)
    }
    _report("lookup", made, workspace.root / "lookup")


@click.command("annotations")
@on_partitions_by_workers
@settings_options(AnnotationSettings)
def annotations_command(
    share: Share | None,
    workspace: Workspace,
    partitions: Partitions,
    workers: int,
    renewal: Renewal,
    settings: AnnotationSettings,
) -> None:
    """Pages -> word crops and their text, as JSONL or LMDB (step 4 of the guide)."""
    made, crew = Made(), Processes(workers)
    for partition in leased(share, workspace, "annotations", partitions):
        source = source_of(partition, share, workspace)
        made |= _by_split(
            partition, build_annotations(source, partition, workspace, settings, crew=crew, renewal=renewal)
        )
    _report("annotations", made, workspace.root)


@click.command()
@on_partitions_by_workers
@settings_options(LayoutSettings)
def layout(
    share: Share | None,
    workspace: Workspace,
    partitions: Partitions,
    workers: int,
    renewal: Renewal,
    settings: LayoutSettings,
) -> None:
    """Pages and layout model -> layout LMDB (step 5 of the guide)."""
    made, crew = Made(), Processes(workers)
    for partition in leased(share, workspace, "layout_lmdb", partitions):
        source = source_of(partition, share, workspace)
        made |= _by_split(partition, build_layouts(source, partition, workspace, settings, crew=crew, renewal=renewal))
    _report("layout_lmdb", made, workspace.root)


@click.command("paddle-env")
@click.option("--gpu", is_flag=True, help="For a GPU, from paddle's own package index.")
def paddle_env(gpu: bool) -> None:
    """Make the environment in which paddle runs the layout model (OCR_PIPELINE_PADDLE_ENV says where)."""
    folder = paddle_environment()
    make_paddle_environment(folder, gpu=gpu)
    click.echo(f"paddle is ready in {folder}; use it with FAST_LAYOUT_BACKEND=paddle")


def _by_split(partition: SourcePartition, manifests: list[Manifest]) -> Made:
    """What was made of a partition, by its name; of one that is split here, by that of each split."""
    names = [f"{partition.key} {split}" for split in partition.splits] if len(manifests) > 1 else [partition.key]
    return dict(zip(names, manifests, strict=True))


def _report(stage: str, made: Made, folder: Path) -> None:
    print_counts(f"{stage} -> {folder}", ((name, manifest.counts) for name, manifest in made.items()))
    unexpected = sum(manifest.counts.reasons["page"].get("unexpected", 0) for manifest in made.values())
    if unexpected:
        raise PipelineError(
            f"{unexpected} pages met a fault of this program and are set aside as `unexpected`",
            where=stage,
            remedy="`ocr-pipeline quarantine --reason unexpected` names them, the log above has the tracebacks; all "
            "others are published.",
        )

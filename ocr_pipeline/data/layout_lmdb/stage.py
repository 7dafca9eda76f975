"""Merged JSON, lookup and a layout model -> the layout LMDBs of one partition, one for each split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.layout_lmdb.build import LayoutBuild
from ocr_pipeline.data.layout_lmdb.engines.opening import open_engines
from ocr_pipeline.data.layout_lmdb.part import PageWork
from ocr_pipeline.data.layout_lmdb.settings import NO_MODEL, LayoutSettings
from ocr_pipeline.data.lookup import PageTask, load_lookup, page_tasks
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.parallel import ALONE, Crew, Piece
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.artifacts.lineage import lineage_path
from ocr_pipeline.storage.artifacts.lineage_parquet import read_corrected
from ocr_pipeline.storage.artifacts.manifest import Manifest, upstream
from ocr_pipeline.storage.artifacts.renewal import USUAL, Renewal
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share


def build_layouts(
    share: Share,
    partition: SourcePartition,
    workspace: Workspace,
    settings: LayoutSettings,
    *,
    crew: Crew = ALONE,
    renewal: Renewal = USUAL,
) -> list[Manifest]:
    """Publish the layout LMDBs of a partition, one for each split; does only what is missing or changed.

    Args:
        crew: who makes whole parts where no model looks at the pages, or each has a device for it; else, on this
            machine, who reads, decodes and cuts pictures for the one that does.
        renewal: whether it is published anew where nothing changed (what the models found before is used again), and
            what it may lose.

    Raises:
        PipelineError: an input is not published, the model or its device is not there, more is lost than may be, or
            the output cannot be written.
    """
    merged = workspace.merged_json(partition.key)
    inputs = [upstream("merged_json", merged), upstream("lookup", workspace.lookup(partition.key))]
    settings = settings.suited_to(partition.dataset.documents)
    _demand_models(settings)
    manifests = []
    here = replace(settings, device="cpu", table_device="cpu") if crew.gpus else settings  # others look, with theirs
    with open_engines(here) as engines:
        work, corrected = PageWork(share.read, engines, settings), read_corrected(lineage_path(merged))
        build = LayoutBuild(workspace, work, crew, renewal=renewal, corrected=corrected)
        for target, tasks in _targets(share, partition, build):
            progress = Progress(f"layout_lmdb {target.name}", "pages")
            telling = replace(build, on_progress=progress.reach)
            manifests.append(telling.publish(target, partition.key, inputs, tasks))
    return manifests


def fill_parts(
    share: Share,
    partition: SourcePartition,
    workspace: Workspace,
    settings: LayoutSettings,
    piece: Piece,
    crew: Crew,
) -> None:
    """Make a piece of a partition's layouts, as far as it is missing, for whoever publishes them; without a model.

    Raises:
        PipelineError: as `build_layouts` does.
    """
    settings = settings.suited_to(partition.dataset.documents)
    with open_engines(settings) as engines:
        build = LayoutBuild(workspace, PageWork(share.read, engines, settings), crew)
        for target, tasks in _targets(share, partition, build):
            build.fill(target, tasks, piece)


def _targets(share: Share, partition: SourcePartition, build: LayoutBuild) -> Iterator[tuple[Path, Iterator[PageTask]]]:
    """The LMDB of each split, and the pages that go into it."""
    merged, lookup = build.workspace.merged_json(partition.key), load_lookup(build.workspace, partition)
    is_whole = partition.dataset.is_whole_page
    for split in partition.splits:
        pages = (page for page in read_pages(merged, partition) if page.split == split and is_whole(page))
        target = build.workspace.layout_lmdb(partition.dataset.name, split)
        yield target, page_tasks(pages, lookup, share, build.made_by)


def _demand_models(settings: LayoutSettings) -> None:
    """Crops need the model that finds what they are cut around."""
    needed = {"region": {"FAST_LAYOUT_MODEL": settings.model}}
    needed["cell"] = {**needed["region"], "FAST_TABLE_MODEL": settings.table_model}
    for variable, model in needed.get(settings.samples, {}).items():
        if model == NO_MODEL:
            raise PipelineError(
                f"samples={settings.samples} needs a model", where=variable, remedy="Name one, or take samples=page."
            )

"""The layout LMDBs of one source partition: one per split, from what the stages before published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.layout_lmdb.engines.engine import LayoutEngine
from ocr_pipeline.data.layout_lmdb.engines.opening import open_cell_engine, open_engine
from ocr_pipeline.data.layout_lmdb.settings import NO_MODEL, LayoutSettings
from ocr_pipeline.data.layout_lmdb.stage import build_layout_lmdb
from ocr_pipeline.data.lookup import load_lookup
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.artifacts.manifest import Manifest, upstream
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share


def build_layouts(
    share: Share, partition: SourcePartition, workspace: Workspace, settings: LayoutSettings, *, workers: int = 1
) -> list[Manifest]:
    """Publish the layout LMDBs of a partition; does only what is missing or changed.

    Scene pictures never meet the layout model: it was made for documents.

    Raises:
        PipelineError: an input is not published, the model or its device is not there, or the output cannot be
            written.
    """
    merged = workspace.merged_json(partition.key)
    lookup = load_lookup(workspace, partition)
    inputs = [upstream("merged_json", merged), upstream("lookup", workspace.lookup(partition.key))]
    if not partition.dataset.documents:
        settings = replace(settings, model=NO_MODEL, samples="page")
    _demand_models(settings)
    manifests = []
    with _opened_engines(settings) as (engine, cell_engine):
        for split in partition.splits:
            progress = Progress(f"layout_lmdb {partition.dataset.name} {split}", "pages")
            manifests.append(
                build_layout_lmdb(
                    (page for page in read_pages(merged, partition) if page.split == split),
                    lookup.find,
                    _ReadPicture(share.root),
                    workspace.layout_lmdb(partition.dataset.name, split),
                    engine=engine,
                    settings=settings,
                    partition=partition.key,
                    inputs=inputs,
                    cell_engine=cell_engine,
                    workers=workers,
                    on_progress=progress.reach,
                )
            )
    return manifests


@contextmanager
def _opened_engines(settings: LayoutSettings) -> Iterator[tuple[LayoutEngine, LayoutEngine | None]]:
    with closing(open_engine(settings)) as engine:
        cell_engine = open_cell_engine(settings)
        if cell_engine is None:
            yield engine, None
            return
        with closing(cell_engine):
            yield engine, cell_engine


def _demand_models(settings: LayoutSettings) -> None:
    """Crops need the model that finds what they are cut around."""
    needed = {"region": {"FAST_LAYOUT_MODEL": settings.model}}
    needed["cell"] = {**needed["region"], "FAST_TABLE_MODEL": settings.table_model}
    for variable, model in needed.get(settings.samples, {}).items():
        if model == NO_MODEL:
            raise PipelineError(
                f"samples={settings.samples} needs a model", where=variable, remedy="Name one, or take samples=page."
            )


@dataclass(frozen=True)
class _ReadPicture:
    """Reads pictures by their full path; a share has open connections, which cannot cross to another process."""

    root: str

    def __call__(self, path: str) -> bytes:
        share = _opened_share(self.root)
        return share.read(share.below_root(path))


@lru_cache(maxsize=1)
def _opened_share(root: str) -> Share:
    return Share(root)

"""Where labelled pages come from."""

from __future__ import annotations

from collections.abc import Set
from functools import partial
from pathlib import Path

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.judging.labelled.folders import FolderPages
from ocr_pipeline.judging.labelled.layouts import LayoutPages, Typefaces
from ocr_pipeline.judging.labelled.page import LabelledPages
from ocr_pipeline.storage.artifacts.manifest import upstream
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.lmdb_parts import head_of
from ocr_pipeline.storage.files.typed_paths import demand_folder


def labelled_at(path: Path, most: int = 0) -> LabelledPages:
    """The pages of a path, at most so many (0: all): a layout LMDB, or a folder of pictures with label files.

    Raises:
        PipelineError: it is neither.
    """
    demand_folder(path, "Name a folder of labelled pages, or a layout LMDB.")
    return LayoutPages(path, most) if head_of(path).is_file() else FolderPages(path, most)


def labelled_partition(partition: SourcePartition, workspace: Workspace, most: int = 0) -> LabelledPages:
    """The `published_pages` of a partition, at most so many (0: all).

    Raises:
        PipelineError: they are not there.
    """
    path = published_pages(partition, workspace)
    upstream("layout_lmdb", path)
    return LayoutPages(path, most, partial(_typefaces, partition, workspace))


def published_pages(partition: SourcePartition, workspace: Workspace) -> Path:
    """Its layout LMDB; of a set that is split here that of the pages that no training learns from."""
    split = "valid" if "valid" in partition.splits else partition.splits[0]
    return workspace.layout_lmdb(partition.dataset.name, split)


def _typefaces(partition: SourcePartition, workspace: Workspace, wanted: Set[tuple[str, str]]) -> Typefaces:
    """What the merged labels tell, if they are there."""
    merged = workspace.merged_json(partition.key)
    pages = read_pages(merged, partition) if merged.exists() else ()
    chosen = (page for page in pages if (page.label, page.image) in wanted)
    return {
        (page.label, page.image, word.id): word.typeface
        for page in chosen
        for word in page.words
        if word.typeface is not None
    }

"""A page that must go: whose it is, what it went into, and the mark that keeps it out of all that is made later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from ocr_pipeline.data.corrections import Correction, forgotten, mark_forgotten
from ocr_pipeline.data.datasets import EVERY_PARTITION, SourcePartition
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.release.lineage import held_by
from ocr_pipeline.storage.artifacts.lineage import Trace, lineage_path
from ocr_pipeline.storage.artifacts.lineage_parquet import Wanted
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace


class FoundPage(NamedTuple):
    """A page, by the partition, label file and picture that it is known by."""

    partition: str
    label: str
    image: str


def pages_meant(workspace: Workspace, wanted: Wanted) -> list[FoundPage]:
    """The pages that anything here holds or learnt from, and those that are marked already.

    Raises:
        PipelineError: there is none, or a lineage names a data set that this version does not know.
    """
    traces = (trace for _, found in held_by(workspace, wanted) for trace in found)
    found = {FoundPage(_partition_of(trace), trace.label, trace.image) for trace in traces}
    marked = (FoundPage(key, mark.label, mark.image) for key, mark in all_forgotten(workspace))
    found |= {page for page in marked if wanted.means(page.label, page.image)}
    if found:
        return sorted(found)
    silent = [one.key for one in _published(workspace) if not lineage_path(workspace.merged_json(one.key)).exists()]
    raise PipelineError(
        "no page of that name is known here",
        where=f"{wanted.image or wanted.label} in {workspace.root}",
        remedy=f"What was made before there were lineages does not tell: `ocr-pipeline merge --rebuild --partition "
        f"{' --partition '.join(silent)}`, then ask again."
        if silent
        else "Check the spelling: the name of the picture as it is on the share. What is set aside is "
        "not looked through: `ocr-pipeline quarantine` tells of it.",
    )


def forget(workspace: Workspace, pages: list[FoundPage], who: str, why: str, now: datetime) -> int:
    """Mark pages; how many were not marked before."""
    return sum(
        mark_forgotten(workspace, key, [page[1:] for page in pages if page.partition == key], who, why, now)
        for key in dict.fromkeys(page.partition for page in pages)
    )


def all_forgotten(workspace: Workspace) -> Iterator[tuple[str, Correction]]:
    """Each mark that holds, with its partition."""
    for key in EVERY_PARTITION:
        yield from ((key, mark) for mark in forgotten(workspace, key))


def _published(workspace: Workspace) -> list[SourcePartition]:
    found = ((one, read_manifest(workspace.merged_json(one.key))) for one in EVERY_PARTITION.values())
    return [one for one, manifest in found if manifest and manifest.counts.pages_out]


def _partition_of(trace: Trace) -> str:
    for one in EVERY_PARTITION.values():
        if one.dataset.name == trace.dataset and trace.split in one.splits:
            return one.key
    raise PipelineError(
        f"no partition of this version is called {trace.dataset} {trace.split}",
        where=trace.label,
        remedy="Use the version of ocr_pipeline that made what holds it.",
    )

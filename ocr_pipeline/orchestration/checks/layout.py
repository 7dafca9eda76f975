"""Checks of the layout LMDB: what the manifest's counts and a look at some samples can tell."""

from collections.abc import Iterator
from pathlib import Path

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.layout_lmdb import LayoutReader
from ocr_pipeline.orchestration.checks.step import WARN, Finding, PartitionCheck
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.workspace import Workspace

MAX_WORDS_LOST = 0.02
MAX_PAGES_WITHOUT_REGION = 0.1
_PROBES = 50


def _published(workspace: Workspace, partition: SourcePartition) -> list[tuple[Path, Counts]]:
    found = []
    for split in partition.splits:
        artifact = workspace.layout_lmdb(partition.dataset.name, split)
        manifest = read_manifest(artifact)
        if manifest:
            found.append((artifact, manifest.counts))
    return found


def _total(workspace: Workspace, partition: SourcePartition) -> Counts:
    return sum((counts for _, counts in _published(workspace, partition)), Counts())


def _words_kept(workspace: Workspace, partition: SourcePartition) -> Finding:
    counts = _total(workspace, partition)
    share = counts.words_quarantined / max(counts.words_in, 1)
    found = {"words_lost_share": share, "allowed": MAX_WORDS_LOST, "reasons": counts.reasons["word"]}
    return Finding(share <= MAX_WORDS_LOST, found, WARN)


def _quads_inside(workspace: Workspace, partition: SourcePartition) -> Finding:
    wrong = [
        f"{artifact.name}: {fault}" for artifact, _ in _published(workspace, partition) for fault in _outside(artifact)
    ]
    return Finding(not wrong, {"wrong": wrong[:_PROBES]})


def _outside(artifact: Path) -> Iterator[str]:
    reader = LayoutReader(artifact)
    count = min(len(reader), _PROBES)
    for place in (probe * len(reader) // count for probe in range(count)):
        _, record = reader.read(place)
        boxes = [(x, y) for word in record.words for x, y in word.quad]
        boxes += [corner for region in record.regions for corner in (region.box[:2], region.box[2:])]
        if any(not (0 <= x <= record.width and 0 <= y <= record.height) for x, y in boxes):
            yield f"sample {place} ({record.image})"


def _pages_have_regions(workspace: Workspace, partition: SourcePartition) -> Finding:
    counts = _total(workspace, partition)
    share = counts.notes.get("pages_without_region", 0) / max(counts.pages_in, 1)
    found = {"pages_without_region_share": share, "allowed": MAX_PAGES_WITHOUT_REGION}
    return Finding(share <= MAX_PAGES_WITHOUT_REGION, found, WARN)


LAYOUT_CHECKS = [
    PartitionCheck("words_kept", "Few words are set aside on their way from labels to samples.", _words_kept),
    PartitionCheck(
        "quads_inside",
        "Of samples spread over the LMDB, every quad and every region lies within its picture.",
        _quads_inside,
        blocking=True,
    ),
    PartitionCheck(
        "pages_have_regions",
        "Where a layout model ran, it found something on nearly every page.",
        _pages_have_regions,
    ),
]

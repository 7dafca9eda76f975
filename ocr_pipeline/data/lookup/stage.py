"""Picture trees on the share, matched to the pages of the merged JSON -> ``lookup_<dataset>_<split>.pkl.gz``."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.lookup.copies import read_copies, write_copies
from ocr_pipeline.data.lookup.format import read_lookup, write_lookup
from ocr_pipeline.data.lookup.index import index_pictures
from ocr_pipeline.data.lookup.matching import Matching, match_pages, pictures_without_label
from ocr_pipeline.data.lookup.names import Lookup
from ocr_pipeline.data.lookup.stamps import read_stamps, write_stamps
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.artifacts.manifest import (
    Input,
    Manifest,
    current_manifest,
    quarantine_path,
    read_manifest,
    upstream,
    write_manifest,
)
from ocr_pipeline.storage.artifacts.quarantine import Quarantined
from ocr_pipeline.storage.artifacts.quarantine_files import write_quarantine
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_file, fingerprint_of
from ocr_pipeline.storage.source.share import Listing, Share

CODE_VERSION = "3"

logger = logging.getLogger(__name__)


def build_lookup(share: Share, partition: SourcePartition, workspace: Workspace, *, rebuild: bool = False) -> Manifest:
    """Publish the lookup of one partition and report what does not match.

    Pages in are the labelled pages and the pictures without a label; out are the pages whose picture is found. Of two
    labels that say the same of one picture the first, by path, is taken. What was adopted stands until the merged JSON
    or the pictures change; one that leads elsewhere than to this share is of no use and is made anew.

    Args:
        rebuild: make it anew even where nothing changed.

    Raises:
        PipelineError: the share or the merged JSON is not there, or the output cannot be written.
    """
    share.check()
    target = workspace.lookup(partition.key)
    merged = workspace.merged_json(partition.key)
    folders = _listed(share, partition)
    listed = picture_input(folders)
    inputs = [upstream("merged_json", merged), listed]
    settings = {"source": share.place}
    if not rebuild and not _leads_elsewhere(share, target):
        current = current_manifest(target, CODE_VERSION, settings, inputs)
        if current:
            return current
    paths = index_pictures(share, folders)
    matching = Matching(Lookup(paths))
    # First all that asks the share: if it goes away, what is published stays.
    write_quarantine(quarantine_path(target), _set_aside(share, partition, folders, matching, merged))
    write_lookup(target, paths)
    write_stamps(_beside(target, "stamps"), _sizes_and_versions(share, folders))
    write_copies(_beside(target, "copies"), matching.copies)
    manifest = Manifest(
        stage="lookup",
        partition=partition.key,
        code_version=CODE_VERSION,
        settings=settings,
        inputs=inputs,
        fingerprint=fingerprint_of(
            [
                fingerprint_file(target),
                listed.fingerprint,
                *(f"{label}\t{image}" for label, image in matching.copies),
            ]
        ),
        counts=matching.counts,
    )
    write_manifest(target, manifest)
    return manifest


def picture_input(folders: Iterable[Listing]) -> Input:
    """The picture files as an input: their names, sizes and times."""
    return Input("pictures", fingerprint_of(folder.fingerprint for folder in folders))


def load_lookup(workspace: Workspace, partition: SourcePartition) -> Lookup:
    """The published lookup of a partition."""
    target = workspace.lookup(partition.key)
    copies = read_copies(_beside(target, "copies"))
    return Lookup(read_lookup(target), read_stamps(_beside(target, "stamps")), copies)


def _leads_elsewhere(share: Share, target: Path) -> bool:
    """Whether the lookup was adopted just now and has a path that is not below the share."""
    published = read_manifest(target)
    if published is None or not published.adopted or len(published.inputs) > 1:
        return False
    outside = next((path for path in read_lookup(target).values() if share.below_root(path) == path), None)
    if outside is not None:
        logger.warning("%s is made anew: it leads to %s, which is not below %s", target.name, outside, share.place)
    return outside is not None


def _set_aside(
    share: Share, partition: SourcePartition, folders: list[Listing], matching: Matching, merged: Path
) -> Iterator[Quarantined]:
    yield from match_pages(matching, read_pages(merged, partition))
    yield from pictures_without_label(matching, share, folders, partition)


def _sizes_and_versions(share: Share, folders: Iterable[Listing]) -> Iterator[tuple[str, int, float]]:
    for folder in folders:
        for picture in folder.entries():
            yield share.full_path(picture.path), picture.size, picture.version


def _beside(lookup: Path, what: str) -> Path:
    return lookup.with_name(f"{lookup.name}.{what}")


def _listed(share: Share, partition: SourcePartition) -> list[Listing]:
    progress = Progress(f"lookup {partition.key}", "pictures")
    folders = []
    for folder in partition.picture_folders(share):
        folders.append(folder)
        progress.advance(len(folder))
    return folders

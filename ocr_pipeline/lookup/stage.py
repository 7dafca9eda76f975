"""Picture trees on the share, matched to the pages of the merged JSON -> ``lookup_<dataset>_<split>.pkl.gz``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from ocr_pipeline.datasets import SourcePartition
from ocr_pipeline.lookup.format import read_lookup, write_lookup
from ocr_pipeline.lookup.matching import match_pages, pictures_without_label
from ocr_pipeline.lookup.names import Lookup
from ocr_pipeline.lookup.stamps import read_stamps, write_stamps
from ocr_pipeline.merged_json import read_pages
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.manifest import (
    Input,
    Manifest,
    fingerprint_file,
    fingerprint_of,
    quarantine_path,
    read_manifest,
    upstream,
    write_manifest,
)
from ocr_pipeline.storage.quarantine import Counts, write_quarantine
from ocr_pipeline.storage.share import Entry, Share
from ocr_pipeline.storage.workspace import Workspace

CODE_VERSION = "2"


def build_lookup(share: Share, partition: SourcePartition, workspace: Workspace) -> Manifest:
    """Publish the lookup of one partition and report what does not match.

    Pages in are the labelled pages and the pictures without a label; out are the pages whose picture is found.

    Raises:
        PipelineError: the share or the merged JSON is not there, or the output cannot be written.
    """
    share.check()
    target = workspace.lookup(partition.key)
    merged = workspace.merged_json(partition.key)
    pictures = _listed(share, partition)
    listed = picture_input(pictures)
    inputs = [upstream("merged_json", merged), listed]
    settings = {"source": share.place}
    published = read_manifest(target)
    if published and published.made_from(CODE_VERSION, settings, inputs):
        return published
    paths = index(share, pictures)
    counts = Counts()
    matched: set[str] = set()
    quarantined = list(match_pages(counts, Lookup(paths), read_pages(merged, partition), matched))
    quarantined += pictures_without_label(counts, share, pictures, matched, partition)
    write_lookup(target, paths)
    write_stamps(stamps_path(target), ((share.full_path(each.path), each.size, each.version) for each in pictures))
    write_quarantine(quarantine_path(target), quarantined)
    manifest = Manifest(
        stage="lookup",
        partition=partition.key,
        code_version=CODE_VERSION,
        settings=settings,
        inputs=inputs,
        fingerprint=fingerprint_of([fingerprint_file(target), listed.fingerprint]),
        counts=counts,
    )
    write_manifest(target, manifest)
    return manifest


def picture_input(pictures: Iterable[Entry]) -> Input:
    """The picture files as an input: their names, sizes and times."""
    stamps = (f"{picture.path}\t{picture.size}\t{picture.version}" for picture in pictures)
    return Input("pictures", fingerprint_of(stamps))


def load_lookup(workspace: Workspace, partition: SourcePartition) -> Lookup:
    """The published lookup of a partition."""
    target = workspace.lookup(partition.key)
    return Lookup(read_lookup(target), read_stamps(stamps_path(target)))


def stamps_path(lookup: Path) -> Path:
    return lookup.with_name(lookup.name.removesuffix(".pkl.gz") + ".stamps")


def index(share: Share, pictures: Iterable[Entry]) -> dict[str, str]:
    """File name -> full path; names that occur in several folders are told apart by their folder."""
    by_name: dict[str, list[Entry]] = defaultdict(list)
    for picture in pictures:
        by_name[picture.name].append(picture)
    return {
        picture.name if len(entries) == 1 else picture.shown: share.full_path(picture.path)
        for entries in by_name.values()
        for picture in entries
    }


def _listed(share: Share, partition: SourcePartition) -> list[Entry]:
    progress = Progress(f"lookup {partition.key}", "pictures")
    pictures = []
    for picture in partition.pictures(share):
        pictures.append(picture)
        progress.advance()
    return pictures

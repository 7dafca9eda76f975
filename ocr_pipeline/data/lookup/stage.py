"""Picture trees on the share, matched to the pages of the merged JSON -> ``lookup_<dataset>_<split>.pkl.gz``."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from ocr_pipeline.data.datasets import SourcePartition, demand_a_set, demand_apart
from ocr_pipeline.data.lookup.format import read_lookup, write_lookup, write_names
from ocr_pipeline.data.lookup.index import index_pictures
from ocr_pipeline.data.lookup.mapped import MappedPaths, Picture, write_mapped
from ocr_pipeline.data.lookup.matching import Matching, match_pages, pictures_without_label, strangers
from ocr_pipeline.data.lookup.names import Lookup
from ocr_pipeline.data.lookup.picture_versions import read_versions, write_versions
from ocr_pipeline.data.lookup.refused import read_refused, write_refused
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.artifacts.manifest import Input, Manifest, read_manifest, upstream
from ocr_pipeline.storage.artifacts.publication import Publication, publication
from ocr_pipeline.storage.artifacts.renewal import USUAL, Renewal
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_file, fingerprint_of
from ocr_pipeline.storage.source.share import Listing, Share

CODE_VERSION = "5"
_NAMES = "names"

logger = logging.getLogger(__name__)


def build_lookup(
    share: Share,
    partition: SourcePartition,
    workspace: Workspace,
    *,
    renewal: Renewal = USUAL,
) -> Manifest:
    """Publish the lookup of one partition and report what does not match.

    Pages in are the labelled pages and the pictures without a label; out are the pages whose picture is found. Of two
    labels that say the same of one picture the first, by path, is taken. What was adopted stands until the merged JSON
    or the pictures change; one that leads elsewhere than to this share is of no use and is made anew.

    Args:
        renewal: whether it is made anew where nothing changed, and what it may lose.

    Raises:
        PipelineError: the share or the merged JSON is not there, more is lost than may be, or the output cannot be
            written.
    """
    share.check()
    if not partition.dataset.is_drawn:
        demand_apart(share, workspace.root)
    target = workspace.lookup(partition.key)
    merged = workspace.merged_json(partition.key)
    folders = _listed(share, partition)
    if not folders:
        demand_a_set(share)
    inputs = [upstream("merged_json", merged), picture_input(folders)]
    with publication(
        target,
        stage="lookup",
        partition=partition.key,
        code_version=CODE_VERSION,
        settings={"source": share.place},
        inputs=inputs,
        renewal=renewal.also(_leads_elsewhere(share, target)),
    ) as made:
        if made.current is None:
            _publish(made, share, partition, folders, merged)
    return made.manifest


def _publish(made: Publication, share: Share, partition: SourcePartition, folders: list[Listing], merged: Path) -> None:
    with made.file(_NAMES) as draft:
        write_mapped(draft, index_pictures(share, folders))
        paths = MappedPaths(draft)
        matching = Matching(paths, sum(map(len, folders)), made.counts, share.below_root)
        # First all that asks the share: if it goes away, what is published stays.
        aside = (
            match_pages(matching, read_pages(merged, partition)),
            strangers(matching, read_pages(merged, partition)),
            pictures_without_label(matching, share, folders, partition),
        )
        for record in chain.from_iterable(aside):
            made.set_aside(record)
    with made.file() as draft:
        write_names(draft, ((one.key, one.path) for one in paths.pictures()))
    with made.file("stamps") as draft:
        write_versions(draft, _sizes_and_versions(share, folders))
    with made.file("copies") as draft:
        write_refused(draft, matching.refused)
    made.lead_back_to(merged)
    refused = map(repr, matching.refused)
    made.fingerprint = fingerprint_of([fingerprint_file(made.artifact), picture_input(folders).fingerprint, *refused])


def publish_paths(made: Publication, paths: Mapping[str, str]) -> None:
    """Publish the paths of a lookup that another program made."""
    pictures = (Picture(key, path, number) for number, (key, path) in enumerate(sorted(paths.items())))
    with made.file(_NAMES) as draft:
        write_mapped(draft, pictures)
    with made.file() as draft:
        write_lookup(draft, paths)


def picture_input(folders: Iterable[Listing]) -> Input:
    """The picture files as an input: their names, sizes and times."""
    return Input("pictures", fingerprint_of(folder.fingerprint for folder in folders))


def load_lookup(workspace: Workspace, partition: SourcePartition) -> Lookup:
    """The published lookup of a partition."""
    target = workspace.lookup(partition.key)
    names, refused = _beside(target, _NAMES), read_refused(_beside(target, "copies"))
    paths = MappedPaths(names) if names.exists() else read_lookup(target)  # older ones have but the latter
    return Lookup(paths, read_versions(_beside(target, "stamps")), refused)


def _leads_elsewhere(share: Share, target: Path) -> bool:
    """Whether the lookup was adopted just now and has a path that is not below the share."""
    published = read_manifest(target)
    if published is None or not published.adopted or len(published.inputs) > 1:
        return False
    outside = next((path for path in read_lookup(target).values() if share.below_root(path) == path), None)
    if outside is not None:
        logger.warning("%s is made anew: it leads to %s, which is not below %s", target.name, outside, share.place)
    return outside is not None


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

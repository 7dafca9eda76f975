"""Pages and lookup -> ``<dataset>_annotations_<split>`` as LMDB or JSONL, shard by shard."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import groupby, islice
from pathlib import Path

import msgspec

from ocr_pipeline.data.annotations.crops import Cropper, PageCrops
from ocr_pipeline.data.annotations.formats import Format, JsonlFormat, LmdbFormat, Put
from ocr_pipeline.data.annotations.settings import AnnotationSettings
from ocr_pipeline.data.annotations.shards import PageShard, Task, shards, tasks
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.lookup import Lookup, load_lookup
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import nfc
from ocr_pipeline.parallel import in_order, one_thread_in_opencv
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.artifacts.depot import depot_of
from ocr_pipeline.storage.artifacts.manifest import Manifest, upstream
from ocr_pipeline.storage.artifacts.publication import Publication, publication
from ocr_pipeline.storage.artifacts.quarantine import Counts, Quarantined
from ocr_pipeline.storage.artifacts.shards import build_shard, forget_others, shard_counts, shard_quarantine
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.source.share import Share

CODE_VERSION = "2"
SHARD_SIZE = 250
_AHEAD = 32
"""Pages that the workers may be ahead of the writer: what they can do while a shard goes to the disk."""


def build_annotations(
    share: Share,
    partition: SourcePartition,
    workspace: Workspace,
    settings: AnnotationSettings,
    *,
    workers: int | None = None,
    rebuild: bool = False,
) -> list[Manifest]:
    """Publish the crops and labels of one partition, one artifact per split; does only what is missing or changed.

    What was adopted stands until merged JSON, lookup or settings change.

    Args:
        workers: threads that cut crops; all cores by default.
        rebuild: publish anew even where nothing changed; finished shards are used again.

    Raises:
        PipelineError: an input is not published, the settings ask for what is not installed, or the output cannot be
            written.
    """
    inputs = [
        upstream("merged_json", workspace.merged_json(partition.key)),
        upstream("lookup", workspace.lookup(partition.key)),
    ]
    _demand_room_for_files(workspace, settings)
    lookup: Lookup | None = None
    manifests = []
    for split in partition.splits:
        target = workspace.annotations(partition.dataset.name, split, settings.output_format)
        with publication(
            target,
            stage="annotations",
            partition=partition.key,
            code_version=CODE_VERSION,
            settings=settings.recorded(),
            inputs=inputs,
            rebuild=rebuild,
        ) as made:
            if made.current is None:
                lookup = lookup or load_lookup(workspace, partition)
                build = _Build(made, share, partition, split, workspace, settings, lookup)
                build.make(workers or os.cpu_count() or 1)
        manifests.append(made.manifest)
    return manifests


def _demand_room_for_files(workspace: Workspace, settings: AnnotationSettings) -> None:
    depot = depot_of(workspace.crops("", ""))
    if depot and settings.output_format == "jsonl":
        raise PipelineError(
            "crops as single files are not kept in an object store",
            where=depot.url,
            remedy="Set FAST_OUTPUT_FORMAT=lmdb, or give a folder as OCR_PIPELINE_OUTPUT.",
        )


class _Build:
    """The making of one artifact."""

    def __init__(
        self,
        made: Publication,
        share: Share,
        partition: SourcePartition,
        split: str,
        workspace: Workspace,
        settings: AnnotationSettings,
        lookup: Lookup,
    ) -> None:
        name = partition.dataset.name
        self._share, self._partition, self._split, self._lookup = share, partition, split, lookup
        self._merged = workspace.merged_json(partition.key)
        self._settings, self._made = settings, made
        self._store = workspace.shards(made.artifact)
        self._format: Format = LmdbFormat(made)
        if settings.output_format == "jsonl":
            self._format = JsonlFormat(made, workspace.crops(name, split))
        self._folders: list[Path] = []

    def make(self, workers: int) -> None:
        """Build the shards that are missing and join all of them, unless other inputs give the very same artifact (a
        lookup that grew elsewhere).
        """
        if self._made.published:
            self._folders = [self._store / shard.fingerprint for shard in self._shards()]
        if self._made.published and self._made.published.fingerprint == self._fingerprint():
            self._made.renew()
        else:
            self._join(workers)
            self._made.add(shard_counts(self._folders), shard_quarantine(self._folders))
            self._made.fingerprint = self._fingerprint()
        forget_others(self._store, self._folders)

    def _join(self, workers: int) -> None:
        self._folders = []
        progress = Progress(f"annotations {self._partition.key} {self._split}", "pages")
        work = partial(self._crop, Cropper(self._settings))
        with (
            ThreadPoolExecutor(workers) as executor,
            closing(in_order(executor, work, self._missing(), _AHEAD + 4 * workers)) as cropped,
            one_thread_in_opencv(),
            self._format.publish() as put,
        ):
            for (_, folder), results in groupby(cropped, key=lambda pair: pair[0][:2]):
                self._folders.append(folder)
                self._build(folder, (page for _, page in results), put, progress)

    def _fingerprint(self) -> str:
        return fingerprint_of([self._settings.output_format, *(folder.name for folder in self._folders)])

    def _shards(self) -> Iterator[PageShard]:
        pages = (page for page in read_pages(self._merged, self._partition) if page.split == self._split)
        made_by = fingerprint_of([CODE_VERSION, msgspec.json.encode(self._settings.recorded())])
        chosen = islice(pages, self._settings.max_pages)
        return shards(tasks(chosen, self._lookup, self._share, made_by), SHARD_SIZE)

    def _missing(self) -> Iterator[tuple[int, Path, Task | None]]:
        """Number, folder and pages of each shard that is not there; one None for a shard that is."""
        for number, shard in enumerate(self._shards()):
            folder = self._store / shard.fingerprint
            if folder.exists() and self._format.is_whole(folder):
                yield number, folder, None
            else:
                yield from ((number, folder, task) for task in shard.job)

    def _crop(self, cropper: Cropper, item: tuple[int, Path, Task | None]) -> PageCrops | None:
        task = item[2]
        if task is None:
            return None
        if isinstance(task.picture, Quarantined):
            found = PageCrops.of(task.page)
            found.set_aside(task.picture)
            return found
        folder = nfc(task.picture.rpartition("/")[0])
        return self._format.keep(cropper.crop(task.page, folder, task.mark, partial(self._share.read, task.picture)))

    def _build(self, folder: Path, pages: Iterator[PageCrops | None], put: Put, progress: Progress) -> None:
        first = next(pages)
        if first is None:
            for crops in self._format.read_shard(folder):
                put(crops)
            return

        def fill(pages: Iterable[PageCrops], draft: Path) -> tuple[Counts, list[Quarantined]]:
            counts, quarantined = Counts(), []
            with self._format.shard_writer(draft) as put_aside:
                for page in pages:
                    put_aside(page.crops)
                    put(page.crops)
                    counts += page.counts
                    quarantined += page.quarantined
                    progress.advance()
            return counts, quarantined

        build_shard(folder, fill, _chained(first, pages))


def _chained(first: PageCrops, others: Iterator[PageCrops | None]) -> Iterator[PageCrops]:
    yield first
    yield from (page for page in others if page is not None)

"""Pages and lookup -> ``<dataset>_annotations_<split>`` as LMDB or JSONL, shard by shard."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain, groupby, islice
from operator import itemgetter
from pathlib import Path

import msgspec

from ocr_pipeline.data.annotations.crops import Cropper, PageCrops
from ocr_pipeline.data.annotations.formats import Crops, JsonlFormat, LmdbFormat
from ocr_pipeline.data.annotations.settings import AnnotationSettings
from ocr_pipeline.data.annotations.shards import PageShard, Task, shards, tasks
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.lookup import Lookup, load_lookup
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Quarantined, nfc
from ocr_pipeline.parallel import in_order
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.artifacts.depot import depot_of
from ocr_pipeline.storage.artifacts.loss_limit import USUAL_LIMIT, LossLimit
from ocr_pipeline.storage.artifacts.manifest import Input, Manifest, upstream
from ocr_pipeline.storage.artifacts.publication import Publication, publication
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.shards import (
    build_shard,
    forget_others,
    is_whole,
    shard_counts,
    shard_digest,
    shard_quarantine,
)
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.files.pictures import one_thread_in_opencv
from ocr_pipeline.storage.source.share import Share

CODE_VERSION = "3"
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
    loss_limit: LossLimit = USUAL_LIMIT,
) -> list[Manifest]:
    """Publish the crops and labels of one partition, one artifact per split; does only what is missing or changed.

    What was adopted stands until merged JSON, lookup or settings change.

    Args:
        workers: threads that cut crops; all cores by default.
        rebuild: read all pictures and cut all crops again, whatever seems to be unchanged.
        loss_limit: how much less than what is published it may hold.

    Raises:
        PipelineError: an input is not published, the settings ask for what is not installed, more is lost than may
            be, or the output cannot be written.
    """
    _demand_room_for_files(workspace, settings)
    build = _Build(share, partition, workspace, settings, workers or os.cpu_count() or 1, loss_limit)
    return [build.publish(split, rebuild) for split in partition.splits]


def _demand_room_for_files(workspace: Workspace, settings: AnnotationSettings) -> None:
    depot = depot_of(workspace.crops("", ""))
    if depot and settings.output_format == "jsonl":
        raise PipelineError(
            "crops as single files are not kept in an object store",
            where=depot.url,
            remedy="Set FAST_OUTPUT_FORMAT=lmdb, or give a folder as OCR_PIPELINE_OUTPUT.",
        )


@dataclass(frozen=True)
class _Build:
    """The making of a partition's artifacts, one for each split."""

    share: Share
    partition: SourcePartition
    workspace: Workspace
    settings: AnnotationSettings
    workers: int
    loss_limit: LossLimit

    def publish(self, split: str, rebuild: bool) -> Manifest:
        with publication(
            self.workspace.annotations(self.partition.dataset.name, split, self.settings.output_format),
            stage="annotations",
            partition=self.partition.key,
            code_version=CODE_VERSION,
            settings=self.settings.recorded_in(self.workspace.root, self.settings.output_format),
            inputs=self._inputs,
            rebuild=rebuild,
            loss_limit=self.loss_limit,
        ) as made:
            if made.current is None:
                self._make(made, split)
        return made.manifest

    @cached_property
    def _inputs(self) -> list[Input]:
        key = self.partition.key
        merged, lookup = self.workspace.merged_json(key), self.workspace.lookup(key)
        return [upstream("merged_json", merged), upstream("lookup", lookup)]

    @cached_property
    def _lookup(self) -> Lookup:
        return load_lookup(self.workspace, self.partition)

    def _make(self, made: Publication, split: str) -> None:
        """Build the shards that are missing and join all of them, unless other inputs give the very same artifact (a
        lookup that grew elsewhere).
        """
        store = self.workspace.shards(made.artifact)
        earlier = made.published if made.published and made.published.settings == made.manifest.settings else None
        folders = [store / shard.fingerprint for shard in self._shards(split)] if earlier else []
        if earlier and earlier.fingerprint == self._fingerprint(folders):
            made.renew()
        else:
            folders = []
            form = self._format(made, split)
            with closing(self._built(made, split, store, form)) as built:
                form.publish(made, _noted(made, built, folders))
            made.fingerprint = self._fingerprint(folders)
        forget_others(store, folders)

    def _format(self, made: Publication, split: str) -> LmdbFormat | JsonlFormat:
        if self.settings.output_format == "lmdb":
            return LmdbFormat()
        return JsonlFormat(
            self.workspace.crops(self.partition.dataset.name, split), made.withdraw if made.rebuild else None
        )

    def _fingerprint(self, folders: Iterable[Path]) -> str:
        return fingerprint_of([self.settings.output_format, *map(shard_digest, folders)])

    def _shards(self, split: str) -> Iterator[PageShard]:
        merged = self.workspace.merged_json(self.partition.key)
        pages = (page for page in read_pages(merged, self.partition) if page.split == split)
        made_by = fingerprint_of([CODE_VERSION, msgspec.json.encode(self.settings.recorded())])
        chosen = islice(pages, self.settings.max_pages)
        return shards(tasks(chosen, self._lookup, self.share, made_by), SHARD_SIZE)

    def _built(
        self, made: Publication, split: str, store: Path, form: LmdbFormat | JsonlFormat
    ) -> Generator[Path, None, None]:
        """The folder of each shard, in their order, filled first where it is not whole.

        Pages are cropped ahead of the shard that is being written, and across its end: with shards A (there), B and C
        (both not) of two pages each, the threads get A:-, B:1, B:2, C:1, ...; while B is written, C is being cropped.
        """
        progress = Progress(f"annotations {self.partition.key} {split}", "pages")
        crop = partial(self._crop, Cropper(self.settings), form)
        pages = self._missing(made, split, store, form)
        with (
            ThreadPoolExecutor(self.workers) as executor,
            closing(in_order(executor, crop, pages, _AHEAD + 4 * self.workers)) as cropped,
            one_thread_in_opencv(),
        ):
            for (_, folder), results in groupby(cropped, key=itemgetter(0)):
                filling = (page for _, page in results if page is not None)
                first = next(filling, None)
                if first is not None:
                    build_shard(folder, partial(_fill, form, progress), chain((first,), filling))
                yield folder

    def _missing(
        self, made: Publication, split: str, store: Path, form: LmdbFormat | JsonlFormat
    ) -> Iterator[tuple[tuple[int, Path], Task | None]]:
        """Number and folder of each shard, with each page of one that is to be made, or with None."""
        for number, shard in enumerate(self._shards(split)):
            folder = store / shard.fingerprint
            is_there = not made.rebuild and is_whole(folder) and form.has_crops(folder)
            yield from (((number, folder), task) for task in ((None,) if is_there else shard.job))

    def _crop(self, cropper: Cropper, form: LmdbFormat | JsonlFormat, task: Task) -> PageCrops:
        if isinstance(task.picture, Quarantined):
            found = PageCrops.of(task.page)
            found.set_aside(task.picture)
            return found
        folder = nfc(task.picture.rpartition("/")[0])
        return form.keep(cropper.crop(task.page, folder, task.mark, partial(self.share.read, task.picture)))


def _fill(
    form: LmdbFormat | JsonlFormat, progress: Progress, pages: Iterable[PageCrops], draft: Path
) -> tuple[Counts, list[Quarantined]]:
    total = PageCrops()
    form.write_shard(draft, _counted(pages, total, progress))
    return total.counts, total.quarantined


def _counted(pages: Iterable[PageCrops], total: PageCrops, progress: Progress) -> Iterator[Crops]:
    for page in pages:
        total.counts += page.counts
        total.quarantined += page.quarantined
        yield page.crops
        progress.advance()


def _noted(made: Publication, folders: Iterable[Path], notes: list[Path]) -> Iterator[Path]:
    """The folders, each counted before it is taken: what is lost must be known before the artifact takes its place."""
    for folder in folders:
        made.add(shard_counts([folder]), shard_quarantine([folder]))
        notes.append(folder)
        yield folder

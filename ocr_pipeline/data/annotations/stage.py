"""Pages and lookup -> ``<dataset>_annotations_<split>`` as LMDB or JSONL, shard by shard."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import closing, nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain, islice
from pathlib import Path

import cv2
import msgspec

from ocr_pipeline.data.annotations.formats import JsonlFormat, LmdbFormat, pages_in
from ocr_pipeline.data.annotations.settings import AnnotationSettings
from ocr_pipeline.data.annotations.shard import ShardOfCrops
from ocr_pipeline.data.datasets import SourcePartition
from ocr_pipeline.data.lookup import Lookup, PageShard, load_lookup, page_shards, page_tasks
from ocr_pipeline.data.merged_json import read_pages
from ocr_pipeline.devices.machine import machine_cpus
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.parallel import Crew, Piece, Processes
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.artifacts.depot import depot_of
from ocr_pipeline.storage.artifacts.lineage import Trace, lineage_path
from ocr_pipeline.storage.artifacts.lineage_parquet import read_corrected
from ocr_pipeline.storage.artifacts.manifest import Input, Manifest, upstream
from ocr_pipeline.storage.artifacts.publication import Publication, publication
from ocr_pipeline.storage.artifacts.renewal import USUAL, Renewal
from ocr_pipeline.storage.artifacts.shards import (
    built,
    forget_others,
    is_whole,
    shard_counts,
    shard_digest,
    shard_quarantine,
)
from ocr_pipeline.storage.artifacts.state import is_as_published
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.source.share import Share

CODE_VERSION = "4"
SHARD_SIZE = 250

_PREPARE = partial(cv2.setNumThreads, 1)


def build_annotations(
    share: Share,
    partition: SourcePartition,
    workspace: Workspace,
    settings: AnnotationSettings,
    *,
    crew: Crew | None = None,
    renewal: Renewal = USUAL,
) -> list[Manifest]:
    """Publish the crops and labels of one partition, one artifact per split; does only what is missing or changed.

    What was adopted stands until merged JSON, lookup or settings change.

    Args:
        crew: who fills the shards, or, where there is little to do, as many threads; without, a process for each core.
        renewal: whether all pictures are read and all crops cut again, and what may be lost.

    Raises:
        PipelineError: an input is not published, the settings ask for what is not installed, more is lost than may
            be, or the output cannot be written.
    """
    _demand_room_for_files(workspace, settings)
    build = _Build(share, partition, workspace, settings, crew or Processes(machine_cpus()), renewal)
    return [build.publish(split) for split in partition.splits]


def fill_shards(
    share: Share,
    partition: SourcePartition,
    workspace: Workspace,
    settings: AnnotationSettings,
    piece: Piece,
    crew: Crew,
) -> None:
    """Cut the crops of a piece of a partition, as far as they are missing, for whoever publishes them.

    Raises:
        PipelineError: as `build_annotations` does.
    """
    build = _Build(share, partition, workspace, settings, crew, USUAL)
    for split in partition.splits:
        build.fill(split, piece)


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
    crew: Crew
    renewal: Renewal

    def publish(self, split: str) -> Manifest:
        with publication(
            self._artifact(split),
            stage="annotations",
            partition=self.partition.key,
            code_version=CODE_VERSION,
            settings=self.settings.recorded_in(self.workspace.root, self.settings.output_format),
            inputs=self._inputs,
            renewal=self.renewal,
        ) as made:
            if made.current is None:
                self._make(made, split)
        return made.manifest

    def fill(self, split: str, piece: Piece) -> None:
        """Build those shards of a piece that are missing."""
        store, shards = self.workspace.shards(self._artifact(split)), piece.taken(self._shards(split))
        fill = ShardOfCrops(self.share, self.settings, self._format(split))
        with self.crew.hired(_PREPARE) as executor:
            deque(self._built(store, shards, fill, executor), maxlen=0)

    def _artifact(self, split: str) -> Path:
        return self.workspace.annotations(self.partition.dataset.name, split, self.settings.output_format)

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
        if earlier and earlier.fingerprint == self._fingerprint(folders) and is_as_published(made.artifact, earlier):
            made.renew()
        else:
            folders = []
            form = self._format(split, made.withdraw if made.rebuild else None)
            with closing(self._worked_off(made, split, store, form)) as built:
                form.publish(made, self._noted(made, split, built, folders))
            made.fingerprint = self._fingerprint(folders)
        forget_others(store, folders)

    def _noted(self, made: Publication, split: str, folders: Iterable[Path], notes: list[Path]) -> Iterator[Path]:
        """The folders, each counted before it is taken: what is lost must be known before the artifact changes."""
        corrected = read_corrected(lineage_path(self.workspace.merged_json(self.partition.key)))
        for folder in folders:
            made.add(shard_counts([folder]), shard_quarantine([folder]))
            for label, image, crops in pages_in(folder):
                source = (label, image, self.partition.dataset.name, split)
                made.trace(Trace(*source, crops, corrected.get((label, image), ())))
            notes.append(folder)
            yield folder

    def _format(self, split: str, before_change: Callable[[], None] | None = None) -> LmdbFormat | JsonlFormat:
        if self.settings.output_format == "lmdb":
            return LmdbFormat()
        return JsonlFormat(self.workspace.crops(self.partition.dataset.name, split), before_change)

    def _fingerprint(self, folders: Iterable[Path]) -> str:
        return fingerprint_of([self.settings.output_format, *map(shard_digest, folders)])

    def _shards(self, split: str) -> Iterator[PageShard]:
        merged = self.workspace.merged_json(self.partition.key)
        pages = (page for page in read_pages(merged, self.partition) if page.split == split)
        made_by = fingerprint_of([CODE_VERSION, msgspec.json.encode(self.settings.recorded())])
        chosen = islice(pages, self.settings.max_pages)
        return page_shards(page_tasks(chosen, self._lookup, self.share, made_by), SHARD_SIZE)

    def _worked_off(
        self, made: Publication, split: str, store: Path, form: LmdbFormat | JsonlFormat
    ) -> Generator[Path, None, None]:
        """The folder of each shard, in their order, filled first where it is not whole.

        A few shards, or those whose crops are to be written over, are filled here by threads.
        """
        shards = self._shards(split)
        first = list(islice(shards, self.crew.least))
        is_alone = len(first) < self.crew.least or (made.rebuild and isinstance(form, JsonlFormat))
        fill = ShardOfCrops(self.share, self.settings, form, self.crew.here if is_alone else 1)
        with nullcontext() if is_alone else self.crew.hired(_PREPARE) as executor:
            yield from self._built(store, chain(first, shards), fill, executor, rebuild=made.rebuild)

    def _built(
        self,
        store: Path,
        shards: Iterable[PageShard],
        fill: ShardOfCrops,
        executor: Executor | None,
        *,
        rebuild: bool = False,
    ) -> Iterator[Path]:
        progress = Progress(f"annotations {self.partition.key}", "pages")
        return built(
            store,
            shards,
            fill,
            executor,
            self.crew.size,
            lambda pages: progress.advance(len(pages)),
            rebuild=rebuild,
            is_there=lambda folder: is_whole(folder) and fill.form.has_crops(folder),
        )

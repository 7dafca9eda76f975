"""Pages -> one layout LMDB, quarantine and manifest, part by part.

A part is a piece of work, a file that is linked into the LMDB, and what a delivery touches, all at once: so pictures
are written once, a kill costs the parts under way, and nobody joins anything. Without a model a part is made by one
worker alone, and so it is by workers of whom each has a device for a model; else all workers decode for that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path

import cv2
import msgspec

from ocr_pipeline.data.layout_lmdb.cache import DetectionCache, cache_path
from ocr_pipeline.data.layout_lmdb.part import FillWithModel, Pages, PageWork, fill_alone, samples_in
from ocr_pipeline.data.lookup import PageTask, page_shards
from ocr_pipeline.parallel import ALONE, Crew, Piece, worker_processes
from ocr_pipeline.storage.artifacts.lineage import traces_in
from ocr_pipeline.storage.artifacts.lineage_parquet import Corrected
from ocr_pipeline.storage.artifacts.manifest import Input, Manifest
from ocr_pipeline.storage.artifacts.publication import Publication, publication
from ocr_pipeline.storage.artifacts.renewal import USUAL, Renewal
from ocr_pipeline.storage.artifacts.shards import (
    Fill,
    Shard,
    built,
    forget_others,
    shard_counts,
    shard_digest,
    shard_quarantine,
)
from ocr_pipeline.storage.artifacts.state import is_as_published
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.files.lmdb_parts import Part, part_name, settle_parts
from ocr_pipeline.storage.files.publishing import link_or_copy

STAGE = "layout_lmdb"
CODE_VERSION = "5"

PART_PAGES = 500
"""So many pages make a part, on average: about 100 MB, which a worker makes in less than a minute."""
FEW_PAGES = 32
"""So many pages are made sooner than worker processes start."""

_PREPARE = partial(cv2.setNumThreads, 1)

OnProgress = Callable[[int, "int | None"], None]


@dataclass(frozen=True)
class LayoutBuild:
    """The making of layout LMDBs.

    Attributes:
        work: what is done with pages; with more than one worker in the crew its ``read_bytes`` has to survive pickling.
        crew: who makes whole parts where there is no model, and on this machine the pictures for one that there is.
        on_progress: told how many pages are done, and of how many where that is known.
        renewal: whether it is made anew where nothing changed, and what it may lose.
        corrected: what was corrected of the pages, for the lineage.
    """

    workspace: Workspace
    work: PageWork
    crew: Crew = ALONE
    on_progress: OnProgress = lambda done, total: None
    renewal: Renewal = USUAL
    corrected: Corrected = field(default_factory=dict)

    @property
    def made_by(self) -> str:
        """Stands for code and settings in the prints of pages."""
        return fingerprint_of([CODE_VERSION, msgspec.json.encode(self.work.recorded(), order="deterministic")])

    def publish(self, target: Path, partition: str, inputs: list[Input], pages: Iterable[PageTask]) -> Manifest:
        """Make one layout LMDB, or find that it is made already.

        Pages are taken in order and a few parts at a time, so memory does not grow with their number, and the same
        inputs give the same bytes, whatever the number of workers. What the models find is kept in a file beside the
        LMDB: a run that was interrupted, or that has other thresholds, asks them only what they have not answered.

        Args:
            target: folder of the LMDB; quarantine, manifest and detections stand beside it.
            partition: its key, for the manifest.
            inputs: what the pages and pictures were made from, for the manifest.
            pages: with prints by `made_by`.

        Raises:
            PipelineError: a picture cannot be fetched (unlike: is missing or damaged, which goes to the quarantine),
                or the target cannot be written.
        """
        with publication(
            target,
            stage=STAGE,
            partition=partition,
            code_version=CODE_VERSION,
            settings=self.work.recorded(),
            inputs=inputs,
            renewal=self.renewal,
        ) as made:
            if made.current is None:
                self._make(made, pages)
        return made.manifest

    def fill(self, target: Path, pages: Iterable[PageTask], piece: Piece) -> None:
        """Make those parts of a piece that are missing, without a model, for whoever publishes them."""
        shards = piece.taken(page_shards(self._limited(pages), PART_PAGES))
        with self.crew.hired(_PREPARE) as executor:
            fill = partial(fill_alone, self.work)
            deque(built(self.workspace.shards(target), shards, fill, executor, self.crew.size), maxlen=0)

    def _limited(self, pages: Iterable[PageTask]) -> Iterator[PageTask]:
        return islice(pages, self.work.settings.limit)

    def _make(self, made: Publication, pages: Iterable[PageTask]) -> None:
        """Make the parts that are missing and link all of them, unless other inputs give the very same artifact (a
        lookup that grew elsewhere).
        """
        store = self.workspace.shards(made.artifact)
        folders = list(self._built(made, store, self._limited(pages)))
        earlier, made.fingerprint = made.published, fingerprint_of(map(shard_digest, folders))
        is_the_same = earlier and earlier.fingerprint == made.fingerprint and earlier.settings == made.manifest.settings
        if earlier and is_the_same and is_as_published(made.artifact, earlier):
            made.renew()
        else:
            self._account(made, folders)
            _link(made, folders)
        forget_others(store, folders)

    def _built(self, made: Publication, store: Path, pages: Iterable[PageTask]) -> Iterator[Path]:
        """The folders of all parts, in their order; of a few the workers share the pages."""
        shards = page_shards(pages, PART_PAGES)
        crew = self.crew
        first = list(islice(shards, crew.least)) or [Shard(self.made_by, ())]
        told = _Told(self.on_progress, self.work.settings.limit)
        build = partial(built, store, chain(first, shards), on_shard=told.shard, rebuild=made.rebuild)
        if len(first) == crew.least and (crew.gpus or not self.work.engines.layout.labels):
            with self._by_one_worker(made.artifact) as fill, crew.hired(_PREPARE) as executor:
                yield from build(fill, executor, crew.size)
            return
        workers = crew.here if len(first[0].job) >= FEW_PAGES else 1
        with (
            worker_processes(workers, _PREPARE) as processes,
            self.work.begun(cache_path(made.artifact), processes, workers, told.page) as maker,
        ):
            yield from build(maker.fill, None, 1)

    @contextmanager
    def _by_one_worker(self, artifact: Path) -> Iterator[Fill[Pages]]:
        """How a worker makes a part alone: with models of its own, if any, whose answers are brought home."""
        if not self.work.engines.layout.labels:
            yield partial(fill_alone, self.work)
            return
        known, found = cache_path(artifact), self.workspace.shards(artifact).with_suffix(".detections")
        with closing(DetectionCache(known)) as cache:
            cache.take_in(found)  # of a run that was interrupted
            yield FillWithModel(self.work.read_bytes, self.work.settings, known, found)
            cache.take_in(found)

    def _account(self, made: Publication, folders: Iterable[Path]) -> None:
        """Count all parts before one is taken: what is lost must be known before the artifact changes."""
        for folder in folders:
            made.add(shard_counts([folder]), shard_quarantine([folder]))
            for page in traces_in(folder):
                corrections = self.corrected.get((page.label, page.image), ())
                made.trace(msgspec.structs.replace(page, corrections=corrections))


def _link(made: Publication, folders: Iterable[Path]) -> None:
    with made.folder() as draft:
        parts = []
        for number, folder in enumerate(folders):
            (draft / part_name(number)).mkdir()
            link_or_copy(folder / "data.mdb", draft / part_name(number) / "data.mdb")
            parts.append(Part(part_name(number), samples_in(folder), shard_digest(folder)))
        settle_parts(draft, parts)


class _Told:
    """Tells of progress: of each page where this process makes the parts, of each part where others do."""

    def __init__(self, on_progress: OnProgress, limit: int | None) -> None:
        self._on_progress, self._limit, self._before = on_progress, limit, 0

    def page(self, done: int) -> None:
        self._on_progress(self._before + done, self._limit)

    def shard(self, pages: Pages) -> None:
        self._before += len(pages)
        self.page(0)

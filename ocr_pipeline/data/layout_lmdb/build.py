"""Pages -> one layout LMDB, quarantine and manifest.

Decode workers look at the pictures, a thread for each device runs the model, the caller writes. Between them are
queues of bounded length, and each hands on in the order of the pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import cv2

from ocr_pipeline.data.layout_lmdb.accounts import Accounts
from ocr_pipeline.data.layout_lmdb.cache import DetectionCache, cache_path, cache_prefix
from ocr_pipeline.data.layout_lmdb.cells import CellFinder
from ocr_pipeline.data.layout_lmdb.crops import Cut, crops_of, cut_crops
from ocr_pipeline.data.layout_lmdb.decoding import DecodePicture, ReadBytes, Undecodable
from ocr_pipeline.data.layout_lmdb.engines.detections import KEPT_ABOVE, Detections
from ocr_pipeline.data.layout_lmdb.engines.opening import Engines, batches_at_once
from ocr_pipeline.data.layout_lmdb.engines.slots import PictureSlots
from ocr_pipeline.data.layout_lmdb.format.writer import LayoutSample, fill_folder
from ocr_pipeline.data.layout_lmdb.reading import FindImage, PageReader, ReadPage
from ocr_pipeline.data.layout_lmdb.regions import RegionFinder
from ocr_pipeline.data.layout_lmdb.samples import make_record
from ocr_pipeline.data.layout_lmdb.settings import CELL_SCORE, LayoutSettings
from ocr_pipeline.page import Page
from ocr_pipeline.parallel import in_order, worker_processes
from ocr_pipeline.storage.artifacts.loss_limit import USUAL_LIMIT, LossLimit
from ocr_pipeline.storage.artifacts.manifest import Input, Manifest
from ocr_pipeline.storage.artifacts.publication import Publication, publication

STAGE = "layout_lmdb"
CODE_VERSION = "4"

FEW_PAGES = 32
"""So many pages are made sooner than worker processes start."""

_AHEAD = 4  # pictures that wait for the model, for each decode worker

OnProgress = Callable[[int, "int | None"], None]


class _Helpers(NamedTuple):
    """Who takes part in the making of one LMDB, each a step of the way from page to sample."""

    reader: PageReader
    regions: RegionFinder
    cells: CellFinder | None


@dataclass(frozen=True)
class LayoutBuild:
    """The making of layout LMDBs.

    Attributes:
        find_image: path or URL of a page's picture, or why there is none.
        read_bytes: content of such a path; with more than one worker it has to survive pickling.
        engines: the layout model and, where wanted, a detector of table cells.
        workers: processes that read, decode and cut pictures; 1: none but this one.
        on_progress: told how many pages are done, and of how many where that is known.
        loss_limit: how much less than what is published it may hold.
    """

    find_image: FindImage
    read_bytes: ReadBytes
    engines: Engines
    settings: LayoutSettings
    workers: int = 1
    on_progress: OnProgress = lambda done, total: None
    loss_limit: LossLimit = USUAL_LIMIT

    def publish(
        self, target: Path, partition: str, inputs: list[Input], pages: Iterable[Page], *, rebuild: bool = False
    ) -> Manifest:
        """Make one layout LMDB, or find that it is made already.

        Pages are taken in order and a few at a time, so memory does not grow with their number, and the same inputs
        give the same bytes, whatever the number of workers. What the models find is kept in a file beside the LMDB: a
        run that was interrupted, or that has other thresholds, asks them only what they have not answered.

        Args:
            target: folder of the LMDB; quarantine, manifest and detections stand beside it.
            partition: its key, for the manifest.
            inputs: what the pages and pictures were made from, for the manifest.

        Raises:
            PipelineError: a picture cannot be fetched (unlike: is missing or damaged, which goes to the quarantine),
                or the target cannot be written.
        """
        made_with = self._made_with()
        with publication(
            target,
            stage=STAGE,
            partition=partition,
            code_version=CODE_VERSION,
            settings=made_with | self._admitted(),
            inputs=inputs,
            rebuild=rebuild,
            loss_limit=self.loss_limit,
        ) as made:
            if made.current is None:
                rest = iter(pages)
                first = list(islice(rest, FEW_PAGES))
                workers = self.workers if len(first) == FEW_PAGES else 1
                with self._helpers(made, workers) as helpers, made.folder() as folder:
                    samples = self._samples(helpers, islice(chain(first, rest), self.settings.limit))
                    _, made.fingerprint = fill_folder(folder, samples, made_with)
        return made.manifest

    def _made_with(self) -> dict[str, Any]:
        """All that changes the artifact: devices, workers and the size of a batch do not."""
        layout, cells = self.engines
        made_with = {
            "engine": layout.backend,
            "model": layout.name,
            "weights": layout.fingerprint,
            "kept_above": KEPT_ABOVE,
            **self.settings.recorded(),
        }
        if cells and cells.labels:
            made_with |= {
                "cell_engine": cells.backend,
                "cell_model": cells.name,
                "cell_weights": cells.fingerprint,
                "cell_threshold": CELL_SCORE,
            }
        return made_with

    def _admitted(self) -> dict[str, Any]:
        """What decides which pages are samples, and no sample's content."""
        return {"other_size": self.settings.other_size, "max_pixels": self.settings.max_pixels}

    @contextmanager
    def _helpers(self, made: Publication, workers: int) -> Iterator[_Helpers]:
        layout, cell_engine = self.engines
        batch_size, path = self.settings.batch_size, cache_path(made.artifact)
        ahead = max(_AHEAD * workers, batch_size)
        with ExitStack() as stack:
            slots = stack.enter_context(closing(PictureSlots(ahead, layout.input_size)))
            processes = stack.enter_context(worker_processes(workers, partial(cv2.setNumThreads, 1)))
            decode = DecodePicture(self.read_bytes, slots, processes is not None, self.settings.max_pixels)
            cache, cells = None, None
            if layout.labels:
                cache = stack.enter_context(closing(DetectionCache(path)))
                decode = replace(decode, cache=path, cache_prefix=cache_prefix(layout), cache_last=cache.last)
            if cache and cell_engine and cell_engine.labels:
                threads = stack.enter_context(ThreadPoolExecutor(batches_at_once(cell_engine)))
                cells = CellFinder(cell_engine, processes, threads, cache, self.settings, ahead)
            reader = PageReader(self.find_image, decode, processes, ahead, Accounts(made, self.settings))
            threads = stack.enter_context(ThreadPoolExecutor(batches_at_once(layout)))
            yield _Helpers(reader, RegionFinder(layout, threads, cache, batch_size), cells)

    def _samples(self, helpers: _Helpers, pages: Iterable[Page]) -> Iterator[LayoutSample]:
        """The samples of the pages, in the pages' order; each step asks the one before it for more when it has room.

        With batches of two and a picture of b that is damaged, the pages a b c come out of ``read`` as a, (b is set
        aside), c; ``find`` shows the model a and c together; a table on c goes through ``with_cells``; and a c are
        written, by the caller, while d e f are being decoded.
        """
        accounts = helpers.reader.accounts
        found = helpers.regions.find(self._usable(helpers.reader.read(pages)))
        seen = self._seen(found, accounts)
        samples = helpers.cells.with_cells(seen) if helpers.cells else seen
        return self._whole(samples, accounts) if self.settings.samples == "page" else self._cropped(samples, helpers)

    def _usable(self, pages: Iterable[ReadPage | None]) -> Iterator[ReadPage]:
        for done, page in enumerate(pages, start=1):
            if page is not None:
                yield page
            self.on_progress(done, self.settings.limit)

    def _seen(self, found: Iterable[tuple[ReadPage, Detections]], accounts: Accounts) -> Iterator[LayoutSample]:
        for page, detections in found:
            try:
                sample = self._sample(page, detections, accounts)
            except Exception as error:  # noqa: BLE001 (goes to the log there)
                accounts.unexpected(page.placed.page, error, len(page.placed.words))
                continue
            yield sample

    def _sample(self, page: ReadPage, found: Detections, accounts: Accounts) -> LayoutSample:
        labels = self.engines.layout.labels
        record = make_record(page.placed, found, labels, self.settings)
        if labels:
            accounts.regions_found(record)
        return LayoutSample(page.picture.image, record, page.picture.fingerprint)

    def _whole(self, samples: Iterable[LayoutSample], accounts: Accounts) -> Iterator[LayoutSample]:
        for sample in samples:
            accounts.page_out(sample.record)
            yield sample

    def _cropped(self, samples: Iterable[LayoutSample], helpers: _Helpers) -> Iterator[LayoutSample]:
        reader = helpers.reader
        planned = ((sample, crops_of(sample.record, self.settings.samples)) for sample in samples)
        tasks = (((page.record, crops), Cut.of(page.image, crops, self.settings.max_pixels)) for page, crops in planned)
        for (page, crops), images in in_order(reader.workers, cut_crops, tasks, reader.ahead):
            if isinstance(images, Undecodable):
                reader.accounts.uncut(page, images)
                continue
            reader.accounts.crops_out(page, crops)
            yield from (LayoutSample(image, crop) for image, crop in zip(images or (), crops, strict=True))

"""Pages -> one part of a layout LMDB, and what became of each of them.

Decode workers look at the pictures, a thread for each device runs the model, the caller writes. Between them are
queues of bounded length, and each hands on in the order of the pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from ocr_pipeline.data.layout_lmdb.accounts import Accounts
from ocr_pipeline.data.layout_lmdb.cache import DetectionCache, cache_prefix
from ocr_pipeline.data.layout_lmdb.cells import CellFinder
from ocr_pipeline.data.layout_lmdb.crops import Cut, crops_of, cut_crops
from ocr_pipeline.data.layout_lmdb.decoding import DecodePicture, ReadBytes, Undecodable
from ocr_pipeline.data.layout_lmdb.engines.detections import KEPT_ABOVE, Detections
from ocr_pipeline.data.layout_lmdb.engines.opening import Engines, batches_at_once, open_cell_engine, open_engine
from ocr_pipeline.data.layout_lmdb.engines.slots import PictureSlots
from ocr_pipeline.data.layout_lmdb.format.writer import LayoutSample, fill_folder
from ocr_pipeline.data.layout_lmdb.reading import PageReader, ReadPage
from ocr_pipeline.data.layout_lmdb.regions import RegionFinder
from ocr_pipeline.data.layout_lmdb.samples import make_record
from ocr_pipeline.data.layout_lmdb.settings import CELL_SCORE, LayoutSettings
from ocr_pipeline.data.lookup import PageTask
from ocr_pipeline.page import Quarantined
from ocr_pipeline.parallel import in_order
from ocr_pipeline.settings import recorded
from ocr_pipeline.storage.artifacts.lineage import write_traces
from ocr_pipeline.storage.artifacts.quarantine import Counts

_COUNT = "count.json"
_AHEAD = 4  # pictures that wait for the model, for each decode worker

Pages = tuple[PageTask, ...]
"""Those of one part."""


@dataclass(frozen=True)
class PageWork:
    """What is done with pages; it crosses to another process where ``read_bytes`` and the engines do.

    Attributes:
        read_bytes: content of a picture, by its path on the share.
        engines: the layout model and, where wanted, a detector of table cells.
    """

    read_bytes: ReadBytes
    engines: Engines
    settings: LayoutSettings

    def made_with(self) -> dict[str, Any]:
        """All that changes a sample: devices, workers and the size of a batch do not."""
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

    def recorded(self) -> dict[str, Any]:
        """The same, and what decides which pages are samples."""
        return self.made_with() | recorded(self.settings, "other_size", "max_pixels")

    @contextmanager
    def begun(
        self,
        detections: Path | None = None,
        processes: Executor | None = None,
        workers: int = 1,
        on_page: Callable[[int], None] = lambda done: None,
        apart: Path | None = None,
    ) -> Iterator[PartMaker]:
        """Who makes parts, with all helpers.

        Args:
            detections: where those of a model are kept; None without one.
            processes: that decode and cut pictures, as many as there are ``workers``; None: the caller does.
            on_page: told how many pages of a part are done.
            apart: takes what the model finds now, as others look into ``detections`` too.
        """
        layout, cell_engine = self.engines
        ahead = max(_AHEAD * workers, self.settings.batch_size)
        with ExitStack() as stack:
            slots = stack.enter_context(closing(PictureSlots(ahead, layout.input_size)))
            decode = DecodePicture(self.read_bytes, slots, processes is not None, self.settings.max_pixels)
            cache, cells = None, None
            if layout.labels and detections:
                cache = stack.enter_context(closing(DetectionCache(detections, apart)))
                decode = replace(decode, cache=detections, cache_prefix=cache_prefix(layout), cache_last=cache.last)
            if cache and cell_engine and cell_engine.labels:
                threads = stack.enter_context(ThreadPoolExecutor(batches_at_once(cell_engine)))
                cells = CellFinder(cell_engine, processes, threads, cache, self.settings, ahead)
            threads = stack.enter_context(ThreadPoolExecutor(batches_at_once(layout)))
            regions = RegionFinder(layout, threads, cache, self.settings.batch_size)
            yield PartMaker(self, decode, processes, ahead, regions, cells, on_page)


def fill_alone(work: PageWork, pages: Pages, draft: Path) -> tuple[Counts, list[Quarantined]]:
    """Make one part without a model and without helpers: what a worker does, wherever it is."""
    with work.begun() as maker:
        return maker.fill(pages, draft)


@dataclass(frozen=True)
class FillWithModel:
    """Makes one part with models of its own: what a worker does that has a device, wherever it is.

    Attributes:
        detections: where those of a model are kept; found: folder of what is found now, a file for each part.
    """

    read_bytes: ReadBytes
    settings: LayoutSettings
    detections: Path
    found: Path

    def __call__(self, pages: Pages, draft: Path) -> tuple[Counts, list[Quarantined]]:
        work = PageWork(self.read_bytes, _own_engines(self.settings), self.settings)
        with work.begun(self.detections, apart=self.found / f"{draft.name}.sqlite") as maker:
            return maker.fill(pages, draft)


@lru_cache(maxsize=1)
def _own_engines(settings: LayoutSettings) -> Engines:
    """The models as a worker keeps them open."""
    return Engines(open_engine(settings), open_cell_engine(settings))


@dataclass(frozen=True)
class PartMaker:
    """Makes one part after the other; who takes part, each a step of the way from page to sample."""

    work: PageWork
    decode: DecodePicture
    processes: Executor | None
    ahead: int
    regions: RegionFinder
    cells: CellFinder | None
    on_page: Callable[[int], None]

    def fill(self, pages: Pages, draft: Path) -> tuple[Counts, list[Quarantined]]:
        """Write the LMDB of some pages, how many samples it holds and of which pages they are."""
        accounts = Accounts(self.work.settings)
        count = fill_folder(draft, self._samples(pages, accounts), self.work.made_with())
        (draft / _COUNT).write_bytes(msgspec.json.encode(count))
        write_traces(draft, accounts.traces)
        return accounts.counts, accounts.quarantined

    def _samples(self, pages: Pages, accounts: Accounts) -> Iterator[LayoutSample]:
        """The samples of the pages, in the pages' order; each step asks the one before it for more when it has room.

        With batches of two and a picture of b that is damaged, the pages a b c come out of ``read`` as a, (b is set
        aside), c; ``find`` shows the model a and c together; a table on c goes through ``with_cells``; and a c are
        written, by the caller, while d e f are being decoded.
        """
        reader = PageReader(self.decode, self.processes, self.ahead, accounts)
        seen = self._seen(self.regions.find(self._usable(reader.read(pages))), accounts)
        samples = self.cells.with_cells(seen) if self.cells else seen
        is_whole = self.work.settings.samples == "page"
        return self._whole(samples, accounts) if is_whole else self._cropped(samples, accounts)

    def _usable(self, pages: Iterable[ReadPage | None]) -> Iterator[ReadPage]:
        for done, page in enumerate(pages, start=1):
            if page is not None:
                yield page
            self.on_page(done)

    def _seen(self, found: Iterable[tuple[ReadPage, Detections]], accounts: Accounts) -> Iterator[LayoutSample]:
        for page, detections in found:
            try:
                sample = self._sample(page, detections, accounts)
            except Exception as error:  # noqa: BLE001 (goes to the log there)
                accounts.unexpected(page.placed.page, error, len(page.placed.words))
                continue
            yield sample

    def _sample(self, page: ReadPage, found: Detections, accounts: Accounts) -> LayoutSample:
        labels = self.work.engines.layout.labels
        record = make_record(page.placed, found, labels, self.work.settings)
        if labels:
            accounts.regions_found(record)
        return LayoutSample(page.picture.image, record, page.picture.fingerprint)

    def _whole(self, samples: Iterable[LayoutSample], accounts: Accounts) -> Iterator[LayoutSample]:
        for sample in samples:
            accounts.page_out(sample.record)
            yield sample

    def _cropped(self, samples: Iterable[LayoutSample], accounts: Accounts) -> Iterator[LayoutSample]:
        settings = self.work.settings
        planned = ((sample, crops_of(sample.record, settings.samples)) for sample in samples)
        tasks = (((page.record, crops), Cut.of(page.image, crops, settings.max_pixels)) for page, crops in planned)
        for (page, crops), images in in_order(self.processes, cut_crops, tasks, self.ahead):
            if isinstance(images, Undecodable):
                accounts.uncut(page, images)
                continue
            accounts.crops_out(page, crops)
            yield from (LayoutSample(image, crop) for image, crop in zip(images or (), crops, strict=True))


def samples_in(folder: Path) -> int:
    """How many samples a finished part holds."""
    return msgspec.json.decode((folder / _COUNT).read_bytes(), type=int)

"""One pass over the pages of a partition: every page becomes samples or is set aside, and is counted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import msgspec
import numpy as np

from ocr_pipeline.layout_lmdb.cache import DetectionCache, Known, cache_prefix
from ocr_pipeline.layout_lmdb.cells import CellFinder, Tables
from ocr_pipeline.layout_lmdb.crops import Cut, crops_of, cut_crops
from ocr_pipeline.layout_lmdb.detections import Detections
from ocr_pipeline.layout_lmdb.engines import LayoutEngine
from ocr_pipeline.layout_lmdb.feeding import in_order
from ocr_pipeline.layout_lmdb.looking import Look, Looking, Unseen
from ocr_pipeline.layout_lmdb.record import TABLE, LayoutRecord, LayoutWord
from ocr_pipeline.layout_lmdb.samples import make_record, place_words
from ocr_pipeline.layout_lmdb.settings import LayoutSettings
from ocr_pipeline.layout_lmdb.writer import Sample
from ocr_pipeline.page import Page
from ocr_pipeline.storage.quarantine import Counts, Quarantined, QuarantineWriter

FindImage = Callable[[Page], "str | Quarantined"]
OnProgress = Callable[[int, "int | None"], None]

_BATCHES_AHEAD = 2  # one with the model, one waiting for it

_log = logging.getLogger(__name__)


class _Seen(NamedTuple):
    """A page whose picture is there, and the words upon it."""

    page: Page
    look: Look
    words: tuple[LayoutWord, ...]


class _Input(NamedTuple):
    """What the model has not seen yet of a batch: pictures, and (width, height) of each page."""

    pixels: list[np.ndarray]
    sizes: list[tuple[int, int]]


@dataclass
class Run:
    """One pass over the pages; ``counts`` is complete when the samples are used up.

    Attributes:
        find_image: path or URL of a page's picture, or why there is none.
        looking: what a decode worker does with a path.
        workers: processes that decode and cut; None: the caller does.
        ahead: pages that are decoded ahead of the model.
        engine: the layout model.
        model: the thread in which it runs.
        cache: of its raw detections; None: it costs nothing to ask it again.
        cells: finder of table cells, where wanted.
        quarantine: where what is set aside is written to.
        total: number of pages where known, for ``on_progress(done, total)``.
    """

    find_image: FindImage
    looking: Looking
    workers: Executor | None
    ahead: int
    engine: LayoutEngine
    model: Executor
    cache: DetectionCache | None
    cells: CellFinder | None
    settings: LayoutSettings
    quarantine: QuarantineWriter
    total: int | None = None
    on_progress: OnProgress | None = None
    counts: Counts = field(default_factory=Counts)

    def samples(self, pages: Iterable[Page]) -> Iterator[Sample]:
        """The samples of the pages, in the pages' order."""
        paths = ((page, self.find_image(page)) for page in islice(pages, self.settings.limit))
        tasks = (((page, found), found if isinstance(found, str) else None) for page, found in paths)
        seen = self._seen(in_order(self.workers, self.looking, tasks, self.ahead))
        records = self._with_cells(self._records(self._detected(seen)))
        if self.settings.samples == "page":
            yield from self._whole(records)
        else:
            yield from self._cropped(records)

    def _seen(self, looks: Iterable[tuple[tuple[Page, str | Quarantined], Look | Unseen | None]]) -> Iterator[_Seen]:
        for done, ((page, found), look) in enumerate(looks, start=1):
            self.counts.pages_in += 1
            self.counts.words_in += len(page.words)
            if isinstance(found, Quarantined):
                self._set_aside(msgspec.structs.replace(found, words=len(page.words)))
            elif isinstance(look, Look):
                yield from self._placed(page, look)
            elif look is not None:
                self._set_aside(_page_aside(page, look.reason, look.detail, len(page.words)))
            if self.on_progress:
                self.on_progress(done, self.total)

    def _placed(self, page: Page, look: Look) -> Iterator[_Seen]:
        words, aside, clipped = place_words(page, look.size)
        for record in aside:
            self._set_aside(record)
        self.counts.note("words_clipped", clipped)
        self.counts.note("size_differs", look.size != (page.width, page.height))
        if page.words and not words:  # as a sample it would teach that its text is background
            self._set_aside(_page_aside(page, "no_words_left", f"none of its {len(page.words)} words is on it", 0))
        else:
            yield _Seen(page, look, words)

    def _detected(self, seen: Iterator[_Seen]) -> Iterator[tuple[_Seen, Detections]]:
        """Batches are cut by place, not by what is cached, so that a resumed run shows the model the same ones."""
        batches = iter(lambda: list(islice(seen, self.settings.batch_size)), [])
        tasks = ((batch, _unknown(batch)) for batch in batches)
        for batch, answers in in_order(self.model, self._infer, tasks, _BATCHES_AHEAD):
            fresh = iter(answers)
            found = [next(fresh) if page.look.found is None else page.look.found for page in batch]
            if self.cache:
                prefix = cache_prefix(self.engine)
                self.cache.put(
                    (f"{prefix}/{page.look.fingerprint}", Known(page.look.size, detections))
                    for page, detections in zip(batch, found, strict=True)
                    if page.look.found is None
                )
            yield from zip(batch, found, strict=True)

    def _infer(self, unknown: _Input) -> list[Detections]:
        return self.engine.infer(np.stack(unknown.pixels), unknown.sizes) if unknown.sizes else []

    def _records(self, detected: Iterable[tuple[_Seen, Detections]]) -> Iterator[tuple[Look, LayoutRecord]]:
        for (page, look, words), found in detected:
            record = make_record(page, look.size, words, found, self.engine.labels, self.settings)
            if self.engine.labels:
                self._note_regions(record)
            yield look, record

    def _note_regions(self, record: LayoutRecord) -> None:
        counted = [region for region in record.regions if region.score > self.settings.threshold_of(region.label)]
        for region in counted:
            self.counts.note(f"regions_{region.label}")
        self.counts.note("pages_without_region", not counted)
        self.counts.note("words_without_region", sum(word.region is None for word in record.words))

    def _with_cells(self, records: Iterator[tuple[Look, LayoutRecord]]) -> Iterator[tuple[bytes, LayoutRecord]]:
        if self.cells is None:
            yield from ((look.image, record) for look, record in records)
            return
        tasks = (((look.image, record), self._tables(look, record)) for look, record in records)
        for (image, record), cells in self.cells.find(tasks):
            yield image, msgspec.structs.replace(record, cells=cells)

    def _tables(self, look: Look, record: LayoutRecord) -> Tables | None:
        tables = [
            (place, region.box)
            for place, region in enumerate(record.regions)
            if region.label == TABLE and region.score > self.settings.table_threshold
        ]
        if not tables:
            return None
        regions, boxes = zip(*tables, strict=True)
        return Tables(look.image, look.fingerprint, regions, boxes)

    def _whole(self, records: Iterable[Sample]) -> Iterator[Sample]:
        for image, record in records:
            self.counts.pages_out += 1
            self.counts.words_out += len(record.words)
            yield image, record

    def _cropped(self, records: Iterable[Sample]) -> Iterator[Sample]:
        planned = ((record, image, crops_of(record, self.settings.samples)) for image, record in records)
        tasks = (((page, crops), _cut(image, crops)) for page, image, crops in planned)
        for (page, crops), images in in_order(self.workers, cut_crops, tasks, self.ahead):
            self._count_crops(page, crops)
            yield from zip(images, crops, strict=True)

    def _count_crops(self, page: LayoutRecord, crops: list[LayoutRecord]) -> None:
        """A word counts as out in the one crop whose text it is part of; the others are set aside."""
        out = {word.id for crop in crops for word in crop.words if word.region is not None}
        reason = f"no_{self.settings.samples}"
        self.counts.note("samples", len(crops))
        self.counts.words_out += len(out)
        self.counts.pages_out += bool(crops)
        left = [word for word in page.words if word.id not in out]
        source = (reason, page.dataset, page.split, page.label, page.image)
        if not crops:
            self._set_aside(Quarantined("page", *source, words=len(left)))
            return
        for word in left:
            self._set_aside(Quarantined("word", *source, word=word.id))

    def _set_aside(self, record: Quarantined) -> None:
        self.counts.set_aside(record)
        self.quarantine.write(record)
        level = logging.INFO if self.settings.verbose else logging.DEBUG
        _log.log(level, "%s set aside (%s): %s %s", record.unit, record.reason, record.image, record.detail)


def _unknown(batch: list[_Seen]) -> _Input:
    new = [(seen.look.pixels, seen.look.size) for seen in batch if seen.look.pixels is not None]
    return _Input([pixels for pixels, _ in new], [size for _, size in new])


def _cut(image: bytes, crops: list[LayoutRecord]) -> Cut | None:
    windows = tuple(tuple(map(int, crop.crop)) for crop in crops if crop.crop)
    return Cut(image, windows) if windows else None  # type: ignore[arg-type]


def _page_aside(page: Page, reason: str, detail: str, words: int) -> Quarantined:
    return Quarantined(
        unit="page",
        reason=reason,
        dataset=page.dataset,
        split=page.split,
        label=page.label,
        image=page.image,
        detail=detail,
        words=words,
    )

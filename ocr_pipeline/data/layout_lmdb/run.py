"""One pass over the pages of a partition: every page becomes samples or is set aside, and is counted."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import msgspec
import numpy as np

from ocr_pipeline.data.layout_lmdb.cache import DetectionCache, Known, cache_prefix
from ocr_pipeline.data.layout_lmdb.cells import CellFinder, Tables
from ocr_pipeline.data.layout_lmdb.crops import Cut, crops_of, cut_crops
from ocr_pipeline.data.layout_lmdb.engines.detections import Detections
from ocr_pipeline.data.layout_lmdb.engines.engine import LayoutEngine
from ocr_pipeline.data.layout_lmdb.engines.opening import batches_at_once
from ocr_pipeline.data.layout_lmdb.engines.slots import PictureSlots
from ocr_pipeline.data.layout_lmdb.feeding import in_order
from ocr_pipeline.data.layout_lmdb.format.record import TABLE, LayoutRecord, LayoutWord
from ocr_pipeline.data.layout_lmdb.format.writer import Sample
from ocr_pipeline.data.layout_lmdb.looking import Look, Looking, Unseen
from ocr_pipeline.data.layout_lmdb.samples import make_record, place_words
from ocr_pipeline.data.layout_lmdb.settings import LayoutSettings
from ocr_pipeline.page import Page
from ocr_pipeline.storage.artifacts.publication import Publication
from ocr_pipeline.storage.artifacts.quarantine import Quarantined

FindImage = Callable[[Page], "str | Quarantined"]
OnProgress = Callable[[int, "int | None"], None]

_log = logging.getLogger(__name__)


class _Asked(NamedTuple):
    """A page whose picture is looked at: in which slot it will be, or why there is no picture."""

    page: Page
    slot: int | None = None
    aside: Quarantined | None = None


class _Seen(NamedTuple):
    """A page whose picture is there, and the words upon it with their boxes."""

    page: Page
    look: Look
    slot: int
    words: tuple[LayoutWord, ...]
    boxes: np.ndarray


class _Input(NamedTuple):
    """What the model has not seen yet of a batch: slots of the pictures, and (width, height) of each page."""

    slots: list[int]
    sizes: list[tuple[int, int]]


def batches_ahead(engine: LayoutEngine) -> int:
    """Batches that are with the model or wait for it: one for each device, and one more."""
    return batches_at_once(engine) + 1


def slots_needed(ahead: int, batch_size: int, engine: LayoutEngine) -> int:
    """Pages that are under way at most: those looked at and those in batches, rounded up to whole batches."""
    return batch_size * (math.ceil(ahead / batch_size) + batches_ahead(engine))


@dataclass
class Run:
    """One pass over the pages.

    Attributes:
        find_image: path or URL of a page's picture, or why there is none.
        looking: what a decode worker does with a path.
        slots: for the pictures of the pages under way, `slots_needed` of them.
        workers: processes that decode and cut; None: the caller does.
        ahead: pages that are decoded ahead of the model.
        engine: the layout model.
        model: the threads in which it runs.
        cache: of its raw detections; None: it costs nothing to ask it again.
        cells: finder of table cells, where wanted.
        made: counts everything and takes what is set aside.
        total: number of pages where known, for ``on_progress(done, total)``.
    """

    find_image: FindImage
    looking: Looking
    slots: PictureSlots
    workers: Executor | None
    ahead: int
    engine: LayoutEngine
    model: Executor
    cache: DetectionCache | None
    cells: CellFinder | None
    settings: LayoutSettings
    made: Publication
    total: int | None = None
    on_progress: OnProgress | None = None

    def samples(self, pages: Iterable[Page]) -> Iterator[Sample]:
        """The samples of the pages, in the pages' order."""
        tasks = (self._task(page) for page in islice(pages, self.settings.limit))
        seen = self._seen(in_order(self.workers, self.looking, tasks, self.ahead))
        records = self._with_cells(self._records(self._detected(seen)))
        if self.settings.samples == "page":
            yield from self._whole(records)
        else:
            yield from self._cropped(records)

    def _task(self, page: Page) -> tuple[_Asked, tuple[str, int] | None]:
        found = self.find_image(page)
        if isinstance(found, Quarantined):
            return _Asked(page, aside=found), None
        slot = self.slots.take()
        return _Asked(page, slot), (found, slot)

    def _seen(self, looks: Iterable[tuple[_Asked, Look | Unseen | None]]) -> Iterator[_Seen]:
        for done, (asked, look) in enumerate(looks, start=1):
            self.made.counts.pages_in += 1
            self.made.counts.words_in += len(asked.page.words)
            seen = self._placed(asked, look)
            if asked.slot is not None and (seen is None or seen.look.found is not None):
                self.slots.give_back(asked.slot)
            if seen is not None:
                yield seen
            if self.on_progress:
                self.on_progress(done, self.total)

    def _placed(self, asked: _Asked, look: Look | Unseen | None) -> _Seen | None:
        page, slot, aside = asked
        if aside is not None:
            self._set_aside(msgspec.structs.replace(aside, words=len(page.words)))
        elif isinstance(look, Unseen):
            self._set_aside(_page_aside(page, look.reason, look.detail, len(page.words)))
        if slot is None or not isinstance(look, Look):
            return None
        placed = place_words(page, look.size)
        for record in placed.aside:
            self._set_aside(record)
        self.made.counts.note("words_clipped", placed.clipped)
        self.made.counts.note("size_differs", look.size != (page.width, page.height))
        if page.words and not placed.words:  # as a sample it would teach that its text is background
            self._set_aside(_page_aside(page, "no_words_left", f"none of its {len(page.words)} words is on it", 0))
            return None
        if look.in_slot:
            look = look._replace(image=self.slots.file(slot, look.in_slot), in_slot=0)
        return _Seen(page, look, slot, placed.words, placed.boxes)

    def _detected(self, seen: Iterator[_Seen]) -> Iterator[tuple[_Seen, Detections]]:
        """Batches are cut by place, not by what is cached, so that a resumed run shows the model the same ones."""
        batches = iter(lambda: list(islice(seen, self.settings.batch_size)), [])
        tasks = ((batch, _unknown(batch)) for batch in batches)
        for batch, answers in in_order(self.model, self._infer, tasks, batches_ahead(self.engine)):
            fresh = iter(answers)
            found = [next(fresh) if page.look.found is None else page.look.found for page in batch]
            for page in batch:
                if page.look.found is None:
                    self.slots.give_back(page.slot)
            if self.cache:
                prefix = cache_prefix(self.engine)
                self.cache.put(
                    (f"{prefix}/{page.look.fingerprint}", Known(page.look.size, detections))
                    for page, detections in zip(batch, found, strict=True)
                    if page.look.found is None
                )
            yield from zip(batch, found, strict=True)

    def _infer(self, unknown: _Input) -> list[Detections]:
        return self.engine.infer(self.slots.together(unknown.slots), unknown.sizes) if unknown.sizes else []

    def _records(self, detected: Iterable[tuple[_Seen, Detections]]) -> Iterator[tuple[Look, LayoutRecord]]:
        for (page, look, _, words, boxes), found in detected:
            record = make_record(page, look.size, words, boxes, found, self.engine.labels, self.settings)
            if self.engine.labels:
                self._note_regions(record)
            yield look, record

    def _note_regions(self, record: LayoutRecord) -> None:
        counted = [region for region in record.regions if region.score > self.settings.threshold_of(region.label)]
        for region in counted:
            self.made.counts.note(f"regions_{region.label}")
        self.made.counts.note("pages_without_region", not counted)
        self.made.counts.note("words_without_region", sum(word.region is None for word in record.words))

    def _with_cells(self, records: Iterator[tuple[Look, LayoutRecord]]) -> Iterator[Sample]:
        if self.cells is None:
            yield from (Sample(look.image, record, look.fingerprint) for look, record in records)
            return
        tasks = (((look, record), self._tables(look, record)) for look, record in records)
        for (look, record), cells in self.cells.find(tasks):
            yield Sample(look.image, msgspec.structs.replace(record, cells=cells), look.fingerprint)

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
        for sample in records:
            self.made.counts.pages_out += 1
            self.made.counts.words_out += len(sample.record.words)
            yield sample

    def _cropped(self, records: Iterable[Sample]) -> Iterator[Sample]:
        planned = ((record, image, crops_of(record, self.settings.samples)) for image, record, _ in records)
        tasks = (((page, crops), _cut(image, crops)) for page, image, crops in planned)
        for (page, crops), images in in_order(self.workers, cut_crops, tasks, self.ahead):
            self._count_crops(page, crops)
            yield from (Sample(image, crop) for image, crop in zip(images, crops, strict=True))

    def _count_crops(self, page: LayoutRecord, crops: list[LayoutRecord]) -> None:
        """A word counts as out in the one crop whose text it is part of; the others are set aside."""
        out = {word.id for crop in crops for word in crop.words if word.region is not None}
        reason = f"no_{self.settings.samples}"
        self.made.counts.note("samples", len(crops))
        self.made.counts.words_out += len(out)
        self.made.counts.pages_out += bool(crops)
        left = [word for word in page.words if word.id not in out]
        source = (reason, page.dataset, page.split, page.label, page.image)
        if not crops:
            self._set_aside(Quarantined("page", *source, words=len(left)))
            return
        for word in left:
            self._set_aside(Quarantined("word", *source, word=word.id))

    def _set_aside(self, record: Quarantined) -> None:
        self.made.set_aside(record)
        level = logging.INFO if self.settings.verbose else logging.DEBUG
        _log.log(level, "%s set aside (%s): %s %s", record.unit, record.reason, record.image, record.detail)


def _unknown(batch: list[_Seen]) -> _Input:
    new = [seen for seen in batch if seen.look.found is None]
    return _Input([seen.slot for seen in new], [seen.look.size for seen in new])


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

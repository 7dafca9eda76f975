"""Table cells: tables cut from a page, seen by a cell detector, its boxes moved back to the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import msgspec
import numpy as np

from ocr_pipeline.data.layout_lmdb.cache import DetectionCache, KnownRegions, cache_prefix
from ocr_pipeline.data.layout_lmdb.engines.detections import Detections, model_input
from ocr_pipeline.data.layout_lmdb.engines.engine import LayoutEngine
from ocr_pipeline.data.layout_lmdb.engines.opening import batches_at_once
from ocr_pipeline.data.layout_lmdb.format.geometry import Box
from ocr_pipeline.data.layout_lmdb.format.record import TABLE, Cell
from ocr_pipeline.data.layout_lmdb.format.writer import LayoutSample
from ocr_pipeline.data.layout_lmdb.samples import rounded_box
from ocr_pipeline.data.layout_lmdb.settings import LayoutSettings
from ocr_pipeline.parallel import in_order
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.files.pictures import decode_picture

MAX_SIDE = 1280
"""Longest side of a table crop in pixels; larger ones are shrunk first, as the cell detectors were trained."""


class Tables(NamedTuple):
    """An encoded page and the tables on it: positions in the page's regions, and boxes in pixels."""

    image: bytes
    fingerprint: str
    regions: tuple[int, ...]
    boxes: tuple[Box, ...]
    most_pixels: int


class _Asked(NamedTuple):
    sample: LayoutSample
    tables: Tables | None
    known: list[KnownRegions]


class _Crops(NamedTuple):
    pixels: np.ndarray
    sizes: list[tuple[int, int]]


@dataclass(frozen=True)
class CutTables:
    """Cuts tables from pages for a model of ``input_size``; crosses to a worker process."""

    input_size: tuple[int, int]

    def __call__(self, tables: Tables) -> _Crops:
        picture = decode_picture(tables.image, most_pixels=tables.most_pixels)
        crops = [picture[y0:y1, x0:x1] for x0, y0, x1, y1 in map(_pixels, tables.boxes)]
        pixels = np.stack([model_input(_shrunk(crop), self.input_size) for crop in crops])
        return _Crops(pixels, [(crop.shape[1], crop.shape[0]) for crop in crops])


@dataclass(frozen=True)
class CellFinder:
    """A cell detector with its helpers: who cuts, who runs the model, what was found before.

    Attributes:
        engine: of table cells.
        cutters: processes that cut; None: the caller.
        model: the threads in which the model runs.
        cache: of raw detections.
        settings: which regions count as tables, and how many of them the model sees at once.
        ahead: pages that are cut ahead of the model.
    """

    engine: LayoutEngine
    cutters: Executor | None
    model: Executor
    cache: DetectionCache
    settings: LayoutSettings
    ahead: int

    def with_cells(self, samples: Iterable[LayoutSample]) -> Iterator[LayoutSample]:
        """Each page with the cells of its tables, kept above the score that every engine keeps."""
        last = self.cache.last
        asked = (self._asked(sample, last) for sample in samples)
        tasks = ((page, None if page.known else page.tables) for page in asked)
        cut = in_order(self.cutters, CutTables(self.engine.input_size), tasks, self.ahead)
        for (sample, tables, known), found in in_order(self.model, self._infer, cut, batches_at_once(self.engine) + 1):
            if tables is None:
                yield sample
                continue
            by_table = known or [KnownRegions((0, 0), detections) for detections in found or ()]
            if not known:
                self.cache.put((self._key(tables, box), one) for box, one in zip(tables.boxes, by_table, strict=True))
            cells = tuple(_cells(tables, [one.found for one in by_table]))
            yield sample._replace(record=msgspec.structs.replace(sample.record, cells=cells))

    def _asked(self, sample: LayoutSample, last: int) -> _Asked:
        tables = _tables(sample, self.settings)
        return _Asked(sample, tables, self._known(tables, last))

    def _infer(self, crops: _Crops) -> list[Detections]:
        found = []
        for start in range(0, len(crops.sizes), self.settings.batch_size):
            part = slice(start, start + self.settings.batch_size)
            found += self.engine.infer(crops.pixels[part], crops.sizes[part])
        return found

    def _known(self, tables: Tables | None, last: int) -> list[KnownRegions]:
        """What was found in these tables before; nothing unless it is all there."""
        if tables is None or not last:
            return []
        found = [self.cache.get(self._key(tables, box), last) for box in tables.boxes]
        known = [one for one in found if one is not None]
        return known if len(known) == len(found) else []

    def _key(self, tables: Tables, box: Box) -> str:
        return f"{cache_prefix(self.engine)}/{fingerprint_of((tables.fingerprint, repr(_pixels(box))))}"


def _tables(sample: LayoutSample, settings: LayoutSettings) -> Tables | None:
    tables = [
        (place, region.box)
        for place, region in enumerate(sample.record.regions)
        if region.label == TABLE and region.score > settings.table_threshold
    ]
    if not tables:
        return None
    regions, boxes = zip(*tables, strict=True)
    return Tables(sample.image, sample.fingerprint, regions, boxes, settings.max_pixels)


def _cells(tables: Tables, found: Sequence[Detections]) -> Iterator[Cell]:
    for region, table, detections in zip(tables.regions, tables.boxes, found, strict=True):
        x0, y0, _, _ = _pixels(table)
        for box, score in zip(detections.boxes, detections.scores, strict=True):
            yield Cell(rounded_box(box + np.array([x0, y0, x0, y0], np.float32)), round(float(score), 4), region)


def _pixels(box: Box) -> tuple[int, int, int, int]:
    """The box in whole pixels, at least one in each direction."""
    x0, y0 = int(box[0]), int(box[1])
    return x0, y0, max(round(box[2]), x0 + 1), max(round(box[3]), y0 + 1)


def _shrunk(crop: np.ndarray) -> np.ndarray:
    scale = MAX_SIDE / max(crop.shape[:2])
    if scale >= 1:
        return crop
    return cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)

"""What the layout model finds on each page: asked in batches, and only for what it has not seen before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np

from ocr_pipeline.data.layout_lmdb.cache import DetectionCache, KnownRegions, cache_prefix
from ocr_pipeline.data.layout_lmdb.engines.detections import Detections
from ocr_pipeline.data.layout_lmdb.engines.engine import LayoutEngine
from ocr_pipeline.data.layout_lmdb.engines.opening import batches_at_once
from ocr_pipeline.data.layout_lmdb.reading import ReadPage
from ocr_pipeline.parallel import in_order


@dataclass
class _Batch:
    """Some pages in a row, and the pixels of those that the model has not seen.

    Attributes:
        pixels: uint8 [batch size, height, width, 3], the first ``len(sizes)`` of them filled.
        sizes: (width, height) of the pictures in ``pixels``.
    """

    pixels: np.ndarray
    pages: list[ReadPage] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)

    def add(self, page: ReadPage) -> None:
        if page.picture.found is None:
            self.pixels[len(self.sizes)] = page.pixels
            self.sizes.append(page.picture.size)
        self.pages.append(page)


@dataclass(frozen=True)
class RegionFinder:
    """A layout model with its helpers.

    Attributes:
        threads: in which the model runs.
        cache: of raw detections; None: it costs nothing to ask the model again.
        batch_size: pages that the model sees at once.
    """

    engine: LayoutEngine
    threads: Executor
    cache: DetectionCache | None
    batch_size: int

    def find(self, pages: Iterable[ReadPage]) -> Iterator[tuple[ReadPage, Detections]]:
        """Each page with its regions, kept above the score that every engine keeps."""
        # Batches are cut by place, not by what is cached. With batch_size=2, pages a b c d of which b and c are known:
        # the model sees (a) and (d), never (a d), so that a run that was interrupted shows it the batches of one that
        # was not, and its answers agree to the last bit.
        batches = ((batch, batch if batch.sizes else None) for batch in self._batches(pages))
        for batch, answers in in_order(self.threads, self._infer, batches, batches_at_once(self.engine) + 1):
            fresh = iter(answers or ())
            found = [next(fresh) if page.picture.found is None else page.picture.found for page in batch.pages]
            self._remember(batch.pages, found)
            yield from zip(batch.pages, found, strict=True)

    def _batches(self, pages: Iterable[ReadPage]) -> Iterator[_Batch]:
        batch = self._empty()
        for page in pages:
            batch.add(page)
            if len(batch.pages) == self.batch_size:
                yield batch
                batch = self._empty()
        if batch.pages:
            yield batch

    def _empty(self) -> _Batch:
        width, height = self.engine.input_size
        return _Batch(np.empty((self.batch_size, height, width, 3), np.uint8))

    def _infer(self, batch: _Batch) -> list[Detections]:
        return self.engine.infer(batch.pixels[: len(batch.sizes)], batch.sizes)

    def _remember(self, pages: list[ReadPage], found: list[Detections]) -> None:
        if self.cache:
            prefix = cache_prefix(self.engine)
            self.cache.put(
                (f"{prefix}/{page.picture.fingerprint}", KnownRegions(page.picture.size, detections))
                for page, detections in zip(pages, found, strict=True)
                if page.picture.found is None
            )

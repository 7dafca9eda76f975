"""Layout LMDBs as training crops and as validation pages.

What a sample looks like depends on the seed and on its position in the training alone: so the number of workers changes
nothing, and a resumed training sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.evaluation import Truth
from ocr_pipeline.fast.augmentation import Points, random_crop
from ocr_pipeline.fast.config import FastConfig
from ocr_pipeline.fast.pictures import Picture, fit_short_side, read_rgb
from ocr_pipeline.fast.targets import draw_targets
from ocr_pipeline.layout_lmdb import LayoutReader, LayoutRecord
from ocr_pipeline.storage.manifest import read_manifest


class Batch(NamedTuple):
    """Tensors of N crops of S x S: pictures (N, 3, S, S) uint8, maps (N, S, S) uint8, instance int32."""

    pictures: Tensor
    text: Tensor
    kernel: Tensor
    mask: Tensor
    instance: Tensor


class PreparedPage(NamedTuple):
    """A validation page: fitted picture, (height, width) of the original, and its labels in pixels of the original."""

    picture: Picture
    original_size: tuple[int, int]
    truths: list[Truth]


class Pages:
    """The samples of several layout LMDBs, one after the other.

    Raises:
        PipelineError: an LMDB is not there, or all are empty.
    """

    def __init__(self, lmdbs: Sequence[Path]) -> None:
        self._readers = [LayoutReader(path) for path in lmdbs]
        self._ends = list(accumulate(len(reader) for reader in self._readers))
        if not self._ends or not self._ends[-1]:
            names = ", ".join(str(path) for path in lmdbs) or "no LMDB given"
            raise PipelineError("no page to train from", where=names, remedy="Make the layout LMDBs first.")

    def __len__(self) -> int:
        return self._ends[-1]

    def read(self, index: int) -> tuple[Picture, LayoutRecord]:
        number = bisect_right(self._ends, index)
        local = index - (self._ends[number - 1] if number else 0)
        image, record = self._readers[number].read(local)
        return read_rgb(image, f"{self._readers[number].path}, sample {local}"), record

    def manifest(self) -> list[dict[str, str | int]]:
        """Name, length and fingerprint (empty if unknown) of each LMDB, for the checkpoint."""
        entries: list[dict[str, str | int]] = []
        for reader in self._readers:
            known = read_manifest(reader.path)
            fingerprint = known.fingerprint if known else ""
            entries.append({"name": reader.path.name, "samples": len(reader), "fingerprint": fingerprint})
        return entries


class TrainingCrops(Dataset[Batch]):
    """Random crops with their targets; indexed by (position in the training, page)."""

    def __init__(self, pages: Pages, config: FastConfig, seed: int) -> None:
        self._pages, self._config, self._seed = pages, config, seed

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        position, index = key
        config, random = self._config, np.random.default_rng((self._seed, position))
        picture, record = self._pages.read(index)
        polygons, ignored = labelled_areas(record)
        crop = random_crop(picture, polygons, ignored, config.img_size, config.short_size, config.augmentation, random)
        margin = (
            config.pooling_size
        )  # so that words which leave the crop are eroded at their own edge, not at the crop's
        size = config.img_size + 2 * margin
        visible = [number for number, polygon in enumerate(crop.polygons) if _touches(polygon + margin, size)]
        targets = draw_targets(
            (size, size),
            [np.rint(crop.polygons[number] + margin).astype(np.int32) for number in visible],
            [ignored[number] for number in visible],
            config.pooling_size,
        )
        page = np.zeros((size, size), np.uint8)
        cv2.fillPoly(page, [np.rint(crop.page + margin).astype(np.int32)], 1)
        inner = slice(margin, -margin)
        maps = (targets.text, targets.kernel, targets.mask & page, targets.instance)
        text, kernel, mask, instance = (torch.from_numpy(layer[inner, inner].copy()) for layer in maps)
        return Batch(torch.from_numpy(crop.picture).permute(2, 0, 1).contiguous(), text, kernel, mask, instance)


class ValidationPages(Dataset[PreparedPage]):
    """Whole pages at the size of inference; at most ``most`` of them, spread evenly."""

    def __init__(self, pages: Pages, short_size: int, most: int | None) -> None:
        count = min(len(pages), most or len(pages))
        self._pages, self._short_size = pages, short_size
        self._chosen = [position * len(pages) // count for position in range(count)]

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, number: int) -> PreparedPage:
        picture, record = self._pages.read(self._chosen[number])
        truths = [Truth(polygon, ignore) for polygon, ignore in zip(*labelled_areas(record), strict=True)]
        return PreparedPage(fit_short_side(picture, self._short_size), (record.height, record.width), truths)


class SampleOrder(Sampler[tuple[int, int]]):
    """(position, page) from ``start`` to ``stop``; each pass over the pages has its own seeded order."""

    def __init__(self, pages: int, seed: int, start: int, stop: int) -> None:
        self._pages, self._seed, self._start, self._stop = pages, seed, start, stop

    def __len__(self) -> int:
        return self._stop - self._start

    def __iter__(self) -> Iterator[tuple[int, int]]:
        current, order = -1, np.arange(0)
        for position in range(self._start, self._stop):
            lap, place = divmod(position, self._pages)
            if lap != current:
                current, order = lap, np.random.default_rng((self._seed, lap)).permutation(self._pages)
            yield position, int(order[place])


def labelled_areas(record: LayoutRecord) -> tuple[list[Points], list[bool]]:
    """Polygons of a page and whether each is to be ignored: its words, then the regions whose text nobody labelled."""
    polygons = [np.asarray(word.quad, np.float64) for word in record.words]
    ignored = [word.state == "ignore" for word in record.words]
    for x0, y0, x1, y1 in record.ignore_boxes():
        polygons.append(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float64))
        ignored.append(True)
    return polygons, ignored


def find_lmdbs(base: Path, split: str) -> list[Path]:
    """The layout LMDBs of a split under the guide's folder, by name.

    Raises:
        PipelineError: there is none.
    """
    found = sorted(path for path in Path(base).glob(f"*_{split}_layout.lmdb") if path.is_dir())
    if not found:
        raise PipelineError(
            f"no *_{split}_layout.lmdb here", where=base, remedy="Make the layout LMDBs first, or correct --lmdb_base."
        )
    return found


def _touches(polygon: Points, size: int) -> bool:
    return bool((polygon.max(axis=0) >= 0).all() and (polygon.min(axis=0) < size).all())

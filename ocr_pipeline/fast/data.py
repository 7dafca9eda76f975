"""Layout LMDBs as training crops and as validation pages.

What a sample looks like depends on the seed and on its position in the training alone: so the number of workers changes
nothing, and a resumed training sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from ocr_pipeline.data.datasets import DATASETS
from ocr_pipeline.data.layout_lmdb import NO_MODEL, LayoutReader, LayoutRecord
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.evaluation import Truth
from ocr_pipeline.fast.config import FastConfig, LearningRules
from ocr_pipeline.fast.maps.augmentation import Points, random_crop
from ocr_pipeline.fast.maps.pictures import Picture, fit_page, read_rgb
from ocr_pipeline.fast.maps.targets import draw_targets
from ocr_pipeline.storage.artifacts.manifest import here_manifest
from ocr_pipeline.storage.files.lmdb_parts import head_of
from ocr_pipeline.training.readers import Concatenated
from ocr_pipeline.training.resuming import data_key

logger = logging.getLogger(__name__)


class Batch(NamedTuple):
    """Tensors of N crops of S x S: pictures (N, 3, S, S) uint8, maps (N, S, S) uint8, instance int32.

    ``words`` (N, 4) counts what became of each page's words, in the order of ``WORD_OUTCOMES``; ``page`` (N,) tells
    the page.
    """

    pictures: Tensor
    text: Tensor
    kernel: Tensor
    mask: Tensor
    instance: Tensor
    words: Tensor
    page: Tensor


WORD_OUTCOMES = ("learnt", "ignored", "outside", "too_small")
"""Of a word in a crop: in the targets, masked as illegible or unlabelled, beyond the crop, masked as too small."""


class PreparedPage(NamedTuple):
    """A validation page: fitted picture (H, W, 3), (height, width) of the original, and its labels in its pixels."""

    picture: Tensor
    original_size: tuple[int, int]
    truths: list[Truth]


def pages_if_any(lmdbs: Sequence[Path]) -> Pages | None:
    """The samples of several layout LMDBs; None where all of them are empty.

    Raises:
        PipelineError: an LMDB is not there.
    """
    return Pages(lmdbs) if any(len(LayoutReader(path)) for path in lmdbs) else None


class Pages(Concatenated[LayoutReader]):
    """The samples of several layout LMDBs, one after the other.

    Raises:
        PipelineError: an LMDB is not there, or all are empty.
    """

    def __init__(self, lmdbs: Sequence[Path]) -> None:
        readers = [LayoutReader(path) for path in lmdbs]
        for reader in readers:
            if not len(reader):
                logger.warning("%s is passed over: it holds no page", reader.path)
        super().__init__([reader for reader in readers if len(reader)])
        if not len(self):
            names = ", ".join(str(path) for path in lmdbs) or "no LMDB given"
            raise PipelineError("no page to train from", where=names, remedy="Make the layout LMDBs first.")

    def read(self, index: int) -> tuple[Picture, LayoutRecord]:
        reader, number = self.place(index)
        image, record = reader.read(number)
        return read_rgb(image, f"{reader.path}, sample {number}"), record

    def name(self, index: int) -> str:
        """Of one sample: the page's picture, its LMDB and its position there."""
        reader, number = self.place(index)
        return f"{reader.read(number)[1].image} ({reader.path.name}, sample {number})"

    def shares(self, weights: Mapping[str, float]) -> list[tuple[int, int]]:
        """For each LMDB its pages and how many of them one pass takes, by the weight of its data set.

        Raises:
            PipelineError: a weight names no data set among these, or all weights are 0.
        """
        names = [_dataset_of(reader.path) for reader in self.readers]
        unknown = sorted(weights.keys() - set(names))
        shares = [
            (len(reader), round(weights.get(name, 1.0) * len(reader)))
            for name, reader in zip(names, self.readers, strict=True)
        ]
        if unknown or not sum(taken for _, taken in shares):
            raise PipelineError(
                f"no data set is called {unknown[0]}" if unknown else "all data sets have the weight 0",
                where="dataset_weights",
                remedy=f"The data sets here are {', '.join(sorted(set(names)))}.",
            )
        return shares

    def warn_of_unlabelled_text(self) -> None:
        """Name the LMDBs whose pages carry text that nobody labelled, made without the layout model that masks it."""
        partly = {dataset.name for dataset in DATASETS if dataset.partly_labelled}
        for reader in self.readers:
            if _dataset_of(reader.path) in partly and reader.meta.get("model", NO_MODEL) == NO_MODEL:
                logger.warning(
                    "%s: printed text that nobody labelled is learnt as background; make this LMDB with a layout "
                    "model, or give the data set the weight 0 (dataset_weights)",
                    reader.path.name,
                )

    def manifest(self) -> list[dict[str, str | int]]:
        """Name, length and fingerprint of each LMDB, for the checkpoint."""
        return [_entry(reader) for reader in self.readers]


def _entry(reader: LayoutReader) -> dict[str, str | int]:
    def content(number: int) -> bytes:
        image, record = reader.read(number)
        return image + repr(record).encode()

    known = here_manifest(reader.path)
    return data_key(reader.path, known.fingerprint if known else "", len(reader), content)


class TrainingCrops(Dataset[Batch]):
    """Random crops with their targets; indexed by (position in the training, page)."""

    def __init__(self, pages: Pages, config: FastConfig, seed: int) -> None:
        self._pages, self._config, self._seed = pages, config, seed

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        position, index = key
        config, random = self._config, np.random.default_rng((self._seed, position))
        picture, record = self._pages.read(index)
        polygons, ignored = labelled_areas(record, config.rules)
        crop = random_crop(picture, polygons, ignored, config.img_size, config.short_size, config.augmentation, random)
        margin = config.pooling_size  # words that leave the crop are eroded at their own edge, not at the crop's
        size = config.img_size + 2 * margin
        seen = [number for number, polygon in enumerate(crop.polygons) if _touches(polygon + margin, size)]
        sides = _shorter_sides([crop.polygons[number] for number in seen])
        small = [not ignored[number] and side < config.rules.min_side for number, side in zip(seen, sides, strict=True)]
        whole = np.trunc if config.rules.coordinates == "truncated" else np.rint
        targets = draw_targets(
            (size, size),
            [whole(crop.polygons[number] + margin).astype(np.int32) for number in seen],
            [ignored[number] or low for number, low in zip(seen, small, strict=True)],
            config.pooling_size,
            thin=config.rules.low_kernels == "thin",
        )
        page = np.zeros((size, size), np.uint8)
        cv2.fillPoly(page, [np.rint(crop.page + margin).astype(np.int32)], 1)
        inner = slice(margin, -margin)
        maps = (targets.text, targets.kernel, targets.mask & page, targets.instance)
        text, kernel, mask, instance = (torch.from_numpy(layer[inner, inner].copy()) for layer in maps)
        pixels = torch.from_numpy(np.stack(cv2.split(crop.picture)))  # sooner than permuting and copying
        masked, low = sum(ignored[number] for number in seen), sum(small)
        fates = (len(seen) - masked - low, masked, len(polygons) - len(seen), low)
        return Batch(pixels, text, kernel, mask, instance, torch.tensor(fates), torch.tensor(index))


class ValidationPages(Dataset[PreparedPage]):
    """Whole pages at the size of inference; at most ``most`` of them, spread evenly, in turns for each process."""

    def __init__(self, pages: Pages, short_size: int, most: int | None, rank: int = 0, processes: int = 1) -> None:
        count = min(len(pages), most or len(pages))
        self._pages, self._short_size = pages, short_size
        self._chosen = [position * len(pages) // count for position in range(rank, count, processes)]

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, number: int) -> PreparedPage:
        picture, record = self._pages.read(self._chosen[number])
        truths = [Truth(polygon, ignore) for polygon, ignore in zip(*labelled_areas(record), strict=True)]
        fitted = torch.from_numpy(fit_page(picture, self._short_size))
        return PreparedPage(fitted, (record.height, record.width), truths)


class SampleOrder(Sampler[tuple[int, int]]):
    """(position, page) from ``start`` to ``stop``; each pass over the pages has its own seeded order.

    Args:
        shares: for each LMDB its pages and how many of them a pass takes, more than all of them by repetition.
    """

    def __init__(self, shares: Sequence[tuple[int, int]], seed: int, start: int, stop: int) -> None:
        self._shares, self._seed, self._start, self._stop = shares, seed, start, stop

    def __len__(self) -> int:
        return self._stop - self._start

    def __iter__(self) -> Iterator[tuple[int, int]]:
        current, order, length = -1, np.arange(0), sum(taken for _, taken in self._shares)
        for position in range(self._start, self._stop):
            lap, place = divmod(position, length)
            if lap != current:
                current, order = lap, self._pass(np.random.default_rng((self._seed, lap)))
            yield position, int(order[place])

    def _pass(self, random: np.random.Generator) -> npt.NDArray[np.int64]:
        first, chosen = 0, []
        for pages, taken in self._shares:
            repeats, rest = divmod(taken, pages)
            some = random.choice(pages, rest, replace=False) if rest else np.arange(0)
            chosen.append(first + np.concatenate([np.tile(np.arange(pages), repeats), some]))
            first += pages
        return random.permutation(np.concatenate(chosen))


class OwnBatches(Sampler[list[tuple[int, int]]]):
    """Of an order the batches of one process: of ``processes`` batches in a row that of its ``rank``."""

    def __init__(self, order: SampleOrder, batch_size: int, rank: int = 0, processes: int = 1) -> None:
        self._order, self._batch_size, self._rank, self._processes = order, batch_size, rank, processes

    def __len__(self) -> int:
        return len(self._order) // (self._batch_size * self._processes)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        keys = iter(self._order)
        while together := list(islice(keys, self._batch_size * self._processes)):
            yield together[self._rank * self._batch_size :][: self._batch_size]


def labelled_areas(record: LayoutRecord, rules: LearningRules | None = None) -> tuple[list[Points], list[bool]]:
    """Polygons of a page and whether each is to be ignored: its words, then the regions whose text nobody labelled."""
    rules = rules or LearningRules()
    words = record.words[: rules.max_words]
    polygons = [np.asarray(word.quad, np.float64) for word in words]
    hashes = rules.hash_words == "ignore"
    ignored = [word.state == "ignore" or (hashes and word.text.startswith("#")) for word in words]
    for x0, y0, x1, y1 in record.ignore_boxes():
        polygons.append(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float64))
        ignored.append(True)
    return polygons, ignored


def find_lmdbs(base: Path, split: str, *, needed: bool = True) -> list[Path]:
    """The layout LMDBs of a split under the guide's folder, by name; of a data set without one, the older ``*.lmdb``.

    Raises:
        PipelineError: there is none, and it is ``needed``.
    """
    found = {}
    for ending in (f"_{split}.lmdb", f"_{split}_layout.lmdb"):
        for path in Path(base).glob(f"*{ending}"):
            if path.is_dir() and not path.name.endswith(f"_annotations{ending}"):  # these hold word crops
                found[path.name.removesuffix(ending)] = path
    if not found and needed:
        is_one = head_of(Path(base)).is_file()
        remedy = "Make the layout LMDBs first, or correct --lmdb_base."
        raise PipelineError(
            f"no *_{split}_layout.lmdb here",
            where=base,
            remedy=f"This is an LMDB itself: give the folder above it, {Path(base).parent}." if is_one else remedy,
        )
    left_out = {path.name for path in Path(base).glob(f"*_{split}_*.lmdb")} - {path.name for path in found.values()}
    if left_out:
        logger.warning(
            "%s: not taken, for their names do not end on _%s_layout.lmdb: %s", base, split, sorted(left_out)
        )
    return [found[name] for name in sorted(found)]


def _dataset_of(lmdb: Path) -> str:
    return re.sub(r"_(train|valid)(_partly)?(_layout)?$", "", lmdb.stem)


def _shorter_sides(polygons: Sequence[Points]) -> list[float]:
    """Of each quad, or of the smallest rectangle around another polygon."""
    if not polygons or any(len(polygon) != 4 for polygon in polygons):
        return [float(min(cv2.minAreaRect(polygon.astype(np.float32))[1])) for polygon in polygons]
    quads = np.stack(polygons)
    steps = np.roll(quads, -1, axis=1) - quads
    sides = np.hypot(steps[..., 0], steps[..., 1])
    return (np.minimum(sides[:, 0] + sides[:, 2], sides[:, 1] + sides[:, 3]) / 2).tolist()


def _touches(polygon: Points, size: int) -> bool:
    return bool((polygon.max(axis=0) >= 0).all() and (polygon.min(axis=0) < size).all())

"""Batches for training: which samples each optimiser step sees, and how they become tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.recognition.augmentation import augment
from ocr_pipeline.recognition.crops import Crops
from ocr_pipeline.recognition.images import ImageFormat, decode_crop
from ocr_pipeline.recognition.text import TextCodec
from ocr_pipeline.training.loader_workers import LoaderWorkers, forkserver
from ocr_pipeline.training.processes import ALONE, Processes

IGNORED = -100  # label of padding; counts in no loss
_FOR_WORKERS = [__name__, "transformers.tokenization_utils_tokenizers"]  # loaded once for all of them
WINDOW = 16  # steps whose samples are sorted by length together


class TrainingSample(NamedTuple):
    """One crop: pixels uint8 [height, width, 3] RGB, token ids of its label, and the label."""

    pixels: np.ndarray
    tokens: list[int]
    text: str


class Batch(NamedTuple):
    """Pixels uint8 [B, height, width, 3], labels int64 [B, tokens] padded with -100, and the transcriptions."""

    pixels: Tensor
    labels: Tensor
    texts: list[str]


class CropDataset(Crops, Dataset[TrainingSample]):
    """Crops resized and tokenised in the worker that reads them.

    Args:
        longest: labels of more tokens are cut here (the decoder has no more positions).
        augment_seed: changes every crop anew in each epoch; None leaves crops as they are.
    """

    def __init__(
        self,
        readers: Sequence[CropReader],
        codec: TextCodec,
        images: ImageFormat,
        longest: int,
        augment_seed: int | None = None,
    ) -> None:
        super().__init__(readers)
        self.codec, self.images, self.longest, self.augment_seed = codec, images, longest, augment_seed

    def __getitem__(self, number: int) -> TrainingSample:
        """The sample of a number that counts on from epoch to epoch; it alone decides how the crop is changed."""
        epoch, index = divmod(number, len(self))
        crop = self.crop(index)
        rgb = decode_crop(crop)
        if self.augment_seed is not None:
            rgb = augment(rgb, np.random.default_rng([self.augment_seed, epoch, index]))
        return TrainingSample(self.images.resize(rgb), self.codec.encode(crop.text)[: self.longest], crop.text)


def collate(samples: list[TrainingSample]) -> Batch:
    """Stack samples; labels are padded to the longest."""
    labels = [torch.tensor(sample.tokens) for sample in samples]
    return Batch(
        torch.from_numpy(np.stack([sample.pixels for sample in samples])),
        torch.nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=IGNORED),
        [sample.text for sample in samples],
    )


class StepSampler(Sampler[list[int]]):
    """One process's micro-batches of optimiser steps ``first`` to ``last``; a step is a function of its number alone.

    Every epoch is a permutation of the data set, drawn from the seed and the epoch's number. So a run that resumes at
    any step sees exactly what it would have seen, and neither accumulation nor the number of processes changes which
    samples a step of so many has. Numbers count on from epoch to epoch: sample i of epoch e is ``e * size + i``.

    Args:
        size: samples in the data set.
        batch: samples of one micro-batch.
        accumulation: micro-batches of one step in each process; an epoch's last step may have fewer.
        processes: they share the micro-batches of each step.
        length: of a sample's label; samples of like lengths then share a step, within a window of ``WINDOW`` steps.
    """

    def __init__(
        self,
        size: int,
        *,
        batch: int,
        accumulation: int,
        seed: int,
        first: int,
        last: int,
        length: Callable[[int], int] | None = None,
        processes: Processes = ALONE,
    ) -> None:
        self.size, self.batch, self.seed, self.length = size, batch, seed, length
        self.first, self.last, self.processes = first, last, processes
        self.step = batch * accumulation * processes.count
        self.steps_per_epoch = -(-size // self.step)

    def __len__(self) -> int:
        return sum(self.micro_batches(step) for step in range(self.first, self.last))

    def __iter__(self) -> Iterator[list[int]]:
        epoch, window, order = -1, -1, np.empty(0, np.int64)
        for step in range(self.first, self.last):
            if step // self.steps_per_epoch != epoch:
                epoch, window = step // self.steps_per_epoch, -1
                order = np.random.default_rng([self.seed, epoch]).permutation(self.size)
            if self.length and step % self.steps_per_epoch // WINDOW != window:
                window = step % self.steps_per_epoch // WINDOW
                self._sort_window(order, epoch, window)
            samples = (order[self._slice(step)] + epoch * self.size).tolist()
            for start in self.processes.share(range(0, len(samples), self.batch)):
                yield samples[start : start + self.batch]

    def _sort_window(self, order: np.ndarray, epoch: int, window: int) -> None:
        """Sort one window of an epoch's order by length, and deal its steps out in any order, in place."""
        part = order[window * WINDOW * self.step : (window + 1) * WINDOW * self.step]
        assert self.length is not None
        lengths = [self.length(index) for index in part.tolist()]
        by_length = part[np.argsort(lengths, kind="stable")]
        whole = len(part) // self.step * self.step
        dealt = np.random.default_rng([self.seed, epoch, window]).permutation(whole // self.step)
        part[:whole] = by_length[:whole].reshape(-1, self.step)[dealt].ravel()
        part[whole:] = by_length[whole:]

    def micro_batches(self, step: int) -> int:
        """How many micro-batches step number ``step`` has."""
        window = self._slice(step)
        return len(self.processes.share(range(window.start, window.stop, self.batch)))

    def _slice(self, step: int) -> slice:
        start = step % self.steps_per_epoch * self.step
        return slice(start, min(start + self.step, self.size))


def loader(
    dataset: CropDataset, batches: Sampler[list[int]] | list[list[int]], count: int, workers: LoaderWorkers
) -> DataLoader[TrainingSample]:
    """A loader that leaves training's random state alone; its workers are no forks of a process full of threads."""
    return DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=count,
        collate_fn=collate,
        pin_memory=torch.cuda.is_available(),
        generator=torch.Generator().manual_seed(0),
        worker_init_fn=workers.start,
        multiprocessing_context=forkserver(_FOR_WORKERS) if count else None,
    )

"""Drawn crops as batches, made beside the training by processes of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ocr_pipeline.data.synthetic.crops import CropDrawing
from ocr_pipeline.data.synthetic.faces import Kind, korean_faces, training_faces
from ocr_pipeline.data.synthetic.texts import read_corpus
from ocr_pipeline.recognition.images import ImageFormat
from ocr_pipeline.recognition.pretraining.recipe import Pretraining
from ocr_pipeline.recognition.text import TextCodec

WINDOW = 8  # batches whose crops are sorted by length together
NICENESS = 5  # of those that draw: the one that learns is the one to wait for

Batch = tuple[Tensor, Tensor]


def drawing_of(recipe: Pretraining) -> CropDrawing:
    """What the recipe draws: in every face of this machine that is not held out."""
    corpus = tuple(word for path in recipe.corpus if Path(path).is_file() for word in read_corpus(Path(path)))
    kinds: dict[Kind, float] = {"hand": recipe.hands, "sign": recipe.signs}
    faces = training_faces(korean_faces())
    shares = recipe.lines, recipe.upright, recipe.syllables
    return CropDrawing(faces, corpus, recipe.seed, recipe.clean, kinds, *shares)


class Windows(Dataset[list[Batch]]):
    """Window number n holds the crops ``n * WINDOW * batch`` and on, as batches of crops with labels of like length."""

    def __init__(self, recipe: Pretraining, codec: TextCodec, images: ImageFormat) -> None:
        self.recipe, self.codec, self.images = recipe, codec, images
        self.drawing = drawing_of(recipe)
        self.easy = replace(self.drawing, clean=0.9)

    def __getitem__(self, number: int) -> list[Batch]:
        size = WINDOW * self.recipe.batch
        samples = [self._sample(index) for index in range(number * size, (number + 1) * size)]
        samples.sort(key=lambda sample: len(sample[1]))
        order = np.random.default_rng([self.recipe.seed, number]).permutation(WINDOW)
        return [collate(samples[place * self.recipe.batch : (place + 1) * self.recipe.batch]) for place in order]

    def _sample(self, index: int) -> tuple[np.ndarray, list[int]]:
        crop = (self.easy if index < self.recipe.easy else self.drawing).crop(index)
        return self.images.resize(crop.pixels), self.codec.encode(crop.text)


def collate(samples: list[tuple[np.ndarray, list[int]]]) -> Batch:
    """Pixels uint8 [batch, height, width, 3] and labels [batch, tokens], padded with -100."""
    pixels = torch.from_numpy(np.stack([pixels for pixels, _ in samples]))
    labels = [torch.tensor(tokens) for _, tokens in samples]
    return pixels, nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=-100)


def batches(windows: Windows, first: int, workers: int) -> Iterator[Batch]:
    """The batches from number ``first`` on, without end."""
    start, skipped = divmod(first, WINDOW)
    loader = DataLoader(
        windows,
        batch_size=None,
        sampler=range(start, 1 << 40),
        num_workers=workers,
        worker_init_fn=_stand_back,
    )
    for window in loader:
        yield from window[skipped:]
        skipped = 0


def _stand_back(_: int) -> None:
    os.nice(NICENESS)
    torch.set_num_threads(1)

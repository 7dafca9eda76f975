"""Crops of several data sets as one row, and an even draw from it."""

from __future__ import annotations

import random

from ocr_pipeline.data.annotations import Crop, CropReader
from ocr_pipeline.training.readers import Concatenated


class Crops(Concatenated[CropReader]):
    """The crops of several readers, one after the other."""

    def crop(self, index: int) -> Crop:
        """The crop as it is stored."""
        reader, position = self.place(index)
        return reader.read(position)

    def text(self, index: int) -> str:
        """The transcription alone."""
        reader, position = self.place(index)
        return reader.text(position)

    def spread(self, count: int, seed: int) -> list[int]:
        """Up to ``count`` indices, drawn evenly from all readers (a small one gives all it has), always the same."""
        rng, left, chosen = random.Random(seed), count, []
        by_size = sorted(range(len(self.readers)), key=lambda number: len(self.readers[number]))
        for done, number in enumerate(by_size):
            size = len(self.readers[number])
            share = min(size, -(-left // (len(by_size) - done)))
            chosen += [self.starts[number] + position for position in rng.sample(range(size), share)]
            left -= share
        return sorted(chosen)

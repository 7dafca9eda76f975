"""Crops of several data sets as one row, and an even draw from it."""

from __future__ import annotations

import bisect
import itertools
import random
from collections.abc import Sequence

from ocr_pipeline.data.annotations import Crop, CropReader


class Crops:
    """The crops of several readers, one after the other."""

    def __init__(self, readers: Sequence[CropReader]) -> None:
        self.readers = list(readers)
        self._ends = list(itertools.accumulate(len(reader) for reader in self.readers))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

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
            first = self._ends[number] - size
            chosen += [first + position for position in rng.sample(range(size), share)]
            left -= share
        return sorted(chosen)

    def place(self, index: int) -> tuple[CropReader, int]:
        """The reader that holds sample ``index``, and its number there."""
        number = bisect.bisect_right(self._ends, index)
        return self.readers[number], index - (self._ends[number] - len(self.readers[number]))

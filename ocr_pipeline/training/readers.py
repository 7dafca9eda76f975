"""The samples of several readers, counted through."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence, Sized
from itertools import accumulate
from typing import Generic, TypeVar

_Reader = TypeVar("_Reader", bound=Sized)


class Concatenated(Generic[_Reader]):
    """Readers one after the other; torch's ``ConcatDataset`` would not tell which of them holds a sample.

    Attributes:
        starts: number of the first sample of each reader.
    """

    def __init__(self, readers: Sequence[_Reader]) -> None:
        self.readers = list(readers)
        *self.starts, self._length = accumulate(map(len, self.readers), initial=0)

    def __len__(self) -> int:
        return self._length

    def place(self, index: int) -> tuple[_Reader, int]:
        """The reader that holds sample ``index``, and the sample's number there."""
        number = bisect_right(self.starts, index) - 1
        return self.readers[number], index - self.starts[number]

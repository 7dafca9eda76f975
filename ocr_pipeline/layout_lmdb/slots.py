"""Pixels that processes share: written where they will be read, and sent through no pipe."""

from __future__ import annotations

import math
import mmap
import os
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from itertools import count as counting
from pathlib import Path

import numpy as np

_serials = counting()


class PixelSlots:
    """Room for the pixels of a few pages, in memory without a name that ends with the last process that has it.

    Pickled to another process of the same user it is the same memory, as long as the one that made it is not closed.

    Args:
        count: pages.
        size: (width, height) of each.

    Attributes:
        pixels: uint8 [count, height, width, 3].
    """

    def __init__(self, count: int, size: tuple[int, int]) -> None:
        width, height = size
        self._shape = (count, height, width, 3)
        self._serial = next(_serials)  # the number of a closed descriptor is given out again
        self._descriptor = os.memfd_create("pixels")
        os.ftruncate(self._descriptor, math.prod(self._shape))
        self._path = Path(f"/proc/{os.getpid()}/fd/{self._descriptor}")
        self.pixels = _mapped(self._path, self._shape)
        self._free = deque(range(count))

    def take(self) -> int:
        """A slot that nobody uses."""
        return self._free.popleft()

    def together(self, slots: Sequence[int]) -> np.ndarray:
        """The pixels of several slots, uint8 [B, height, width, 3]; a copy only where the slots are no neighbours."""
        neighbours = range(slots[0], slots[0] + len(slots))
        return (
            self.pixels[neighbours.start : neighbours.stop] if list(slots) == list(neighbours) else self.pixels[slots]
        )

    def give_back(self, slot: int) -> None:
        """Others may take the slot: its pixels have been read."""
        self._free.append(slot)

    def close(self) -> None:
        os.close(self._descriptor)

    def __reduce__(self):
        return _attached, (self._path, self._shape, self._serial)


class _Attached:
    """The same memory, in another process."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels


@lru_cache(maxsize=1)
def _attached(path: Path, shape: tuple[int, ...], serial: int) -> _Attached:  # the serial tells them apart
    return _Attached(_mapped(path, shape))


def _mapped(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    with path.open("r+b") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), math.prod(shape)), np.uint8).reshape(shape)

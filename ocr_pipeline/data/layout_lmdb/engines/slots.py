"""Pictures that processes share: written where they will be read, and sent through no pipe."""

from __future__ import annotations

import math
import mmap
import os
from functools import lru_cache
from itertools import count as counting
from pathlib import Path

import numpy as np

FILE_ROOM = 1 << 23
"""Bytes for a picture as encoded; larger ones go another way. What is not written to takes no memory."""

_serials = counting()


class PictureSlots:
    """Room for the pixels and files of a few pages, in memory without a name that ends with the last who has it.

    Pickled to another process of the same user it is the same memory, as long as the one that made it is not closed.

    Args:
        count: pages.
        size: (width, height) of the pixels of each.

    Attributes:
        pixels: uint8 [count, height, width, 3].
    """

    def __init__(self, count: int, size: tuple[int, int]) -> None:
        width, height = size
        shape = (count, height, width, 3)
        # Not multiprocessing.shared_memory: its files lie in /dev/shm, which holds 64 MB in a container, and outlive a
        # kill. A memfd has neither bound nor name; another process opens it as the file that /proc shows us to have,
        # /proc/4711/fd/7. When 7 is closed the next memfd is 7 again, so the serial tells who has the old one open.
        self._descriptor = os.memfd_create("pictures")
        os.ftruncate(self._descriptor, math.prod(shape) + count * FILE_ROOM)
        path = Path(f"/proc/{os.getpid()}/fd/{self._descriptor}")
        self._origin = (path, shape, next(_serials))
        self._map(path, shape)

    def put_file(self, slot: int, data: bytes) -> bool:
        """Put an encoded picture into a slot, if there is room enough."""
        if len(data) > FILE_ROOM:
            return False
        self._files[slot, : len(data)] = np.frombuffer(data, np.uint8)
        return True

    def file(self, slot: int, length: int) -> bytes:
        """The encoded picture in a slot."""
        return self._files[slot, :length].tobytes()

    def close(self) -> None:
        os.close(self._descriptor)

    def __reduce__(self):
        return _attached, self._origin

    def _map(self, path: Path, shape: tuple[int, ...]) -> None:
        with path.open("r+b") as file:
            memory = np.frombuffer(mmap.mmap(file.fileno(), 0), np.uint8)
        files = shape[0] * FILE_ROOM
        self._files = memory[:files].reshape(shape[0], FILE_ROOM)
        self.pixels = memory[files:].reshape(shape)


@lru_cache(maxsize=1)
def _attached(path: Path, shape: tuple[int, ...], serial: int) -> PictureSlots:
    slots = PictureSlots.__new__(PictureSlots)
    try:
        slots._map(path, shape)
    except FileNotFoundError:  # the process that has them was killed: its workers end with it, and nobody reads why
        raise SystemExit(1) from None
    return slots

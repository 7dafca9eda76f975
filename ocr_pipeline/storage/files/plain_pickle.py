"""Pickles of other programs, read without running anything in them."""

from __future__ import annotations

import pickle
from io import BufferedIOBase
from typing import NoReturn

_BROKEN = (  # what pickle raises on bytes that are not its own
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    MemoryError,
    OverflowError,
)


class Bounded:
    """A file of which no more than so many bytes are read, however few of a packed one promise more.

    Raises:
        ValueError: more are asked for.
    """

    def __init__(self, file: BufferedIOBase, most: int) -> None:
        self._file, self._left = file, most

    def read(self, size: int = -1) -> bytes:
        if size > self._left:
            raise ValueError("it holds more than it may")
        data = self._file.read(size if size >= 0 else self._left + 1)
        return self._counted(data)

    def readline(self) -> bytes:
        return self._counted(self._file.readline(self._left + 1))

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise ValueError("it holds more than it may")
        return data


def load_plain(file: BufferedIOBase | Bounded) -> object:
    """What a pickle holds: containers, numbers and strings.

    Raises:
        ValueError: it is broken, or asks for more than that: whatever needs a name to be looked up is refused.
    """
    try:
        return _PlainUnpickler(file).load()
    except _BROKEN as error:
        raise ValueError(f"the pickle is refused: {error}") from error


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which plain data never does")

    def persistent_load(self, pid: object) -> NoReturn:
        raise pickle.UnpicklingError("it asks for something outside the file")

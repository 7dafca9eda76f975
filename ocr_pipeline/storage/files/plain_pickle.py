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


def load_plain(file: BufferedIOBase) -> object:
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

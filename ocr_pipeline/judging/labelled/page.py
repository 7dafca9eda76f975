"""A page with the words that people say are on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from ocr_pipeline.page import Quad

UNREAD = "###"
"""The text of a word that need be neither found nor read."""


class LabelledWord(NamedTuple):
    """One word of the truth.

    Attributes:
        quad: in pixels of the page, clockwise from top left.
        text: as recognizers are scored on it; `UNREAD` where the word need be neither found nor read.
        typeface: the data set's own code, where it has one.
    """

    quad: Quad
    text: str
    typeface: int | None = None

    @property
    def counts(self) -> bool:
        return self.text != UNREAD


@dataclass(frozen=True)
class LabelledPage:
    """A page in memory.

    Attributes:
        image: file name of the picture.
        kind: what sort of page it is: ``document``, ``scene``, or what its labels call it.
        pixels: uint8 [height, width, 3] RGB.
    """

    image: str
    kind: str
    pixels: np.ndarray
    words: tuple[LabelledWord, ...]


class LabelledPages(Protocol):
    """Pages that are read one by one, as often as they are asked for."""

    @property
    def name(self) -> str:
        """What they are called: a data set, or a folder."""
        ...

    def __len__(self) -> int: ...

    def read(self, index: int) -> LabelledPage:
        """One of them, counted from 0.

        Raises:
            PipelineError: its picture or its labels cannot be read.
        """
        ...


def spread(count: int, most: int) -> list[int]:
    """At most so many of the numbers below ``count``, evenly spread; 0: all of them."""
    taken = min(count, most or count)
    return [place * count // taken for place in range(taken)]

"""Text that runs up or down a page, and how a crop of it is turned level: as its reader is surest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ocr_pipeline.data.review.suspects.suspect import Reading

Read = Callable[[Sequence[np.ndarray]], Sequence[Reading]]

_TALL = 2.0  # times as high as wide: two letters or more, above each other or lying on their side
_LETTERS = 2  # that a turned crop must say: a lone 1 on its side is a dash, and surely read
_SURE = 0.6  # that its reader must be at least: letters in a column read sideways are nonsense, and said unsurely
_WAYS = (0, 3, 1)  # as it is, running up, running down; the first of equals is taken


def turned(picture: np.ndarray, quarters: int) -> np.ndarray:
    """A picture [height, width, 3] after some quarter turns counterclockwise."""
    return np.ascontiguousarray(np.rot90(picture, quarters)) if quarters else picture


def quarters_to_level(crops: Sequence[np.ndarray], read: Read) -> list[int]:
    """By how many quarter turns counterclockwise the text of each crop lies level; only tall crops are tried.

    Args:
        crops: uint8 [height, width, 3].
        read: how a reader takes crops.
    """
    tall = [place for place, crop in enumerate(crops) if crop.shape[0] >= _TALL * crop.shape[1]]
    read_so = read([turned(crops[place], way) for place in tall for way in _WAYS])
    quarters = [0] * len(crops)
    for number, place in enumerate(tall):
        quarters[place] = _surest(read_so[number * len(_WAYS) : (number + 1) * len(_WAYS)])
    return quarters


def _surest(readings: Sequence[Reading]) -> int:
    """The way in which a crop is read most surely."""
    ways = zip(_WAYS, readings, strict=True)
    told = [(way, sure) for way, (text, sure) in ways if way == 0 or (len(text) >= _LETTERS and sure >= _SURE)]
    return max(told, key=lambda one: one[1])[0]

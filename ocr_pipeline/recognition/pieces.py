"""Crops wider than a recognizer was taught are read in pieces, cut where there is least ink, and put together again.

A picture of a fixed size squeezes a long word until its letters are slivers, and a line to nothing. Of a crop that is
30 pixels high and 300 wide, with ``widest`` 5, come four pieces of about 75: 안전확|인대상|생활화|학제품.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

from ocr_pipeline.recognition.interface import Reading

CLEAR = 18  # pixels: in lower crops the gaps between letters are blurred; those are cut when they are twice as wide
ALONE = 0.6  # width of a piece, as a share of the widest crop
REACH = 0.7  # how far a cut may lie from its even place, in heights
BLUR = 0.15  # a gap between letters is about so wide, in heights; those within a syllable are narrower
PULL = 12.0  # what the whole reach away from the even place costs, in levels of grey
SPACE = 0.3  # a gap from here on may be a space, in heights
WIDER = 2.0  # than the middle one of all gaps: figures and Latin of some faces stand far apart
FAINT = 0.25  # of the strongest contrast: less is no ink

Read = Callable[[Sequence[np.ndarray], int], list[Reading]]
"""Reads crops, so many at a time."""


class Pieces(NamedTuple):
    """The pieces of one crop from left to right, and what stands between them: a space or nothing."""

    pictures: list[np.ndarray]
    between: list[str]


def read_in_pieces(read: Read, crops: Sequence[np.ndarray], widest: float) -> list[Reading]:
    """What ``read`` makes of crops (H, W, 3), those wider than ``widest`` heights in pieces."""
    cut = [pieces_of(crop, widest) for crop in crops]
    readings = iter(read([picture for pieces in cut for picture in pieces.pictures], len(crops)))
    return [joined([next(readings) for _ in pieces.pictures], pieces.between) for pieces in cut]


def pieces_of(crop: np.ndarray, widest: float) -> Pieces:
    """A crop as it is, or cut where its ink is thinnest near even places."""
    if is_read_whole(crop, widest):
        return Pieces([crop], [])
    height, width = crop.shape[:2]
    ink = _ink(crop)
    places = list(_places(ink, height, math.ceil(width / (height * widest * ALONE))))
    edges = [0, *places, width]
    pictures = [np.ascontiguousarray(crop[:, left:right]) for left, right in pairwise(edges)]
    gaps = _gaps(ink)
    least = max(SPACE * height, WIDER * float(np.median([end - start for start, end in gaps] or [0])))
    return Pieces(pictures, [" " if _width_at(gaps, place) > least else "" for place in places])


def is_read_whole(crop: np.ndarray, widest: float) -> bool:
    """Whether a crop is read as it is."""
    height, width = crop.shape[:2]
    return width <= widest * height * (1 if height >= CLEAR else 2)


def joined(readings: Sequence[Reading], between: Sequence[str]) -> Reading:
    """Readings of pieces as one; each is believed by the number of its letters, the end included."""
    text = "".join(said + gap for (said, _), gap in zip(readings, [*between, ""], strict=True))
    letters = sum(len(said) + 1 for said, _ in readings)
    logs = sum((len(said) + 1) * math.log(max(sure, 1e-9)) for said, sure in readings)
    return Reading(" ".join(text.split()), math.exp(logs / letters))


def _ink(crop: np.ndarray) -> np.ndarray:
    """Of each column the contrast within it, without the rows at the rim, where neighbours and form lines show."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    rim = len(grey) // 10
    inner = grey[rim : len(grey) - rim]
    return inner.max(0) - inner.min(0)


def _places(ink: np.ndarray, height: int, count: int) -> Iterator[int]:
    """Where to cut into ``count`` pieces, from left to right."""
    smooth = cv2.blur(ink[None], (max(1, round(BLUR * height)), 1))[0]
    reach = min(REACH * height, len(ink) / (2.2 * count))  # cuts stay in their order
    for number in range(1, count):
        even = len(ink) * number / count
        near = np.arange(max(1, int(even - reach)), min(len(ink) - 1, int(even + reach)) + 1)
        yield int(near[(smooth[near] + ink[near] + PULL * np.abs(near - even) / reach).argmin()])


def _gaps(ink: np.ndarray) -> list[tuple[int, int]]:
    """Runs of columns without ink between two with ink, each with its end."""
    inked = np.flatnonzero(ink >= FAINT * ink.max())
    return [(int(left) + 1, int(right)) for left, right in pairwise(inked) if right > left + 1]


def _width_at(gaps: Sequence[tuple[int, int]], place: int) -> int:
    return next((end - start for start, end in gaps if start <= place < end), 0)

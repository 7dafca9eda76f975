"""Ground-truth maps of FAST: text, kernel, instance and training mask (arXiv 2111.02394, section 3.3; numpy only).

A text kernel is the word eroded by half the pooling size, so that max-pooling by the same size gives the word back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import pyclipper

Polygon = npt.NDArray[np.int32]  # (n, 2) pixels, x then y
SHRINK_RATE = 0.1
MAX_SHRINK = 20  # pixels
_FINE = 256  # parts of a pixel


class Targets(NamedTuple):
    """Maps of one picture, all (H, W).

    Attributes:
        text: uint8, 1 inside words to learn.
        kernel: uint8, 1 inside their kernels.
        mask: uint8, 0 where nothing is to be learnt (illegible words, ignore regions).
        instance: int32, number of the word from 1, 0 outside; where words overlap the later one counts.
    """

    text: npt.NDArray[np.uint8]
    kernel: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.uint8]
    instance: npt.NDArray[np.int32]


def draw_targets(
    size: tuple[int, int],
    polygons: Sequence[Polygon],
    ignored: Sequence[bool],
    pooling_size: int,
    thin: bool = False,
) -> Targets:
    """Draw the maps of a picture of ``size`` (height, width); any number of words, also none.

    The cost grows with the words' own area, not with words times picture. ``thin`` as in ``shrink``.
    """
    instance = np.zeros(size, np.int32)
    mask = np.ones(size, np.uint8)
    kernel = np.zeros(size, np.uint8)
    eroder = _Eroder(size, pooling_size)
    for number, (polygon, ignore) in enumerate(zip(polygons, ignored, strict=True), start=1):
        if ignore:
            cv2.drawContours(mask, [polygon], -1, 0, -1)
            continue
        cv2.drawContours(instance, [polygon], -1, number, -1)
        cv2.drawContours(kernel, [shrink(polygon, thin)], -1, 1, -1)
        eroder.add(polygon)
    kernel |= eroder.kernels()
    return Targets((instance > 0).astype(np.uint8), kernel, mask, instance)


def shrink(polygon: Polygon, thin: bool = False) -> Polygon:
    """The polygon moved inwards by area * (1 - SHRINK_RATE^2) / perimeter pixels, at most ``MAX_SHRINK``.

    A polygon of which nothing would be left is returned whole, as in the reference; with ``thin`` it is shrunk without
    rounding the offset first, which leaves its middle line.
    """
    offset = cv2.contourArea(polygon) * (1 - SHRINK_RATE**2) / (cv2.arcLength(polygon, True) + 0.001)
    shrunk = _inset(polygon, min(int(offset + 0.5), MAX_SHRINK))
    if shrunk is None and thin:
        finer = _inset(polygon * _FINE, min(offset, MAX_SHRINK) * _FINE)
        shrunk = None if finer is None else np.rint(finer / _FINE).astype(np.int32)
    return polygon if shrunk is None else shrunk


def _inset(polygon: Polygon, offset: float) -> Polygon | None:
    """The polygon moved inwards, None if nothing is left."""
    clipper = pyclipper.PyclipperOffset()
    clipper.AddPath(polygon.tolist(), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    shrunk = clipper.Execute(-offset)
    return np.asarray(shrunk[0], np.int32) if shrunk and len(shrunk[0]) > 2 else None


class _Eroder:
    """Words eroded by half the pooling size, each within its own bounds, and nothing where two of them overlap."""

    def __init__(self, size: tuple[int, int], pooling_size: int) -> None:
        self._covered, self._overlap, self._eroded = (np.zeros(size, np.uint8) for _ in range(3))
        self._brush = np.ones((pooling_size, pooling_size), np.uint8)

    def add(self, polygon: Polygon) -> None:
        height, width = self._covered.shape
        x, y, wide, high = cv2.boundingRect(polygon)
        left, top, right, bottom = max(x, 0), max(y, 0), min(x + wide, width), min(y + high, height)
        if left >= right or top >= bottom:
            return
        area = np.zeros((bottom - top, right - left), np.uint8)
        cv2.drawContours(area, [polygon], -1, 1, -1, offset=(-left, -top))
        place = slice(top, bottom), slice(left, right)
        self._overlap[place] |= self._covered[place] & area
        self._covered[place] |= area
        eroded = cv2.erode(area, self._brush, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        self._eroded[place] |= np.asarray(eroded, np.uint8)

    def kernels(self) -> npt.NDArray[np.uint8]:
        overlap = cv2.dilate(self._overlap, np.ones((3, 3), np.uint8))
        return np.where(overlap == 0, self._eroded, np.uint8(0))

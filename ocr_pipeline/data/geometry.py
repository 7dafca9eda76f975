"""Where a word lies in its picture: the upright box around its quad, or the quad itself made upright."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import cv2
import numpy as np

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.page import Point, Quad

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels; right and bottom lie outside."""

_WARPED = 1 << 15  # pixels of a side that OpenCV does not warp any more


class Margin(NamedTuple):
    """Room around a word.

    Attributes:
        pixels: on each side.
        share: further pixels on each side, as a share of the word's shorter side.
    """

    pixels: float = 0.0
    share: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Margin:
        """``4`` or ``10%``.

        Raises:
            PipelineError: it is neither.
        """
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", text.strip())
        if match is None:
            raise PipelineError(
                f"{text!r} is no margin", where="margin", remedy="Set pixels (4) or a share of the shorter side (10%)."
            )
        number = float(match[1])
        return cls(share=number / 100) if match[2] else cls(pixels=number)

    def around(self, width: float, height: float) -> float:
        """Pixels on each side of a word of this size."""
        return self.pixels + self.share * min(width, height)


def upright_box(quad: Quad, width: int, height: int, margin: float = 0.0) -> Box:
    """The box around a quad, cut to the picture; empty if nothing of it lies within."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = quad
    return (
        max(0, math.floor(min(x0, x1, x2, x3) - margin)),
        max(0, math.floor(min(y0, y1, y2, y3) - margin)),
        min(width, math.ceil(max(x0, x1, x2, x3) + margin)),
        min(height, math.ceil(max(y0, y1, y2, y3) + margin)),
    )


def is_within(quad: Quad, width: int, height: int) -> bool:
    """Whether all corners lie on the picture."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = quad
    return (
        min(x0, x1, x2, x3) >= 0
        and max(x0, x1, x2, x3) <= width
        and min(y0, y1, y2, y3) >= 0
        and max(y0, y1, y2, y3) <= height
    )


def slipped_corner(quad: Quad, width: int, height: int) -> Point | None:
    """A corner with a slipped digit: far beyond the picture, or far from where the other three want it.

    One wrong number moves one corner, or the two of a side; a word that is cut off has none so far away. Within the
    picture one corner is told by what is missing to a parallelogram, where that is more than twice the two sides that
    do not touch it: perspective, however steep, bends no word so.
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = quad
    missing = math.hypot(x0 - x1 + x2 - x3, y0 - y1 + y2 - y3)
    if not missing and is_within(quad, width, height):  # nearly every word
        return None
    far = [(x, y) for x, y in quad if not (-2 * width <= x <= 3 * width and -2 * height <= y <= 3 * height)]
    if len(far) in (1, 2):
        return far[0]
    if not missing:
        return None
    sides = [math.dist(quad[place], quad[(place + 1) % 4]) for place in range(4)]
    untouched = (sides[(place + 1) % 4] + sides[(place + 2) % 4] for place in range(4))
    return next((corner for corner, own in zip(quad, untouched, strict=True) if missing > 2 * own), None)


def quad_size(quad: Quad) -> tuple[int, int]:
    """Width and height of the rectified quad: the longer of each two opposite sides; 0, 0 if it encloses no area.

    The corners' own order tells what is up; text that runs downwards stays upright and tall.
    """
    if not cv2.isContourConvex(np.array(quad, np.float32)):
        return 0, 0
    top_left, top_right, bottom_right, bottom_left = quad
    width = max(math.dist(top_left, top_right), math.dist(bottom_left, bottom_right))
    height = max(math.dist(top_left, bottom_left), math.dist(top_right, bottom_right))
    return round(width), round(height)


def can_rectify(quad: Quad, width: int, height: int, margin: float, most_pixels: int) -> bool:
    """Whether the quad is rectified to a picture of sensible size: no more than twice what it is taken from.

    Args:
        width, height: of the picture.
        most_pixels: of the result, with its margin.
    """
    (across, down), room = quad_size(quad), 2 * round(margin)
    left, top, right, bottom = upright_box(quad, width, height, _reach(margin))
    sides = (across + room, down + room, right - left, bottom - top)
    return across * down <= 2 * width * height and sides[0] * sides[1] <= most_pixels and max(sides) < _WARPED


def rectify(pixels: np.ndarray, quad: Quad, margin: float = 0.0) -> np.ndarray:
    """The inside of a quad, seen straight on.

    Corners are edges of pixels, as for boxes: an upright quad of whole pixels comes out as its slice, unchanged.
    What lies beyond the picture repeats its border.

    Args:
        pixels: uint8 [height, width, 3].
        margin: pixels of the result on each side.

    Returns:
        uint8 [height, width, 3] of `quad_size` and margins.
    """
    width, height = quad_size(quad)
    room = round(margin)
    left, top, right, bottom = upright_box(quad, pixels.shape[1], pixels.shape[0], _reach(margin))
    source = np.array(quad, np.float32) - (left + 0.5, top + 0.5)
    edges = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32) + (room - 0.5)
    transform = cv2.getPerspectiveTransform(source.astype(np.float32), edges.astype(np.float32))
    return cv2.warpPerspective(
        pixels[top:bottom, left:right],
        transform,
        (width + 2 * room, height + 2 * room),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _reach(margin: float) -> int:
    """Pixels around a quad that its rectified picture with a margin may show."""
    return math.ceil(margin * 2) + 2

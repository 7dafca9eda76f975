"""EXIF orientation: what a camera noted about how the stored pixels are to be turned.

Labels count stored pixels, so pictures are turned only where a setting says so; crops and detector turn them by this.
"""

from __future__ import annotations

import io
import struct

import cv2
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError


def orientation_of(data: bytes) -> int:
    """The EXIF orientation of an encoded picture, 1 to 8; 1 (upright) where there is none.

    1 for a TIFF too, whose orientation its decoder has applied.
    """
    try:
        with Image.open(io.BytesIO(data)) as picture:
            told = picture.getexif().get(ExifTags.Base.Orientation, 1) if picture.format != "TIFF" else 1
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, struct.error):
        return 1  # what cannot be decoded is reported by who decodes it
    return told if told in _TURNS else 1


def upright(pixels: np.ndarray, data: bytes) -> np.ndarray:
    """Pixels [height, width, 3] turned as the encoded picture, of which they were decoded, says (EXIF 2.3, table 6)."""
    for turn in _TURNS[orientation_of(data)]:
        pixels = turn(pixels)
    return np.ascontiguousarray(pixels)


def as_stored(point: tuple[float, float], orientation: int, stored: tuple[int, int]) -> tuple[float, float]:
    """Where a point of the upright picture lies in the stored one.

    Args:
        stored: width and height of the stored pixels.
    """
    x, y = point if orientation <= 4 else point[::-1]
    width, height = stored
    return (width - x if orientation in (2, 3, 7, 8) else x), (height - y if orientation in (3, 4, 6, 7) else y)


def _mirrored(pixels: np.ndarray) -> np.ndarray:
    return pixels[:, ::-1]


def _turned(pixels: np.ndarray) -> np.ndarray:
    return pixels[::-1, ::-1]


def _clockwise(pixels: np.ndarray) -> np.ndarray:
    return cv2.rotate(np.ascontiguousarray(pixels), cv2.ROTATE_90_CLOCKWISE)


_TURNS = {
    1: (),
    2: (_mirrored,),
    3: (_turned,),
    4: (_turned, _mirrored),
    5: (_clockwise, _mirrored),
    6: (_clockwise,),
    7: (_turned, _clockwise, _mirrored),
    8: (_turned, _clockwise),
}

"""From the bytes of a picture to the array that the network sees (numpy and OpenCV only)."""

from __future__ import annotations

from typing import Any

import cv2
import numpy.typing as npt

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.pictures import decode_picture

Picture = npt.NDArray[Any]  # (H, W, 3) RGB, uint8

STRIDE = 32  # of the deepest feature map: sides are multiples of it
MAX_SIDE = 4096  # of what the network sees; without a limit a strip of 200 x 20000 pixels would fill the memory


def read_rgb(data: bytes, where: object) -> Picture:
    """RGB pixels as stored; an orientation tag is not applied, because labels count stored pixels.

    Raises:
        PipelineError: the bytes are no whole picture.
    """
    try:
        return decode_picture(data, "RGB")
    except ValueError as error:
        raise PipelineError(str(error), where=where, remedy="Give a whole JPEG, PNG, BMP, WebP or TIFF.") from error


def scale_to(height: int, width: int, short_size: int, longest: int | None = MAX_SIDE) -> float:
    """By how much the shorter side becomes ``short_size``, or less, where the longer one would exceed ``longest``.

    In a training, a validation and in use alike: words are learnt in the size in which they are found.
    """
    scale = short_size / min(height, width)
    return scale if longest is None else min(scale, longest / max(height, width))


def fit_short_side(picture: Picture, short_size: int, longest: int | None = None) -> Picture:
    """Scale so that the shorter side is ``short_size``, both sides rounded up to multiples of 32.

    A picture whose longer side would then exceed ``longest`` becomes smaller accordingly.
    """
    height, width = picture.shape[:2]
    scale = scale_to(height, width, short_size, longest)
    size = round_up(width * scale), round_up(height * scale)
    return cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)


def fit_page(picture: Picture, short_size: int) -> Picture:
    """A whole page as the network sees it, in a validation and in use alike: its long side has an end."""
    return fit_short_side(picture, short_size, MAX_SIDE)


def round_up(length: float) -> int:
    """The next multiple of 32, after rounding to whole pixels."""
    return max(-(-int(length + 0.5) // STRIDE), 1) * STRIDE

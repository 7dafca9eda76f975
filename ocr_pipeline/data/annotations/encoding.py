"""Crops as encoded pictures."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ocr_pipeline.data.annotations.settings import AnnotationSettings
from ocr_pipeline.storage.files.pictures import opencv_error

EXTENSIONS = {"jpeg": ".jpg", "jpeg-lossless": ".jpg", "png": ".png", "webp": ".webp"}


def encoder(settings: AnnotationSettings) -> Callable[[np.ndarray], bytes | None]:
    """Pixels (BGR) -> an encoded picture; None for pixels that the format does not take (too many of them)."""
    extension = EXTENSIONS[settings.codec]
    parameters = {
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, settings.quality],
        ".png": [cv2.IMWRITE_PNG_COMPRESSION, 1],
        ".webp": [cv2.IMWRITE_WEBP_QUALITY, settings.quality],
    }[extension]

    def encode(pixels: np.ndarray) -> bytes | None:
        # OpenCV encodes a contiguous copy a quarter faster than a view into the page.
        try:
            encoded, data = cv2.imencode(extension, np.ascontiguousarray(pixels), parameters)
        except cv2.error as error:
            raise opencv_error(error) from error
        return data.tobytes() if encoded else None

    return encode

"""What a person looks at of a training: a batch with its targets, pages with what was found on them.

Drawn with numpy and OpenCV only.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from ocr_pipeline.fast.maps.pictures import Picture

FOUND, WORD, IGNORED = (0, 170, 0), (40, 90, 230), (150, 150, 150)


def draw_batch(
    pictures: npt.NDArray, text: npt.NDArray, kernel: npt.NDArray, mask: npt.NDArray, most: int = 4
) -> Picture:
    """Crops (N, 3, S, S) above their targets (N, S, S): words blue, kernels white, masked pixels red."""
    columns = []
    for number in range(min(len(pictures), most)):
        picture = np.ascontiguousarray(pictures[number].transpose(1, 2, 0))
        target = np.zeros_like(picture)
        target[text[number] > 0] = WORD
        target[kernel[number] > 0] = (255, 255, 255)
        target[mask[number] == 0] = (160, 30, 30)
        columns.append(np.vstack([picture, target]))
    return np.hstack(columns)


def draw_findings(
    picture: Picture, found: Sequence[npt.NDArray], words: Sequence[npt.NDArray], ignored: Sequence[npt.NDArray]
) -> Picture:
    """A page with its words (blue), what need not be found (grey) and what was found (green)."""
    canvas = picture.copy()
    for polygons, colour, thickness in ((ignored, IGNORED, 1), (words, WORD, 2), (found, FOUND, 1)):
        outlines = [np.rint(polygon).astype(np.int32) for polygon in polygons]
        cv2.polylines(canvas, outlines, True, colour, thickness, cv2.LINE_AA)
    return canvas


def beside(pictures: Sequence[Picture], height: int = 640) -> Picture:
    """Pictures in a row, all of one height."""
    widths = [max(1, round(picture.shape[1] * height / picture.shape[0])) for picture in pictures]
    return np.hstack(
        [
            cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
            for picture, width in zip(pictures, widths, strict=True)
        ]
    )

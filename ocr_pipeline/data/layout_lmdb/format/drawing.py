"""A sample as a picture, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ocr_pipeline.data.layout_lmdb.format.geometry import Box
from ocr_pipeline.data.layout_lmdb.format.record import LayoutRecord
from ocr_pipeline.page import Point
from ocr_pipeline.storage.files.pictures import decode_picture

_OK, _IGNORED_WORD, _IGNORED_AREA, _REGION = (0, 160, 0), (120, 120, 120), (220, 40, 40), (60, 90, 220)
_FILLED = 0.25


def draw_record(image: bytes, record: LayoutRecord, threshold: float = 0.5) -> np.ndarray:
    """The page with its words (green; grey if ignored), regions above the threshold (blue, with label and place in
    the reading order) and the areas to ignore (red, filled).

    Returns:
        RGB, uint8 [height, width, 3].

    Raises:
        ValueError: the picture cannot be decoded.
    """
    canvas = cv2.cvtColor(decode_picture(image), cv2.COLOR_BGR2RGB)
    thickness = max(1, round(max(canvas.shape[:2]) / 800))
    for box in record.ignore_boxes(threshold):
        _fill(canvas, box)
        _outline(canvas, _corners(box), _IGNORED_AREA, thickness)
    for region in record.regions:
        if region.score > threshold:
            _outline(canvas, _corners(region.box), _REGION, thickness)
            _write(canvas, f"{region.order + 1} {region.label}", region.box, thickness)
    for word in record.words:
        _outline(canvas, word.quad, _OK if word.state == "ok" else _IGNORED_WORD, thickness)
    return canvas


def _corners(box: Box) -> list[Point]:
    x0, y0, x1, y1 = box
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _outline(canvas: np.ndarray, corners: Sequence[Point], colour: tuple[int, int, int], thickness: int) -> None:
    cv2.polylines(canvas, [np.rint(np.array(corners)).astype(np.int32)], True, colour, thickness, cv2.LINE_AA)


def _fill(canvas: np.ndarray, box: Box) -> None:
    x0, y0, x1, y1 = (round(value) for value in box)
    area = canvas[y0:y1, x0:x1]
    area[:] = area * (1 - _FILLED) + np.array(_IGNORED_AREA) * _FILLED


def _write(canvas: np.ndarray, text: str, box: Box, thickness: int) -> None:
    origin = (round(box[0]) + 3 * thickness, round(box[1]) + 14 * thickness)
    cv2.putText(canvas, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.45 * thickness, _REGION, thickness, cv2.LINE_AA)

"""From the kernel logits of one picture to boxes (arXiv 2111.02394, section 3.2; numpy and OpenCV only).

Same result as the published post-processing, but each word is looked at within its own surroundings only.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

BoxType = Literal["rect", "poly"]
Map = npt.NDArray[np.float32]


class Detection(NamedTuple):
    """One found word: ``polygon`` (n, 2) int32 in pixels of the original picture, ``score`` from 0 to 1."""

    polygon: npt.NDArray[np.int32]
    score: float


class BoxRules(NamedTuple):
    """How kernels become boxes.

    Attributes:
        pooling_size: as in training.
        min_score: least mean score of a word.
        min_area: least number of its pixels at the size of the network's input.
        bbox_type: ``rect`` (rotated rectangle) or ``poly`` (outline).
    """

    pooling_size: int = 9
    min_score: float = 0.85
    min_area: float = 250
    bbox_type: BoxType = "rect"


def find_boxes(logits: Map, original_size: tuple[int, int], rules: BoxRules) -> list[Detection]:
    """Boxes in label order.

    Args:
        logits: (H/4, W/4) kernel logits of an input of H x W pixels.
        original_size: (height, width) that the boxes shall refer to.
    """
    height, width = logits.shape[0] * 4, logits.shape[1] * 4
    kernels = (logits > 0).astype(np.uint8)
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(kernels, connectivity=8)
    grown = _grow(labels.astype(np.float32), rules.pooling_size)
    scores = _grow(logits, rules.pooling_size)
    scale = np.array([original_size[1] / width, original_size[0] / height])
    found = []
    for label in range(1, count):
        rows, columns = _surroundings(statistics[label], rules.pooling_size, (height, width))
        member = _enlarged(grown, rows, columns, (height, width)) == label
        pixels = int(np.count_nonzero(member))
        if not pixels or pixels < rules.min_area:
            continue
        score = float(np.mean(_sigmoid(_enlarged(scores, rows, columns, (height, width))[member])))
        if score < rules.min_score:
            continue
        outline = _rectangle(member) if rules.bbox_type == "rect" else _outline(member)
        polygon = (outline + np.array([columns[0], rows[0]])) * scale
        found.append(Detection(polygon.astype(np.int32), score))
    return found


def _grow(values: Map, pooling_size: int) -> Map:
    """Nearest to twice the size, then the maximum in a window; an even window makes the map one pixel smaller."""
    twice = np.repeat(np.repeat(values, 2, axis=0), 2, axis=1)
    window, padding = pooling_size // 2 + 1, pooling_size // 2 // 2
    pooled = cv2.dilate(twice, np.ones((window, window), np.uint8), anchor=(padding, padding))
    lost = window - 1 - 2 * padding
    return np.asarray(pooled[: twice.shape[0] - lost, : twice.shape[1] - lost], np.float32)


def _enlarged(values: Map, rows: npt.NDArray, columns: npt.NDArray, size: tuple[int, int]) -> Map:
    """The given rows and columns of ``values`` enlarged to ``size`` by nearest neighbours."""
    near_rows = np.floor(rows.astype(np.float32) * np.float32(values.shape[0] / size[0])).astype(np.intp)
    near_columns = np.floor(columns.astype(np.float32) * np.float32(values.shape[1] / size[1])).astype(np.intp)
    return values[near_rows[:, None], near_columns[None, :]]


def _surroundings(statistics: npt.NDArray, pooling_size: int, size: tuple[int, int]) -> tuple[npt.NDArray, npt.NDArray]:
    """Rows and columns, at input size, that hold all of a component after growing."""
    margin = 2 * pooling_size + 4
    left, top, wide, high = (int(value) * 4 for value in statistics[:4])
    rows = np.arange(max(top - margin, 0), min(top + high + margin, size[0]))
    columns = np.arange(max(left - margin, 0), min(left + wide + margin, size[1]))
    return rows, columns


def _rectangle(member: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Corners of the smallest rectangle, its sides scaled towards the area that the word really covers."""
    rows, columns = np.nonzero(member)
    points = np.stack([columns, rows], axis=1).astype(np.int32)
    centre, (wide, high), angle = cv2.minAreaRect(points)
    factor = (len(points) / max(wide * high, 1.0)) ** 0.25
    return cv2.boxPoints((centre, (wide * factor, high * factor), angle)).astype(np.float64)


def _outline(member: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    contours, _ = cv2.findContours(member.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return contours[0][:, 0].astype(np.float64)


def _sigmoid(logits: Map) -> Map:
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)

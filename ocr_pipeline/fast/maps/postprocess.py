"""From the kernel logits of one picture to boxes (arXiv 2111.02394, section 3.2; numpy and OpenCV only).

Same result as the published post-processing, but each word is looked at within its own surroundings only.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import pyclipper

BoxType = Literal["rect", "poly"]
Map = npt.NDArray[np.float32]


class Detection(NamedTuple):
    """One found word: ``polygon`` (n, 2) int32 in pixels of the original picture, ``score`` from 0 to 1."""

    polygon: npt.NDArray[np.int32]
    score: float

    def from_top_left(self) -> Detection:
        """The same with the corners of its rectangle clockwise from top left; an outline stays as it is."""
        return self._replace(polygon=clockwise(self.polygon)) if len(self.polygon) == 4 else self


class BoxRules(NamedTuple):
    """How kernels become boxes.

    Attributes:
        pooling_size: as in training.
        min_score: least mean score of a word.
        min_area: least number of its pixels at the size of the network's input.
        bbox_type: ``rect`` (rotated rectangle) or ``poly`` (outline).
        kernel_logit: from which on a pixel belongs to a kernel; it is the new zero of all logits, scores included.
        box_growth: by how much of area / perimeter a box then grows on every side, after its score and area were
            measured: narrower kernels make smaller boxes.
    """

    pooling_size: int = 9
    min_score: float = 0.85
    min_area: float = 250
    bbox_type: BoxType = "rect"
    kernel_logit: float = 0.0
    box_growth: float = 0.0


def find_boxes(logits: Map, original_size: tuple[int, int], rules: BoxRules) -> list[Detection]:
    """Boxes in label order.

    Args:
        logits: (H/4, W/4) kernel logits of an input of H x W pixels.
        original_size: (height, width) that the boxes shall refer to.
    """
    height, width = logits.shape[0] * 4, logits.shape[1] * 4
    logits = logits - np.float32(rules.kernel_logit)
    kernels = (logits > 0).astype(np.uint8)
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(kernels, connectivity=8)
    grown = _grow(labels.astype(np.float32), rules.pooling_size).astype(np.int32)
    rows, columns = _Repeats.of(grown.shape[0], height), _Repeats.of(grown.shape[1], width)
    pixels, scores = _measure(grown, _grow(logits, rules.pooling_size), rows, columns, count)
    scale = np.array([original_size[1] / width, original_size[0] / height])
    found = []
    for label in np.flatnonzero((pixels > 0) & (pixels >= rules.min_area) & (scores >= rules.min_score)):
        if label == 0:
            continue
        high, wide = _surroundings(statistics[label], rules.pooling_size, grown.shape)
        member = grown[high, wide] == label
        if rules.bbox_type == "rect":
            polygon = _rectangle(member, rows.within(high), columns.within(wide), int(pixels[label]), rules.box_growth)
        else:
            polygon = _outlined(_outline(member, rows.within(high), columns.within(wide)), rules.box_growth)
        found.append(Detection((polygon * scale).astype(np.int32), float(scores[label])))
    return found


def clockwise(corners: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Four corners (4, 2) in pixels, clockwise from top left: the first side is the one that runs most to the right."""
    if cv2.contourArea(corners.astype(np.float32), oriented=True) < 0:
        corners = corners[::-1]
    sides = np.roll(corners, -1, axis=0) - corners
    top = int(np.argmax(sides[:, 0] / np.maximum(np.hypot(sides[:, 0], sides[:, 1]), 1e-6)))
    return np.roll(corners, -top, axis=0)


class _Repeats(NamedTuple):
    """Enlarging one axis by nearest neighbours: for each place its first new place, and how many it becomes."""

    first: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]

    @classmethod
    def of(cls, length: int, enlarged: int) -> _Repeats:
        nearest = np.floor(np.arange(enlarged, dtype=np.float32) * np.float32(length / enlarged)).astype(np.intp)
        times = np.bincount(nearest, minlength=length)
        return cls(np.cumsum(times) - times, times)

    def within(self, part: slice) -> _Repeats:
        return _Repeats(self.first[part], self.times[part])


def _measure(
    grown: npt.NDArray[np.int32], logits: Map, rows: _Repeats, columns: _Repeats, count: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Pixels at the size of the network's input and mean score, for each label at once."""
    inside = grown > 0
    weight = (rows.times[:, None] * columns.times[None, :])[inside].astype(np.float64)
    labels = grown[inside]
    pixels: npt.NDArray[np.float64] = np.bincount(labels, weight, minlength=count).astype(np.float64)
    sums = np.bincount(labels, weight * _sigmoid(logits[inside]), minlength=count)
    return pixels, sums / np.maximum(pixels, 1)


def _grow(values: Map, pooling_size: int) -> Map:
    """Nearest to twice the size, then the maximum in a window; an even window makes the map one pixel smaller."""
    twice = np.repeat(np.repeat(values, 2, axis=0), 2, axis=1)
    window, padding = pooling_size // 2 + 1, pooling_size // 2 // 2
    pooled = cv2.dilate(twice, np.ones((window, window), np.uint8), anchor=(padding, padding))
    lost = window - 1 - 2 * padding
    return np.asarray(pooled[: twice.shape[0] - lost, : twice.shape[1] - lost], np.float32)


def _surroundings(statistics: npt.NDArray, pooling_size: int, size: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of the grown map that hold all of a component."""
    margin = pooling_size // 2 + 1
    left, top, wide, high = (int(value) * 2 for value in statistics[:4])
    rows = slice(max(top - margin, 0), min(top + high + margin, size[0]))
    columns = slice(max(left - margin, 0), min(left + wide + margin, size[1]))
    return rows, columns


def _rectangle(
    member: npt.NDArray[np.bool_], rows: _Repeats, columns: _Repeats, pixels: int, growth: float
) -> npt.NDArray[np.float64]:
    """Corners of the smallest rectangle, its sides scaled towards the area that the word really covers, and grown.

    Only the outermost pixels of each row matter to it.
    """
    filled = np.flatnonzero(member.any(axis=1))
    member = member[filled]
    left = columns.first[member.argmax(axis=1)]
    last = member.shape[1] - 1 - member[:, ::-1].argmax(axis=1)
    right = columns.first[last] + columns.times[last] - 1
    top = rows.first[filled]
    bottom = top + rows.times[filled] - 1
    points = np.stack([np.concatenate([left, right, left, right]), np.concatenate([top, top, bottom, bottom])], axis=1)
    centre, (wide, high), angle = cv2.minAreaRect(points.astype(np.int32))
    factor = (pixels / max(wide * high, 1.0)) ** 0.25
    wide, high = wide * factor, high * factor
    more = 2 * growth * wide * high / max(2 * (wide + high), 1.0)
    return cv2.boxPoints((centre, (wide + more, high + more), angle)).astype(np.float64)


def _outline(member: npt.NDArray[np.bool_], rows: _Repeats, columns: _Repeats) -> npt.NDArray[np.float64]:
    enlarged = member.astype(np.uint8).repeat(rows.times, axis=0).repeat(columns.times, axis=1)
    contours, _ = cv2.findContours(enlarged, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return contours[0][:, 0] + np.array((columns.first[0], rows.first[0]), dtype=float)


def _outlined(polygon: npt.NDArray[np.float64], growth: float) -> npt.NDArray[np.float64]:
    """The outline moved outwards, with round corners."""
    corners = polygon.astype(np.float32)
    offset = growth * cv2.contourArea(corners) / max(cv2.arcLength(corners, True), 1.0)
    if not offset:
        return polygon
    clipper = pyclipper.PyclipperOffset()
    clipper.AddPath(polygon.astype(int).tolist(), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    return np.array(clipper.Execute(offset)[0], dtype=float)


def _sigmoid(logits: Map) -> Map:
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)

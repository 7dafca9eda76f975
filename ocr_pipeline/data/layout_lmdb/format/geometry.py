"""Quads and boxes: clipping, areas and overlaps, in pixels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ocr_pipeline.page import Quad

Box = tuple[float, float, float, float]


def box_of(quad: Quad) -> Box:
    """The upright box (x0, y0, x1, y1) around a quad."""
    xs, ys = zip(*quad, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def clip_quad(quad: Quad, width: int, height: int) -> Quad:
    """Every corner moved to the nearest point of the picture [0, width] x [0, height]."""
    a, b, c, d = ((min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height))) for x, y in quad)
    return a, b, c, d


def quad_area(quad: Quad) -> float:
    """Area in square pixels (shoelace formula), whatever the direction of the corners."""
    twice = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(quad, (*quad[1:], quad[0]), strict=True))
    return abs(twice) / 2


def quad_areas(quads: np.ndarray) -> np.ndarray:
    """The same for quads [N, 4, 2]."""
    x, y = quads[..., 0], quads[..., 1]
    return np.abs((x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1)) / 2


def outside(quad: Quad, width: int, height: int) -> bool:
    """Whether the quad's upright box shares no area with the picture."""
    x0, y0, x1, y1 = box_of(quad)
    return x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height


def shared_area(inner: Box, outer: Box) -> float:
    """Share of ``inner``'s area that lies in ``outer``; 0 for a box without area."""
    area = (inner[2] - inner[0]) * (inner[3] - inner[1])
    width = min(inner[2], outer[2]) - max(inner[0], outer[0])
    height = min(inner[3], outer[3]) - max(inner[1], outer[1])
    return width * height / area if area > 0 and width > 0 and height > 0 else 0.0


def cut_back(box: Box, others: Iterable[Box]) -> Box | None:
    """The box cut, at each of the others in turn, along the side that leaves most of it; None if nothing is left.

    A pixel stays free between the two: whoever draws areas draws their edges too.
    """
    for left, top, right, bottom in others:
        x0, y0, x1, y1 = box
        beside = [(x0, y0, left - 1, y1), (x0, y0, x1, top - 1), (right + 1, y0, x1, y1), (x0, bottom + 1, x1, y1)]
        box = max(beside, key=_area)
        if not _area(box):
            return None
    return box


def _area(box: Box) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def shared_areas(inner: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """Share of each inner box's area that lies in each outer box.

    Args:
        inner: boxes [N, 4] as x0, y0, x1, y1.
        outer: boxes [M, 4].

    Returns:
        [N, M], 0 where the inner box has no area.
    """
    size = np.minimum(inner[:, None, 2:], outer[None, :, 2:]) - np.maximum(inner[:, None, :2], outer[None, :, :2])
    shared = np.clip(size, 0, None).prod(axis=2)
    area = np.clip(inner[:, 2:] - inner[:, :2], 0, None).prod(axis=1)[:, None]
    return np.divide(shared, area, out=np.zeros_like(shared), where=area > 0)

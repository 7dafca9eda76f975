"""From a layout model's raw numbers to the regions of a page: scores, boxes, duplicates, reading order (numpy)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ocr_pipeline.data.layout_lmdb.format.geometry import shared_areas

KEPT_ABOVE = 0.1
"""Lowest score that is stored at all; readers apply their own, higher threshold without running the model again."""

SAME_BOX = 0.9
"""Intersection over union above which two boxes are one region, found twice."""


@dataclass(frozen=True)
class Detections:
    """Regions of one page, in reading order.

    Attributes:
        boxes: float32 [K, 4] as x0, y0, x1, y1, in pixels of the page.
        scores: float32 [K], 0 to 1.
        labels: int64 [K], positions in the engine's labels.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray

    @classmethod
    def none(cls) -> Detections:
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.scores)


def model_input(picture: np.ndarray, size: tuple[int, int], into: np.ndarray | None = None) -> np.ndarray:
    """The picture as PP-DocLayout models were trained to see it: squeezed to a fixed size, cubic, RGB.

    Args:
        picture: BGR, uint8 [height, width, 3].
        size: (width, height) of the result.
        into: where to put it; None: a new array.

    Returns:
        RGB, uint8 [height, width, 3].
    """
    return cv2.cvtColor(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), cv2.COLOR_BGR2RGB, dst=into)


def decode_detections(
    logits: np.ndarray,
    centred: np.ndarray,
    order_logits: np.ndarray,
    ordered_from: np.ndarray,
    size: tuple[int, int],
) -> Detections:
    """Regions of one page from the outputs of PP-DocLayoutV2 (an RT-DETR detector with a pointer network behind it).

    Args:
        logits: float [Q, C], class scores of each query before the sigmoid.
        centred: float [Q, 4], centre x, centre y, width, height as shares of the page.
        order_logits: float [Q, Q], above the diagonal: row stands before column, before the sigmoid.
        ordered_from: float [C], score from which the model placed a region of the class in its reading order.
        size: (width, height) of the page in pixels.
    """
    scores = _sigmoid(logits)
    labels = scores.argmax(axis=1)
    scores = scores.max(axis=1)
    boxes = _corners(centred, size)
    order = _reading_order(boxes, scores >= ordered_from[labels], order_logits)
    kept = order[np.isin(order, _distinct(boxes, scores))]
    return Detections(boxes[kept], scores[kept], labels[kept])


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # exp of a large number is inf, and 1 / inf the right answer
        return 1 / (1 + np.exp(-logits.astype(np.float32)))


def _corners(centred: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """x0, y0, x1, y1 in pixels, clipped to the page."""
    half = centred[:, 2:] / 2
    limits = np.array([*size, *size], np.float32)
    shares = np.concatenate([centred[:, :2] - half, centred[:, :2] + half], axis=1)
    return (np.clip(shares, 0, 1) * limits).astype(np.float32)


def _reading_order(boxes: np.ndarray, ordered: np.ndarray, order_logits: np.ndarray) -> np.ndarray:
    """Positions in reading order: first what the model placed, by how many others it reads before; the rest by y, x."""
    placed, rest = np.flatnonzero(ordered), np.flatnonzero(~ordered)
    before = np.triu(_sigmoid(order_logits[np.ix_(placed, placed)]), 1)
    read_before = (before + np.tril(1 - before.T, -1)).sum(axis=0)
    from_top = np.lexsort((boxes[rest, 0], boxes[rest, 1]))
    return np.concatenate([placed[np.argsort(read_before, kind="stable")], rest[from_top]])


def _distinct(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Positions worth keeping: scored high enough, not empty, and of each group of equal boxes the best."""
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    candidates = np.flatnonzero((scores > KEPT_ABOVE) & (areas > 0))
    kept: list[int] = []
    for candidate in candidates[np.argsort(-scores[candidates], kind="stable")]:
        if not kept or _overlap(boxes[candidate], areas[candidate], boxes[kept], areas[kept]).max() <= SAME_BOX:
            kept.append(int(candidate))
    return np.array(kept, np.int64)


def _overlap(box: np.ndarray, area: float, others: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """Intersection over union of one box with each of the others."""
    shared = shared_areas(box[None], others)[0] * area
    return shared / (area + areas - shared)

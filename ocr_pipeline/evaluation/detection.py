"""How well words were found: precision, recall and hmean by the rules of ICDAR 2015 (Robust Reading, task 4.1)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

MIN_IOU = 0.5
MAX_IGNORED_SHARE = 0.5

Corners = Sequence[Sequence[float]] | npt.NDArray[np.number]


class Truth(NamedTuple):
    """One labelled word: corners (n, 2), and whether it is ``ignore`` (need not be found, costs nothing if it is)."""

    polygon: Corners
    ignore: bool = False


@dataclasses.dataclass(frozen=True)
class DetectionScore:
    """Result over a whole set of pictures.

    Attributes:
        precision, recall, hmean: fractions; 0 where undefined.
        matched: detections that are a word; detections, words: how many counted.
    """

    precision: float
    recall: float
    hmean: float
    matched: int
    detections: int
    words: int

    def as_dict(self) -> dict[str, float]:
        return dataclasses.asdict(self)


def score_detections(predictions: Sequence[Sequence[Corners]], truths: Sequence[Sequence[Truth]]) -> DetectionScore:
    """Match detections with words, picture by picture, and sum over all pictures (micro average).

    A detection of which more than half lies in one ignored word does not count. Of the others, each may match one word,
    if their intersection over union is greater than 0.5; words choose in their order, the first detection that fits.
    Polygons that cross themselves are repaired first; what has no area matches nothing.

    Args:
        predictions: for each picture its polygons; empty for a picture without any.
        truths: for each picture its words, in the same order of pictures.

    Raises:
        ValueError: the numbers of pictures differ.
    """
    matched = detections = words = 0
    for found, labelled in zip(predictions, truths, strict=True):
        counts = _score_picture(found, labelled)
        matched, detections, words = matched + counts[0], detections + counts[1], words + counts[2]
    precision = matched / detections if detections else 0.0
    recall = matched / words if words else 0.0
    hmean = 2 * precision * recall / (precision + recall) if matched else 0.0
    return DetectionScore(precision, recall, hmean, matched, detections, words)


def _score_picture(found: Sequence[Corners], labelled: Sequence[Truth]) -> tuple[int, int, int]:
    """(matches, detections that count, words that count)."""
    cared = _polygons([truth.polygon for truth in labelled if not truth.ignore])
    ignored = _polygons([truth.polygon for truth in labelled if truth.ignore])
    boxes = _polygons(found)
    boxes = boxes[~_mostly_inside(boxes, ignored)]
    matches, taken = 0, set[int]()
    for candidates in _candidates(cared, boxes):
        free = next((box for box in candidates if box not in taken), None)
        if free is not None:
            taken.add(free)
            matches += 1
    return matches, len(boxes), len(cared)


def _candidates(words: npt.NDArray, boxes: npt.NDArray) -> list[list[int]]:
    """For each word the detections that overlap it enough, in order."""
    fitting: list[list[int]] = [[] for _ in words]
    word, box = _touching_pairs(words, boxes)
    shared = shapely.area(shapely.intersection(words[word], boxes[box]))
    union = shapely.area(words)[word] + shapely.area(boxes)[box] - shared
    for position in np.flatnonzero(shared > MIN_IOU * union):
        fitting[word[position]].append(int(box[position]))
    return [sorted(candidates) for candidates in fitting]


def _mostly_inside(boxes: npt.NDArray, areas: npt.NDArray) -> npt.NDArray[np.bool_]:
    """Which boxes have more than half of themselves in one of the areas."""
    inside = np.zeros(len(boxes), bool)
    area, box = _touching_pairs(areas, boxes)
    shared = shapely.area(shapely.intersection(areas[area], boxes[box]))
    inside[box[shared > MAX_IGNORED_SHARE * shapely.area(boxes)[box]]] = True
    return inside


def _touching_pairs(left: npt.NDArray, right: npt.NDArray) -> tuple[npt.NDArray, npt.NDArray]:
    if not len(left) or not len(right):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    first, second = shapely.STRtree(right).query(left, predicate="intersects")
    return first, second


def _polygons(corners: Sequence[Corners]) -> npt.NDArray:
    """Valid shapely geometries, repaired where corners cross or coincide."""
    shapes = [shapely.Polygon(np.asarray(points, np.float64).reshape(-1, 2)) for points in corners]
    return shapely.make_valid(np.array(shapes, dtype=object)) if shapes else np.empty(0, object)

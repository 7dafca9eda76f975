"""How well words were found: precision, recall and hmean by the rules of ICDAR 2015 (Robust Reading, task 4.1)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from ocr_pipeline.evaluation.polygons import Corners, polygons, touching_pairs

MIN_IOU = 0.5
MAX_IGNORED_SHARE = 0.5
COVERED = 0.7
"""Share of a word's area that has to lie under detections, so that it counts as covered: boxes of lines do it too."""


class Truth(NamedTuple):
    """One labelled word: corners (n, 2), and whether it is ``ignore`` (need not be found, costs nothing if it is)."""

    polygon: Corners
    ignore: bool = False


class Matching(NamedTuple):
    """What became of one picture.

    Attributes:
        pairs: places of a word and of the detection that took it, in the words' order.
        detections, words: places of those that count.
    """

    pairs: list[tuple[int, int]]
    detections: list[int]
    words: list[int]


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

    @classmethod
    def of(cls, matched: int, detections: int, words: int) -> DetectionScore:
        precision = matched / detections if detections else 0.0
        recall = matched / words if words else 0.0
        hmean = 2 * precision * recall / (precision + recall) if matched else 0.0
        return cls(precision, recall, hmean, matched, detections, words)

    def as_dict(self) -> dict[str, float]:
        return dataclasses.asdict(self)


def score_detections(predictions: Sequence[Sequence[Corners]], truths: Sequence[Sequence[Truth]]) -> DetectionScore:
    """Match detections with words, picture by picture (`match_words`), and sum over all pictures (micro average).

    Args:
        predictions: for each picture its polygons; empty for a picture without any.
        truths: for each picture its words, in the same order of pictures.

    Raises:
        ValueError: the numbers of pictures differ.
    """
    matched = detections = words = 0
    for found, labelled in zip(predictions, truths, strict=True):
        picture = match_words(found, labelled)
        matched, detections = matched + len(picture.pairs), detections + len(picture.detections)
        words += len(picture.words)
    return DetectionScore.of(matched, detections, words)


def match_words(found: Sequence[Corners], labelled: Sequence[Truth]) -> Matching:
    """Which detection of a picture is which word.

    A detection of which more than half lies in one ignored word does not count. Of the others, each may match one word,
    if their intersection over union is greater than 0.5; words choose in their order, the first detection that fits.
    Polygons that cross themselves are repaired first; what has no area matches nothing.
    """
    shapes, boxes = polygons([truth.polygon for truth in labelled]), polygons(found)
    is_ignored = np.array([truth.ignore for truth in labelled], bool)
    words = np.flatnonzero(~is_ignored)
    counting = np.flatnonzero(~_mostly_inside(boxes, shapes[is_ignored]))
    pairs, taken = list[tuple[int, int]](), set[int]()
    for word, candidates in zip(words.tolist(), _candidates(shapes[words], boxes[counting]), strict=True):
        free = next((box for box in candidates if box not in taken), None)
        if free is not None:
            taken.add(free)
            pairs.append((word, int(counting[free])))
    return Matching(pairs, counting.tolist(), words.tolist())


def are_covered(found: Sequence[Corners], words: Sequence[Corners]) -> list[bool]:
    """Which words of a picture lie under the union of its detections, by 70 % of their area."""
    under, shapes = shapely.union_all(polygons(found)), polygons(words)
    areas = shapely.area(shapes)
    covered = (shapely.area(shapely.intersection(shapes, under)) >= COVERED * areas) & (areas > 0)
    return covered.tolist()


def _candidates(words: npt.NDArray, boxes: npt.NDArray) -> list[list[int]]:
    """For each word the detections that overlap it enough, in order."""
    fitting: list[list[int]] = [[] for _ in words]
    word, box = touching_pairs(words, boxes)
    shared = shapely.area(shapely.intersection(words[word], boxes[box]))
    union = shapely.area(words)[word] + shapely.area(boxes)[box] - shared
    for position in np.flatnonzero(shared > MIN_IOU * union):
        fitting[word[position]].append(int(box[position]))
    return [sorted(candidates) for candidates in fitting]


def _mostly_inside(boxes: npt.NDArray, areas: npt.NDArray) -> npt.NDArray[np.bool_]:
    """Which boxes have more than half of themselves in one of the areas."""
    inside = np.zeros(len(boxes), bool)
    area, box = touching_pairs(areas, boxes)
    shared = shapely.area(shapely.intersection(areas[area], boxes[box]))
    inside[box[shared > MAX_IGNORED_SHARE * shapely.area(boxes)[box]]] = True
    return inside

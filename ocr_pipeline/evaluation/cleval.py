"""How well characters were found: CLEval (Baek et al. 2020), which is fair to boxes that split or join words.

A word's characters stand at the centres of equal cells along its midline. A detection is matched with a word if enough
of it lies there and a centre of it is inside; whoever splits or joins words pays one character for each partner more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from ocr_pipeline.evaluation.end_to_end import SpottedWord, is_illegible
from ocr_pipeline.evaluation.polygons import Corners, polygons, shared_areas

MIN_SHARE = 0.3
UPRIGHT = 0.5  # a word narrower than this share of its height is written downwards
MOST = 10  # characters that a false box, or an illegible word, stands for


class CharacterCounts(NamedTuple):
    """Of one picture, to be summed over pictures.

    Attributes:
        found: characters of the words that lie in a matched detection.
        split: what words pay that are split; joined: what detections pay that join words.
        characters: those of the words; detected: those that detections hold or, where false, stand for.
    """

    found: int
    split: int
    joined: int
    characters: int
    detected: int


def character_counts(found: Sequence[Corners], labelled: Sequence[SpottedWord]) -> CharacterCounts:
    """CLEval's sums for the detections (four corners each) of one picture; illegible words are ignored."""
    ignored = np.array([is_illegible(word.text) for word in labelled], bool)
    corners = [np.trunc(np.asarray(box, np.float64).reshape(-1, 2)) for box in found]
    words, boxes = _without_words([word.polygon for word in labelled], ignored), polygons(corners)
    shares = shared_areas(words, boxes) / np.maximum(shapely.area(boxes), 1e-9)
    inside = [_inside(_centres(word), boxes) for word in labelled]
    counts = np.array([centres.sum(axis=0) for centres in inside]).reshape(len(words), len(boxes))
    counting = ~_ignored_boxes(shares, counts, ignored)
    matches = _matches(shares, counts, ~ignored, counting)
    return _sums(matches, inside, corners, ~ignored, counting)


def _sums(
    matches: npt.NDArray[np.bool_],
    inside: list[npt.NDArray[np.bool_]],
    corners: Sequence[npt.NDArray],
    caring: npt.NDArray[np.bool_],
    counting: npt.NDArray[np.bool_],
) -> CharacterCounts:
    seen = [centres & match for centres, match in zip(inside, matches, strict=True)]
    once = sum(int(centres.any(axis=1).sum()) for centres in seen)
    partners = matches.sum(axis=0)
    alone = counting & (partners == 0)
    invented = sum(_false_characters(box) for box, false in zip(corners, alone, strict=True) if false)
    return CharacterCounts(
        found=once,
        split=int(np.maximum(matches.sum(axis=1) - 1, 0).sum()),
        joined=int(np.maximum(partners - 1, 0).sum()),
        characters=sum(len(centres) for centres, cares in zip(inside, caring, strict=True) if cares),
        detected=sum(int(centres.sum()) for centres in seen) + invented,
    )


def _matches(
    shares: npt.NDArray, counts: npt.NDArray, caring: npt.NDArray[np.bool_], counting: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Which word belongs to which detection [words, boxes]: one to one, one to many, or many to one."""
    touched = counts > 0
    close = touched & (shares >= MIN_SHARE)
    valid = caring[:, None] & counting
    one_to_one = close & (close.sum(axis=1, keepdims=True) == 1) & (close.sum(axis=0, keepdims=True) == 1) & valid
    close_valid = close & valid
    split = close_valid & (close_valid.sum(axis=1, keepdims=True) >= 2)
    within = touched & valid
    whole = (np.where(within, shares, 0).sum(axis=0) >= MIN_SHARE) & (within.sum(axis=0) >= 2)
    return one_to_one | split | (within & whole)


def _ignored_boxes(shares: npt.NDArray, counts: npt.NDArray, ignored: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which detections lie enough in one ignored word, or in several of which they hold centres."""
    shares, counts = shares[ignored], counts[ignored]
    return (shares >= MIN_SHARE).any(axis=0) | (np.where(counts > 0, shares, 0).sum(axis=0) >= MIN_SHARE)


def _without_words(corners: Sequence[Corners], ignored: npt.NDArray[np.bool_]) -> npt.NDArray:
    """The words' shapes; what a legible word covers belongs to no ignored one."""
    shapes = polygons([np.trunc(np.asarray(points, np.float64).reshape(-1, 2)) for points in corners])
    if ignored.any() and not ignored.all():
        legible = shapely.union_all(shapes[~ignored])
        shapes[ignored] = shapely.difference(shapes[ignored], legible)
    return shapes


def _inside(centres: npt.NDArray, boxes: npt.NDArray) -> npt.NDArray[np.bool_]:
    """Which centres lie in which detections [centres, boxes]."""
    if not len(centres) or not len(boxes):
        return np.zeros((len(centres), len(boxes)), bool)
    return shapely.contains_xy(boxes[None, :], centres[:, :1], centres[:, 1:])


def _centres(word: SpottedWord) -> npt.NDArray[np.float64]:
    """Where the characters of a word stand (n, 2)."""
    quad = np.asarray(word.polygon, np.float64).reshape(-1, 2)
    count = _illegible_characters(quad) if is_illegible(word.text) else len(word.text)
    if _aspect(quad) < UPRIGHT:
        quad = np.roll(quad, 1, axis=0)
    start, end = (quad[0] + quad[3]) / 2, (quad[1] + quad[2]) / 2
    return start + (end - start) * ((np.arange(count) + 0.5) / count)[:, None]


def _aspect(quad: npt.NDArray) -> float:
    """Mean width over mean height of four corners."""
    sides = np.hypot(*(np.roll(quad, -1, axis=0) - quad).T)
    return float((sides[::2].mean() + 1e-5) / (sides[1::2].mean() + 1e-5))


def _illegible_characters(quad: npt.NDArray) -> int:
    aspect = _aspect(quad)
    return min(round(0.5 + max(aspect, 1 / aspect)), MOST)


def _false_characters(box: npt.NDArray) -> int:
    """What a false detection stands for: one that is wide costs a single character, by the protocol's own formula."""
    return min(round(0.5 + 1 / (1e-5 + _aspect(box))), MOST)

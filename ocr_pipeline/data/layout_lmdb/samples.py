"""One page and what the layout model saw on it -> one record; words that are not on the picture are set aside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import msgspec
import numpy as np

from ocr_pipeline.data.geometry import slipped_corner
from ocr_pipeline.data.layout_lmdb.assignment import assign_words, reading_lines
from ocr_pipeline.data.layout_lmdb.engines.detections import Detections
from ocr_pipeline.data.layout_lmdb.format.geometry import clip_quad, quad_areas
from ocr_pipeline.data.layout_lmdb.format.record import LayoutRecord, LayoutWord, Region
from ocr_pipeline.data.layout_lmdb.settings import LayoutSettings
from ocr_pipeline.page import Page, Point, Quarantined, State, Word


class PlacedWords(NamedTuple):
    """The words of a page upon its picture.

    Attributes:
        page: as labelled.
        size: (width, height) of the picture as it is.
        words: clipped to the picture.
        boxes: [N, 4], the upright box (x0, y0, x1, y1) around each.
        aside: words that are not on it (``word_outside``, ``word_zero_area``, ``corner_slipped``).
        clipped: how many were clipped.
    """

    page: Page
    size: tuple[int, int]
    words: tuple[LayoutWord, ...]
    boxes: np.ndarray
    aside: list[Quarantined]
    clipped: int


def place_words(page: Page, size: tuple[int, int]) -> PlacedWords:
    """The page's words, clipped to the picture.

    Args:
        page: as labelled.
        size: (width, height) of the picture as it is.
    """
    slips = {word.id: corner for word in page.words if (corner := slipped_corner(word.quad, *size))}
    aside = [_slipped(page, word, slips[word.id], size) for word in page.words if word.id in slips]
    words = [word for word in page.words if word.id not in slips]
    quads = _corners(words)
    within = quads.clip(0, size)
    boxes = np.concatenate([within.min(axis=1), within.max(axis=1)], axis=1)
    x0, y0, x1, y1 = boxes.T
    beyond = (x1 <= 0) | (y1 <= 0) | (x0 >= size[0]) | (y0 >= size[1])
    empty, moved = quad_areas(within) == 0, (within != quads).any(axis=(1, 2))
    placed, clipped = [], 0
    for word, is_beyond, is_empty, is_moved in zip(words, beyond.tolist(), empty.tolist(), moved.tolist(), strict=True):
        if is_beyond:
            aside.append(word.set_aside(page, "word_outside", f"the quad lies outside the {size} picture"))
        elif is_empty:
            aside.append(word.set_aside(page, "word_zero_area", "the quad has no area on the picture"))
        else:
            clipped += is_moved
            quad = clip_quad(word.quad, *size) if is_moved else word.quad
            state: State = "ok" if word.state == "ok" else "ignore"  # msgspec knows a default by its identity
            placed.append(LayoutWord(quad, word.text, state, word.id))
    return PlacedWords(page, size, tuple(placed), boxes[~(beyond | empty)], aside, clipped)


def _slipped(page: Page, word: Word, corner: Point, size: tuple[int, int]) -> Quarantined:
    detail = f"its corner at {corner} lies far from the others, on a picture of {size}"
    return word.set_aside(page, "corner_slipped", detail)


def _corners(words: Sequence[Word]) -> np.ndarray:
    """[N, 4, 2]"""
    flat = chain.from_iterable(chain.from_iterable(word.quad for word in words))
    return np.fromiter(flat, np.float64, 8 * len(words)).reshape(-1, 4, 2)


def make_record(
    on_page: PlacedWords, found: Detections, labels: tuple[str, ...], settings: LayoutSettings
) -> LayoutRecord:
    """The record of a page: its words joined to the regions that the layout model found.

    Args:
        found: regions in reading order, their labels counting in ``labels``.
    """
    page, words, boxes = on_page.page, on_page.words, on_page.boxes
    names = [labels[position] for position in found.labels]
    eligible = [n for n, name in enumerate(names) if found.scores[n] > settings.threshold_of(name)]
    nearest = assign_words(boxes, found.boxes[eligible])
    holder = np.array([*eligible, -1])[nearest]  # -1, for no region, takes the last
    placed = tuple(
        msgspec.structs.replace(word, region=region) if region >= 0 else word
        for word, region in zip(words, holder.tolist(), strict=True)
    )
    regions = tuple(_regions(names, found, boxes, words, holder))
    return LayoutRecord(page.dataset, page.split, page.image, page.label, *on_page.size, placed, regions)


def _regions(
    names: list[str], found: Detections, boxes: np.ndarray, words: tuple[LayoutWord, ...], holder: np.ndarray
) -> Iterator[Region]:
    for order, name in enumerate(names):
        members = np.flatnonzero(holder == order)
        texts = [words[member].text for member in members]
        lines = [members[line].tolist() for line in reading_lines(boxes[members], texts, found.boxes[order])]
        yield Region(
            label=name,
            score=round(float(found.scores[order]), 4),
            box=rounded_box(found.boxes[order]),
            order=order,
            text=joined_text(lines, words),
            words=tuple(member for line in lines for member in line),
        )


def joined_text(lines: list[list[int]], words: tuple[LayoutWord, ...]) -> str:
    """The legible words of each line, lines without any left out."""
    legible = ([words[member].text for member in line if words[member].state == "ok"] for line in lines)
    return "\n".join(" ".join(texts) for texts in legible if texts)


def rounded_box(box: np.ndarray) -> tuple[float, float, float, float]:
    """To hundredths of a pixel: finer than any model sees, and free of the last bits that devices disagree on."""
    x0, y0, x1, y1 = (round(value, 2) for value in box.astype(float).tolist())
    return x0, y0, x1, y1

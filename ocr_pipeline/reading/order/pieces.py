"""Pieces of a page, each a line of words that follow each other, and which of them are read before which.

A page is cut where nothing stands: first into columns, at a valley that runs from its top to its bottom. What crosses
a valley, as a heading does, is peeled off before and parts what is above it from what is below. Rows that go on across
a valley are those of a table or a form and stay rows. Where there is no valley, the page is cut between its paragraphs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ocr_pipeline.reading.order.lines import chains
from ocr_pipeline.reading.order.words import Numbers, Places

VALLEY = 1.0  # median heights of lines that a valley between columns is wide, at least
PARAGRAPH = 0.9  # median heights between two paragraphs, at least
_PEELED = 0.34  # of the pieces that may cross a valley, at most
_GO_ON = 0.6  # of the rows on the shorter side that go on across a valley: a table's
_ROW = 0.5  # of the lower piece's height that two pieces of one row share
_ASIDE = 0.3  # the same, where it is asked whether rows go on: paper curls, and hands wander
_DRIFT = 0.9  # heights that a row rises or falls by, at most, from one piece to the next
_FARTHER = 0.1  # heights up or down that are as far as one height to the right
_ALIKE = 4.0  # times as high as another a piece of its row may be
_RUNNING = 2.0  # words of a line in a column of text, on average and at least
_FILLED = 0.6  # of its column that a usual line of text fills


class Pieces(NamedTuple):
    """Boxes of pieces, level.

    Attributes:
        left, top, right, bottom [n]: in pixels; words [n]: how many words each holds.
    """

    left: Numbers
    top: Numbers
    right: Numbers
    bottom: Numbers
    words: Numbers

    @property
    def height(self) -> Numbers:
        return self.bottom - self.top

    @property
    def middle(self) -> Numbers:
        return (self.top + self.bottom) / 2


Row = list[int]
Block = list[Row]


def blocks_of(pieces: Pieces, places: Places) -> Iterator[Block]:
    """The pieces as blocks in reading order, each a list of rows from top to bottom, a row from left to right."""
    if columns := _columns(pieces, places):
        yield from columns
        return
    parts = _cut_between(places, pieces.top, pieces.bottom, PARAGRAPH * _usual_height(pieces, places))
    if len(parts) == 1:
        yield rows_of(pieces, places)
        return
    for part in parts:
        yield from blocks_of(pieces, part)


def rows_of(pieces: Pieces, places: Places) -> Block:
    """Pieces side by side; the rows from top to bottom.

    Each piece goes to the nearest on its right, so that a row may wander up and down as hands and curled paper do.
    """
    if not len(places):
        return []
    right, cost = zip(*(_followers(pieces, int(place), places) for place in places), strict=True)
    left = np.repeat(np.arange(len(places)), [len(found) for found in right])
    rows = [places[row] for row in chains(len(places), left, np.concatenate(right), np.concatenate(cost))]
    rows.sort(key=lambda row: float(pieces.middle[row].mean()))
    return [row.tolist() for row in rows]


def _followers(pieces: Pieces, one: int, places: Places) -> tuple[Places, Numbers]:
    """Which of these places may follow a piece in its row, and how far away they are."""
    height, own = pieces.height[places], pieces.height[one]
    usual = np.maximum((height + own) / 2, 1e-6)
    drift = np.abs(pieces.middle[places] - pieces.middle[one]) / usual
    gap = (pieces.left[places] - pieces.right[one]) / usual
    alike = np.maximum(height, own) < _ALIKE * np.minimum(height, own)
    found = np.flatnonzero((gap > 0) & (drift < _DRIFT) & alike)
    return found, (drift + _FARTHER * gap)[found]


def _share(pieces: Pieces, row: Row, place: int) -> bool:
    """Whether a piece stands beside all of a row, as high as they."""
    return all(_shared(pieces, other, place) > _ROW and not _is_over(pieces, other, place) for other in row)


def _shared(pieces: Pieces, one: int, other: int) -> float:
    """The share of the lower piece's height that both have; none where one is no line beside the other."""
    if not 1 / _ALIKE < pieces.height[one] / max(pieces.height[other], 1e-6) < _ALIKE:
        return 0.0
    shared = min(pieces.bottom[one], pieces.bottom[other]) - max(pieces.top[one], pieces.top[other])
    return float(shared / max(min(pieces.height[one], pieces.height[other]), 1e-6))


def _is_over(pieces: Pieces, one: int, other: int) -> bool:
    """Whether two pieces share most of the narrower one's width: such are never side by side."""
    shared = min(pieces.right[one], pieces.right[other]) - max(pieces.left[one], pieces.left[other])
    narrower = min(pieces.right[one] - pieces.left[one], pieces.right[other] - pieces.left[other])
    return bool(shared > _ROW * narrower)


def _columns(pieces: Pieces, places: Places) -> list[Block]:
    """Blocks of columns, with what crosses them in between; none where there are no columns."""
    found = _valley(pieces, places)
    if found is None:
        return []
    blocks: list[Block] = []
    middle, crossing = found
    for band, crosses in _bands(pieces, places, crossing):
        left, right = band[pieces.right[band] <= middle], band[pieces.left[band] >= middle]
        if crosses or (len(left) and len(right) and _is_table(pieces, left, right)):
            blocks.append(rows_of(pieces, band))
        elif not len(left) or not len(right):
            blocks += blocks_of(pieces, band)
        else:
            blocks += [*blocks_of(pieces, left), *blocks_of(pieces, right)]
    return blocks


def _bands(pieces: Pieces, places: Places, crossing: Places) -> Iterator[tuple[Places, bool]]:
    """Rows that cross a valley, and the pieces above, between and below them; from top to bottom, which is which."""
    bounds = rows_of(pieces, crossing)
    for place in np.setdiff1d(places, crossing):
        for row in bounds:
            if _share(pieces, row, int(place)):
                row.append(int(place))
    rest = np.setdiff1d(places, [place for row in bounds for place in row])
    numbers = np.searchsorted([float(pieces.middle[row].mean()) for row in bounds], pieces.middle[rest])
    for number in range(len(bounds) + 1):
        if (numbers == number).any():
            yield rest[numbers == number], False
        if number < len(bounds):
            yield np.array(bounds[number], np.intp), True


def _valley(pieces: Pieces, places: Places) -> tuple[float, Places] | None:
    """Where columns part, and the pieces that cross there; as few as can be.

    Pieces are peeled off from the widest on until a valley appears that has columns on both sides.
    """
    widest = places[np.argsort(pieces.left[places] - pieces.right[places], kind="stable")]
    least = VALLEY * _usual_height(pieces, places)
    for peeled in range(int(_PEELED * len(places)) + 1):
        rest = widest[peeled:]
        parts = _cut_between(rest, pieces.left, pieces.right, least)
        cuts = [(pieces.right[one].max() + pieces.left[other].min()) / 2 for one, other in pairwise(parts)]
        for cut in sorted(cuts, key=lambda cut: -_beside(pieces, rest, cut)):
            crossing = places[(pieces.left[places] < cut) & (pieces.right[places] > cut)]
            if _beside(pieces, np.setdiff1d(places, crossing), cut):
                return float(cut), crossing
    return None


def _beside(pieces: Pieces, places: Places, cut: float) -> float:
    """How high the columns on both sides of a cut run side by side; 0 where one is no column, or they do not."""
    left, right = places[pieces.right[places] <= cut], places[pieces.left[places] >= cut]
    if not len(left) or not len(right):
        return 0.0
    top = max(pieces.top[left].min(), pieces.top[right].min())
    bottom = min(pieces.bottom[left].max(), pieces.bottom[right].max())
    return max(0.0, float(bottom - top))


def _is_table(pieces: Pieces, left: Places, right: Places) -> bool:
    """Whether rows go on across a valley and are no lines of text: then what stands left is no column by itself."""
    fewer, more = sorted((left, right), key=len)
    going_on = [any(_shared(pieces, int(one), int(other)) > _ASIDE for other in more) for one in fewer]
    free = VALLEY * _usual_height(pieces, np.concatenate([left, right]))
    beside = (
        _cut_between(left, pieces.left, pieces.right, free)[-1],
        _cut_between(right, pieces.left, pieces.right, free)[0],
    )
    return bool(np.mean(going_on) >= _GO_ON) and not all(_is_text(pieces, column) for column in beside)


def _is_text(pieces: Pieces, column: Places) -> bool:
    """Whether a column is of running text: lines of several words that fill it."""
    width = pieces.right[column].max() - pieces.left[column].min()
    fills = np.median(pieces.right[column] - pieces.left[column]) > _FILLED * width
    return bool(len(column) > 1 and np.mean(pieces.words[column]) >= _RUNNING and fills)


def _cut_between(places: Places, low: Numbers, high: Numbers, least: float) -> list[Places]:
    """Pieces in groups between which ``least`` pixels are free, from low to high."""
    ordered = places[np.argsort(low[places], kind="stable")]
    reach = np.maximum.accumulate(high[ordered])
    return np.split(ordered, np.flatnonzero(low[ordered][1:] - reach[:-1] > least) + 1)


def _usual_height(pieces: Pieces, places: Places) -> float:
    return float(np.median(pieces.height[places]))

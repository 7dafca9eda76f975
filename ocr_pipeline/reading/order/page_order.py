"""A whole page: words to runs, vertical columns to pieces of their own, pieces to blocks, blocks to lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from ocr_pipeline.data.layout_lmdb import PageRegion, regions_of_words
from ocr_pipeline.page import Quad
from ocr_pipeline.reading.order.lines import OrderedLine, gaps_in, runs, vertical_words
from ocr_pipeline.reading.order.pieces import Pieces, blocks_of, rows_of
from ocr_pipeline.reading.order.words import Places, Words, level

_CELL = float("inf")
_COLUMNS_APART = 2.0  # widths between vertical columns of one group, at most


def order_words(quads: Sequence[Quad], regions: Sequence[PageRegion] = ()) -> list[OrderedLine]:
    """The lines of a page in reading order.

    Args:
        quads: the words' corners, clockwise from top left as their reader sees them, in pixels.
        regions: in reading order, where a layout model saw some; their order comes before that of the corners.
    """
    if not quads:
        return []
    words, _ = level(np.asarray(quads, np.float64))
    ordered: list[OrderedLine] = []
    for places, is_table in _parts(words, quads, regions):
        ordered += _ordered(words, places, is_table, ordered[-1].block + 1 if ordered else 0)
    return ordered


def _parts(words: Words, quads: Sequence[Quad], regions: Sequence[PageRegion]) -> Iterator[tuple[Places, bool]]:
    """The words of each region, and whether it is a table; before it the lines of no region that it stands below."""
    held = np.array(regions_of_words(quads, regions), np.intp)
    inside = [(np.flatnonzero(held == number), region.is_table) for number, region in enumerate(regions)]
    inside = [(places, is_table) for places, is_table in inside if len(places)]
    loose = [np.array(line.places) for line in _ordered(words, np.flatnonzero(held < 0), False, 0)]
    follower = [
        next((number for number, (places, _) in enumerate(inside) if _stands_below(words, places, line)), len(inside))
        for line in loose
    ]
    for number, part in enumerate([*inside, None]):
        before = [line for line, follows in zip(loose, follower, strict=True) if follows == number]
        if before:
            yield np.sort(np.concatenate(before)), False
        if part:
            yield part


def _stands_below(words: Words, region: Places, line: Places) -> bool:
    aside = words.left[region].min() >= words.right[line].max() or words.right[region].max() <= words.left[line].min()
    return bool(not aside and words.top[region].min() > np.median(words.centre[line, 1]))


def _ordered(words: Words, places: Places, is_table: bool, first: int) -> Iterator[OrderedLine]:
    """The lines of these words, whose blocks are counted from ``first`` on; those of a table are its rows."""
    if not len(places):
        return
    vertical = vertical_words(words.of(places))
    lying = places[~vertical]
    lines = [lying[run] for run in runs(words.of(lying))] if len(lying) else []
    columns = list(_vertical_groups(words, places[vertical]))
    pieces, groups = _pieces(words, lines, columns), [[line] for line in lines] + columns
    every = np.arange(len(groups))
    for number, block in enumerate([rows_of(pieces, every)] if is_table else blocks_of(pieces, every), start=first):
        for row in block:
            yield from _lines_of(words, [(groups[place], place >= len(lines)) for place in row], number)


def _lines_of(words: Words, row: list[tuple[list[Places], bool]], block: int) -> Iterator[OrderedLine]:
    """The lines of a row: what lies side by side is one line of cells, each vertical column a line of its own."""
    cells = [group[0] for group, vertical in row if not vertical]
    for group in [group for group, vertical in row if vertical]:
        for column in group:
            yield OrderedLine(column.tolist(), gaps_in(words.standing(), column), block, True)
    if cells:
        gaps = [gap for cell in cells for gap in (_CELL, *gaps_in(words, cell))]
        yield OrderedLine(np.concatenate(cells).tolist(), gaps[1:], block, False)


def _vertical_groups(words: Words, vertical: Places) -> Iterator[list[Places]]:
    """Vertical columns that stand side by side, each group from right to left."""
    if not len(vertical):
        return
    columns = [vertical[run] for run in runs(words.of(vertical).standing())]
    columns.sort(key=lambda column: -float(words.centre[column, 0].mean()))
    group = [columns[0]]
    for before, column in pairwise(columns):
        if _side_by_side(words, column, before):
            group.append(column)
        else:
            yield group
            group = [column]
    yield group


def _side_by_side(words: Words, left: Places, right: Places) -> bool:
    gap = words.left[right].min() - words.right[left].max()
    shared = min(words.bottom[left].max(), words.bottom[right].max()) - max(
        words.top[left].min(), words.top[right].min()
    )
    return bool(gap < _COLUMNS_APART * np.median(words.width[right]) and shared > 0)


def _pieces(words: Words, lines: Sequence[Places], columns: Sequence[Sequence[Places]]) -> Pieces:
    """Boxes around lines and around groups of columns; a line is as high as its usual word, however it slopes."""
    groups = [np.concatenate(group) for group in columns]
    members = [*lines, *groups]
    return Pieces(
        np.array([words.left[own].min() for own in members]),
        np.array([*(np.median(words.top[own]) for own in lines), *(words.top[own].min() for own in groups)]),
        np.array([words.right[own].max() for own in members]),
        np.array([*(np.median(words.bottom[own]) for own in lines), *(words.bottom[own].max() for own in groups)]),
        np.array([len(own) for own in members], np.float64),
    )

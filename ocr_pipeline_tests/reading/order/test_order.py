from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from ocr_pipeline.data.layout_lmdb import PageRegion
from ocr_pipeline.data.synthetic import draw_page
from ocr_pipeline.data.synthetic.faces import package_faces
from ocr_pipeline.reading.order import order_words
from ocr_pipeline_tests.reading.order.made_pages import MADE, Quads, box, prose, shuffled, skewed


def neighbours_kept(quads: Quads, rng: np.random.Generator) -> tuple[int, int]:
    """How many of the pairs that follow each other in the truth do so in the order, and how many there are."""
    places, mixed = zip(*shuffled(quads, rng), strict=True)
    lines = order_words([tuple(map(tuple, quad)) for quad in mixed])
    read = [places[place] for line in lines for place in line.places]
    assert sorted(read) == list(range(len(quads)))
    pairs = set(pairwise(read))
    return sum((one, one + 1) in pairs for one in range(len(quads) - 1)), len(quads) - 1


@pytest.mark.parametrize("degrees", [0, 3, -5, 10, -10])
@pytest.mark.parametrize("kind", MADE)
def test_neighbours_follow_each_other_as_on_the_page(kind, degrees):
    kept, of = 0, 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        some, pairs = neighbours_kept(skewed(MADE[kind](rng), degrees, rng), rng)
        kept, of = kept + some, of + pairs
    assert kept >= 0.99 * of


def test_of_nothing_there_is_no_order():
    assert order_words([]) == []


def test_lines_that_each_have_their_own_slope_are_read_line_by_line():
    """As on a sheet that is seen from the side: no turn of the page makes all of them level."""
    rng, quads = np.random.default_rng(3), []
    for line, degrees in enumerate((-9, -6, -3, 0, 3, 6, 9)):
        row = [box(40 + 110 * column, 0, 90, 24) for column in range(8)]
        quads += [quad + np.array((0, 90 * line)) for quad in skewed(row, degrees, rng, 0)]
    kept, of = neighbours_kept(quads, rng)
    assert kept == of


def test_the_cells_of_a_row_are_one_line_with_borders_between():
    quads = [box(x, y, 60, 20) for y in (0, 50, 100) for x in (0, 200, 270, 500)]
    lines = order_words([tuple(map(tuple, quad)) for quad in quads])
    assert [line.places for line in lines] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert [gap == float("inf") for gap in lines[0].gaps] == [True, False, True]


def test_rows_of_a_table_on_paper_that_curls_stay_rows():
    """The cells of a row lie up to a height above and below each other, those of neighbouring rows two heights."""
    across = np.arange(0, 1000, 200)
    quads = [box(x, 100 + 40 * row + 10 * np.sin(x / 130), 60, 20) for row in range(6) for x in across]
    assert neighbours_kept(quads, np.random.default_rng(0)) == (29, 29)


def test_amounts_that_sank_below_their_goods_are_read_after_them():
    """As on a receipt that curls at its right: each amount hangs half a height lower."""
    quads = []
    for row in range(9):
        good = [box(0, 30 * row, 60, 20), box(70, 30 * row, 30 + 80 * (row % 3), 20)]
        quads += [*good, box(600 - 40 * (row % 2), 30 * row + 11, 80, 20)]
    assert neighbours_kept(quads, np.random.default_rng(0)) == (26, 26)


def test_vertical_columns_are_read_from_right_to_left_and_stacked_letters_are_one_column():
    stacked = [box(300, 40 * row, 34, 34) for row in range(4)]
    lines = order_words([tuple(map(tuple, quad)) for quad in [box(250, 0, 30, 150), *stacked]])
    assert [line.places for line in lines] == [[1, 2, 3, 4], [0]]
    assert all(line.vertical for line in lines)


def test_a_figure_one_stands_in_its_line():
    quads = [box(0, 0, 80, 34), box(100, 2, 14, 32), box(0, 60, 90, 34), box(110, 62, 80, 34)]
    lines = order_words([tuple(map(tuple, quad)) for quad in quads])
    assert [line.places for line in lines] == [[0, 1], [2, 3]]


def test_what_stands_beside_a_line_that_crosses_a_valley_is_of_its_row():
    """A row that is set an inch askew, between a table and text: none of its words goes above or below the others."""
    table = [box(x, y, 60, 24) for y in (0, 50, 100) for x in (0, 300)]
    row = [box(0, 160, 60, 24), box(140, 162, 160, 24), box(320, 161, 40, 24), box(400, 158, 60, 24)]
    quads = [*table, *row, box(0, 220, 60, 24), box(300, 220, 60, 24)]
    lines = order_words([tuple(map(tuple, quad)) for quad in quads])
    assert [place for line in lines for place in line.places] == list(range(len(quads)))


@pytest.mark.parametrize("kind", ["document", "form", "screen"])
def test_drawn_pages_are_read_as_they_were_written(kind):
    kept, of = 0, 0
    for page in (draw_page(99, index, package_faces(), side=256) for index in range(60)):
        if page.kind == kind and len(page.words) > 1:
            some, pairs = neighbours_kept([word.quad for word in page.words], np.random.default_rng(0))
            kept, of = kept + some, of + pairs
    assert of > 100 and kept >= 0.96 * of


def corners(quads: Quads) -> list:
    return [tuple(map(tuple, quad)) for quad in quads]


def test_regions_are_read_in_their_order_and_what_they_do_not_hold_above_the_next_one_below():
    left, right = [box(0, 60 + 40 * row, 200, 24) for row in range(3)], [box(300, 60, 200, 24), box(300, 100, 90, 24)]
    heading, foot = box(0, 0, 500, 30), box(0, 260, 80, 20)
    regions = [PageRegion((290, 50, 510, 130)), PageRegion((-5, 50, 210, 200))]
    lines = order_words(corners([*left, heading, *right, foot]), regions)
    assert [place for line in lines for place in line.places] == [3, 4, 5, 0, 1, 2, 6]
    assert [line.block for line in lines] == [0, 1, 1, 2, 2, 2, 3]
    assert order_words(corners(left), regions) == order_words(corners(left))


def test_a_table_is_read_row_by_row_although_its_columns_look_like_text():
    rng = np.random.default_rng(0)
    quads = [*prose(rng, 0, 0, 400, 8), *prose(rng, 460, 0, 400, 8)]
    (table,) = [PageRegion((-10, -10, 900, 400), is_table=True)]
    by_column, by_row = order_words(corners(quads)), order_words(corners(quads), [table])
    assert len(by_column) == 16 and len(by_row) == 8
    assert all(gap == float("inf") for line in by_row for gap in [max(line.gaps)])
    assert sorted(place for line in by_row for place in line.places) == list(range(len(quads)))


@pytest.mark.parametrize("degrees", [0, 3])
def test_a_region_around_the_whole_page_changes_nothing(degrees):
    rng = np.random.default_rng(1)
    quads = corners(skewed(MADE["two_columns"](rng), degrees, rng))
    assert order_words(quads, [PageRegion((-9999, -9999, 9999, 9999))]) == order_words(quads)

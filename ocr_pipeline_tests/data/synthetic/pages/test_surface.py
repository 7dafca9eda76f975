from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from ocr_pipeline.data.synthetic.faces import package_faces
from ocr_pipeline.data.synthetic.pages.lettering import Hand, quad_of, set_word
from ocr_pipeline.data.synthetic.pages.optics import folded
from ocr_pipeline.data.synthetic.pages.surface import Surface

SANS, SERIF = package_faces()
INK = (10, 10, 10)


def white(width: int = 400, height: int = 120) -> Surface:
    return Surface(np.full((height, width, 3), 255, np.uint8), np.random.default_rng(0))


def stray_ink(surface: Surface, margin: int = 2) -> int:
    """Dark pixels outside of all quads."""
    inside = np.zeros(surface.pixels.shape[:2], np.uint8)
    for word in surface.words:
        cv2.fillPoly(inside, [np.rint(word.quad).astype(np.int32)], 1)
    inside = cv2.dilate(inside, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8))
    return int(((surface.pixels.mean(axis=2) < 128) & (inside == 0)).sum())


@pytest.mark.parametrize(
    "hand",
    [
        Hand(SANS, 30, INK),
        Hand(SERIF, 30, INK, tracking=0.15, space=0.5),
        Hand(SANS, 30, INK, weight=1, width=0.8),
        Hand(SERIF, 30, INK, wander=0.05, space=0.6),
        Hand(SANS, 30, INK, outline=(90, 0, 0)),
    ],
)
def test_a_word_is_the_hull_of_its_ink_and_spaces_part_words(hand):
    surface = white()
    surface.write(["가나다", "5", "Ab,"], hand, 20, 70)
    assert [word.text for word in surface.words] == ["가나다", "5", "Ab,"]
    assert stray_ink(surface) == 0
    for word in surface.words:
        (x0, y0), (x1, y1) = word.quad.min(axis=0).astype(int), word.quad.max(axis=0).astype(int)
        dark = surface.pixels[y0:y1, x0:x1].mean(axis=2) < 225
        assert dark.any(axis=0)[[0, -1]].all()
        assert dark.any(axis=1)[[0, -1]].all()
    ends = [(word.quad[:, 0].min(), word.quad[:, 0].max()) for word in surface.words]
    assert all(left[1] < right[0] for left, right in pairwise(ends))


def test_a_word_that_would_leave_the_line_is_not_written():
    surface = white(100)
    surface.write(["가나", "다라마바사"], Hand(SANS, 30, INK), 5, 70)
    assert [word.text for word in surface.words] == ["가나"]


def test_a_line_becomes_shorter_and_smaller_until_it_fits_its_box():
    surface = white(200, 60)
    assert surface.write_in(["가나다라마바", "사아자", "차카타"], Hand(SANS, 40, INK), (10, 5, 150, 55), "centre")
    assert surface.words
    assert all(word.quad[:, 0].min() >= 8 and word.quad[:, 0].max() <= 152 for word in surface.words)
    assert not surface.write_in(["가나다"], Hand(SANS, 40, INK), (10, 5, 14, 55), "left")


def test_letters_below_each_other_are_one_word():
    surface = white(60, 200)
    surface.write_down(["약국"], Hand(SANS, 30, INK), 10, 5)
    (word,) = surface.words
    assert np.ptp(word.quad[:, 1]) > 1.5 * np.ptp(word.quad[:, 0])
    assert stray_ink(surface) == 0


def test_what_lies_on_another_surface_takes_its_words_along_and_hides_those_below():
    below, board = white(300, 300), white(100, 50)
    below.write(["아래"], Hand(SANS, 24, INK), 110, 150)
    below.write(["옆"], Hand(SANS, 24, INK), 10, 40)
    board.write(["위"], Hand(SANS, 40, INK), 25, 42)
    below.lay(board, np.array([(100, 90), (250, 110), (240, 200), (95, 190)], float))
    assert [word.text for word in below.words] == ["옆", "위"]
    assert stray_ink(below) == 0


def test_quads_follow_a_folded_sheet():
    for seed in range(6):
        sheet = Surface(np.full((400, 500, 3), 255, np.uint8), np.random.default_rng(seed))
        for y in range(40, 390, 50):
            sheet.write(["가나다라", "마바사", "아자"], Hand(SANS, 26, (0, 0, 0)), 30, y)
        folded(sheet, np.random.default_rng(seed))
        assert stray_ink(sheet, margin=4) < 40


def test_text_without_ink_is_refused():
    with pytest.raises(ValueError, match="no ink"):
        set_word(" ", Hand(SANS, 20, INK), np.random.default_rng(0))


def test_corners_of_a_box_run_clockwise():
    assert quad_of(1, 2, 5, 4).tolist() == [[1, 2], [5, 2], [5, 4], [1, 4]]

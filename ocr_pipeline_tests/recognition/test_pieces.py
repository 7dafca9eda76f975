"""Wide crops in pieces: where they are cut, and what becomes of what is read in them."""

import math

import numpy as np
import pytest

from ocr_pipeline.data.synthetic.crops import plain_crop
from ocr_pipeline.data.synthetic.faces import package_faces
from ocr_pipeline.evaluation import recognition_scores
from ocr_pipeline.recognition import load_recognizer
from ocr_pipeline.recognition.interface import Reading
from ocr_pipeline.recognition.pieces import joined, pieces_of, read_in_pieces


def drawn(text):
    return plain_crop(text, package_faces()[0], np.random.default_rng(0))


def test_a_crop_that_is_not_too_wide_stays_as_it_is():
    crop = drawn("가나")
    assert pieces_of(crop, 5.0) == ([crop], []) and pieces_of(drawn("가나다라마바사아"), math.inf).between == []


def test_a_wide_one_is_cut_beside_its_letters_and_nothing_is_lost():
    crop = drawn("안전확인대상생활화학제품")
    pieces, between = pieces_of(crop, 5.0)
    assert len(pieces) == len(between) + 1 >= 3 and between == [""] * len(between)
    assert np.array_equal(np.concatenate(pieces, axis=1), crop)
    assert all((piece[:, 0] > 250).all() for piece in pieces[1:])


def test_small_print_is_cut_when_it_is_twice_as_wide():
    small = np.full((12, 100, 3), 200, np.uint8)
    assert len(pieces_of(small, 5.0).pictures) == 1 < len(pieces_of(np.tile(small, (1, 2, 1)), 5.0).pictures)


def test_a_wide_gap_is_a_space():
    assert " " in pieces_of(drawn("가나다   라마바   사아자   차카타"), 5.0).between


@pytest.mark.parametrize("shape", [(1, 40, 3), (2, 9, 3), (3, 1000, 3), (40, 201, 3)])
def test_pictures_of_any_shape_are_cut_in_order(shape):
    pieces, between = pieces_of(np.full(shape, 200, np.uint8), 5.0)
    assert sum(piece.shape[1] for piece in pieces) == shape[1] and min(piece.shape[1] for piece in pieces) > 0
    assert len(pieces) == len(between) + 1


def test_readings_are_joined_and_weighed_by_their_letters():
    text, sure = joined([Reading("가나", 0.9), Reading("", 0.5), Reading("다", 0.4)], [" ", ""])
    assert text == "가나 다" and sure == pytest.approx((0.9**3 * 0.5 * 0.4**2) ** (1 / 6))


def test_pieces_are_read_no_more_at_once_than_there_were_crops():
    sizes = []

    def read(crops, batch):
        sizes.append((len(crops), batch))
        return [Reading("가", 1.0)] * len(crops)

    short, long = read_in_pieces(read, [drawn("가"), drawn("가나다라마바사아자차")], 5.0)
    assert short.text == "가" and set(long.text) == {"가"} and len(long.text) > 1
    assert sizes[0][0] > sizes[0][1] == 2


def test_the_shipped_recognizer_reads_long_words_and_lines():
    texts = ["안전확인대상생활화학제품", "서울특별시 종로구 세종대로", "개인정보수집이용동의서"]
    readings = load_recognizer("korean_words").read_crops([drawn(text) for text in texts])
    assert recognition_scores(texts, [text for text, _ in readings]).cer_no_spaces < 0.1

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ocr_pipeline.annotations.crops import JPEG_QUALITY, Sample, crop_page, upright_box
from ocr_pipeline.page import Page, Word
from ocr_pipeline.storage.quarantine import Quarantined

from ..trees import picture, pixels


def quad(left, top, right, bottom):
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def crop(*words: Word, data: bytes | None = None) -> list:
    page = Page("handwriting", "train", "a.b.png", 60, 40, "TL/a.b.json", words)
    return list(crop_page(page, "TS/x", lambda: picture() if data is None else data))


def jpeg(pixels_: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", pixels_, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()


@pytest.mark.parametrize("extension", [".png", ".jpg"])
def test_a_crop_is_the_slice_of_the_decoded_page(extension):
    data = picture(extension)
    page = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    ((sample, crop_bytes),) = crop(Word(3, "가", quad(5, 6, 25, 17)), data=data)
    assert crop_bytes == jpeg(page[6:17, 5:25])
    assert sample == Sample("TS/x/a.b_000003.jpg", "가", "TL/a.b.json", 3, "a.b.png", (5, 6, 25, 17), len(crop_bytes))


def test_a_rotated_word_is_cut_out_upright_with_all_its_corners():
    ((sample, crop_bytes),) = crop(Word(0, "가", ((20, 5), (40.5, 9), (38, 20.2), (17.5, 16))))
    assert sample.box == (17, 5, 41, 21)
    assert crop_bytes == jpeg(pixels()[5:21, 17:41])


@pytest.mark.parametrize(
    ("box", "clipped"),
    [
        ((-4, 6, 25, 17), (0, 6, 25, 17)),
        ((5, -9, 25, 17), (5, 0, 25, 17)),
        ((50, 30, 80, 90), (50, 30, 60, 40)),
        ((-5, -5, 500, 500), (0, 0, 60, 40)),
        ((0, 0, 1, 1), (0, 0, 1, 1)),
    ],
)
def test_boxes_are_clipped_to_the_picture(box, clipped):
    left, top, right, bottom = clipped
    ((sample, crop_bytes),) = crop(Word(0, "가", quad(*box)))
    assert sample.box == clipped
    assert crop_bytes == jpeg(pixels()[top:bottom, left:right])


@pytest.mark.parametrize(
    "box", [(60, 0, 70, 10), (0, 40, 10, 50), (-20, 0, 0, 10), (-20, -20, -1, -1), (500, 500, 510, 510)]
)
def test_words_outside_are_set_aside(box):
    (aside,) = crop(Word(7, "가", quad(*box)))
    assert (aside.unit, aside.reason, aside.word) == ("word", "word_outside", 7)
    assert "60x40" in aside.detail


def test_words_without_legible_text_give_no_crop():
    kept, aside = crop(Word(0, "가", quad(5, 6, 25, 17)), Word(1, "xxx", quad(5, 6, 25, 17), "ignore"))
    assert kept[0].word == 0
    assert (aside.reason, aside.word) == ("word_ignored", 1)


def test_blanks_around_a_label_go_and_blanks_within_stay():
    ((sample, _),) = crop(Word(0, " 제 목 ", quad(5, 6, 25, 17)))
    assert sample.text == "제 목"


@pytest.mark.parametrize("data", [picture()[:-30], picture(".jpg")[:200], b"", b"\x00\x05\x16\x07Mac OS X"])
def test_half_a_picture_takes_its_words_along(data):
    (aside,) = crop(Word(0, "가", quad(5, 6, 25, 17)), Word(1, "나", quad(5, 6, 25, 17)), data=data)
    assert isinstance(aside, Quarantined)
    assert (aside.unit, aside.reason, aside.words, aside.image) == ("page", "image_unreadable", 2, "a.b.png")
    assert aside.detail


def test_a_picture_that_is_gone_takes_its_words_along():
    page = Page("handwriting", "train", "a.png", 60, 40, "a.json", (Word(0, "가", quad(5, 6, 25, 17)),))

    def gone() -> bytes:
        raise FileNotFoundError("a.png")

    (aside,) = crop_page(page, "", gone)
    assert (aside.reason, aside.words) == ("image_unreadable", 1)


def test_the_page_need_not_be_as_large_as_its_label_says():
    page = Page("handwriting", "train", "a.png", 6000, 4000, "a.json", (Word(0, "가", quad(50, 30, 80, 90)),))
    ((sample, _),) = crop_page(page, "", picture)
    assert (sample.name, sample.box) == ("a_000000.jpg", (50, 30, 60, 40))


def test_whole_pixels_around_broken_coordinates():
    assert upright_box(quad(1.2, 2.0, 3.0, 4.9), 60, 40) == (1, 2, 3, 5)

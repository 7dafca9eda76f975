from __future__ import annotations

import numpy as np
import pytest

from ocr_pipeline.data.synthetic import draw_word, font_path, render_word
from ocr_pipeline.data.synthetic.writing import make_ink

STYLES = ("print", "handwriting", "scene")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("text", ["대한민국", "1,000,000원", "(~ㅇㅂㅇ)~", "郎", "i"])
def test_crop_holds_ink(style, text):
    crop = render_word(text, font="serif", height=28, rng=np.random.default_rng(1), style=style)
    assert crop.dtype == np.uint8
    assert crop.ndim == 3 and crop.shape[2] == 3
    assert np.ptp(crop.astype(int).sum(axis=2)) > 100


@pytest.mark.parametrize("style", STYLES)
def test_height_is_that_of_a_letter(style):
    heights = [
        make_ink("강남", font="sans", height=32, rng=np.random.default_rng(k), style=style).cover.shape[0]
        for k in range(20)
    ]
    assert 0.8 * 32 < np.mean(heights) < 1.25 * 32


@pytest.mark.parametrize("style", STYLES)
def test_state_of_the_generator_decides_all(style):
    same = [render_word("부산", font="sans", height=24, rng=np.random.default_rng(5), style=style) for _ in range(2)]
    other = render_word("부산", font="sans", height=24, rng=np.random.default_rng(6), style=style)
    assert np.array_equal(*same)
    assert not np.array_equal(same[0], other)


@pytest.mark.parametrize("style", STYLES)
def test_box_is_tight(style):
    for seed in range(10):
        page = np.full((120, 400, 3), 255, np.uint8)
        rng = np.random.default_rng(seed)
        x0, y0, x1, y1 = draw_word(page, "서울특별시", (30, 20), font="serif", height=30, rng=rng, style=style)
        rows, columns = np.nonzero((page < 235).any(axis=2))
        assert (x0, y0) == (30, 20)
        assert 0 <= columns.min() - x0 <= 1 and 0 <= x1 - 1 - columns.max() <= 1
        assert 0 <= rows.min() - y0 <= 1 and 0 <= y1 - 1 - rows.max() <= 1


def test_word_may_leave_the_page():
    page = np.full((20, 20, 3), 255, np.uint8)
    box = draw_word(page, "대구", (-15, 8), font="sans", height=24, rng=np.random.default_rng(0))
    assert box[0] == -15 and box[3] > 20
    assert (page < 128).any()


@pytest.mark.parametrize("style", STYLES)
def test_letters_lie_in_the_word_from_left_to_right(style):
    ink = make_ink("가나다라", font="sans", height=30, rng=np.random.default_rng(2), style=style)
    rows, columns = ink.cover.shape
    assert len(ink.letters) == 4
    assert [box[0] for box in ink.letters] == sorted(box[0] for box in ink.letters)
    assert all(0 <= a < c <= columns and 0 <= b < d <= rows for a, b, c, d in ink.letters)


def test_unusable_requests_fail():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="no ink"):
        render_word(" ", font="sans", height=24, rng=rng)
    with pytest.raises(ValueError, match="style"):
        render_word("가", font="sans", height=24, rng=rng, style="brush")  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        font_path("gothic")

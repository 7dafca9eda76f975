from __future__ import annotations

import cv2
import numpy as np
import pytest
from msgspec import structs

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.config import Augmentation, config_from
from ocr_pipeline.fast.maps.augmentation import random_crop

PLAIN = Augmentation(
    scale=(1, 1), aspect=(1, 1), rotation=0, flip=0, blur=0, brightness=0, contrast=0, saturation=0, hue=0
)


def page() -> tuple[np.ndarray, list[np.ndarray]]:
    """A grey page with one red and one blue word."""
    picture = np.full((120, 160, 3), 200, np.uint8)
    boxes = [(20, 30, 60, 50), (90, 70, 140, 90)]
    for (x0, y0, x1, y1), colour in zip(boxes, ((200, 0, 0), (0, 0, 200)), strict=True):
        picture[y0:y1, x0:x1] = colour
    return picture, [np.array([(a, b), (c, b), (c, d), (a, d)], float) for a, b, c, d in boxes]


def crop(seed: int, settings: Augmentation, size: int = 96, ignored=(False, False), short_size: int = 120):
    picture, polygons = page()
    return random_crop(picture, polygons, ignored, size, short_size, settings, np.random.default_rng(seed))


def test_without_any_change_a_crop_is_a_part_of_the_page():
    picture, polygons = page()
    for seed in range(5):
        result = crop(seed, PLAIN)
        x, y = (polygons[0] - result.polygons[0])[0].astype(int)
        np.testing.assert_array_equal(result.picture, picture[y : y + 96, x : x + 96])
        np.testing.assert_allclose(result.page[0], (-x, -y))


@pytest.mark.parametrize("perspective", [0.0, 0.15])
@pytest.mark.parametrize("seed", range(12))
def test_polygons_go_where_the_words_go(seed, perspective):
    settings = Augmentation(perspective=perspective, blur=0, brightness=0, contrast=0, saturation=0, hue=0)
    result = crop(seed, settings)
    for polygon, channel in zip(result.polygons, (0, 2), strict=True):
        x, y = polygon.mean(axis=0).round().astype(int)
        if 0 <= x < 96 and 0 <= y < 96:
            other = 2 - channel
            assert result.picture[y, x, channel] > 150 > 60 > result.picture[y, x, other]


def test_a_crop_holds_a_whole_word_and_cuts_none_where_possible():
    for seed in range(20):
        result = crop(seed, PLAIN, size=64)
        inside = [bool(((word >= 0) & (word <= 64)).all()) for word in result.polygons]
        outside = [bool((word.max(0) <= 0).any() or (word.min(0) >= 64).any()) for word in result.polygons]
        assert any(inside)
        assert all(a or b for a, b in zip(inside, outside, strict=True))


def test_a_page_smaller_than_the_crop_is_padded_with_black():
    result = crop(0, PLAIN, size=224)
    assert result.picture[:120, :160].any() and not result.picture[120:].any() and not result.picture[:, 160:].any()
    np.testing.assert_allclose(result.page, [(0, 0), (160, 0), (160, 120), (0, 120)])


def test_a_page_without_words_to_learn_gives_a_crop_too():
    assert crop(3, PLAIN, ignored=(True, True)).picture.shape == (96, 96, 3)


def test_the_random_generator_alone_decides():
    settings = Augmentation()
    first, again, other = crop(1, settings), crop(1, settings), crop(2, settings)
    np.testing.assert_array_equal(first.picture, again.picture)
    assert not np.array_equal(first.picture, other.picture)


def test_mirroring_turns_left_to_right():
    settings = Augmentation(
        scale=(1, 1), aspect=(1, 1), rotation=0, flip=1, blur=0, brightness=0, contrast=0, saturation=0, hue=0
    )
    result = crop(0, settings, size=160)
    np.testing.assert_allclose(result.polygons[0][0], (160 - 20, 30))
    assert tuple(result.picture[40, 120]) == (200, 0, 0)


def test_shadow_and_compression_change_pixels_and_leave_polygons():
    plain = crop(3, PLAIN)
    shadowed, compressed = (crop(3, structs.replace(PLAIN, **{name: 1.0})) for name in ("shadow", "jpeg"))
    for result in (shadowed, compressed):
        assert result.picture.shape == plain.picture.shape and result.picture.dtype == np.uint8
        assert all(np.array_equal(a, b) for a, b in zip(result.polygons, plain.polygons, strict=True))
    assert (shadowed.picture <= plain.picture).all()
    share = (shadowed.picture < plain.picture).any(axis=2).mean()
    assert 0.02 < share < 0.98
    difference = np.abs(compressed.picture.astype(int) - plain.picture)
    assert 0 < difference.mean() < 12


@pytest.mark.parametrize("seed", range(8))
def test_perspective_moves_each_corner_of_a_word_with_its_pixels(seed):
    result = crop(seed, structs.replace(PLAIN, perspective=0.2), size=224)
    for polygon, channel in zip(result.polygons, (0, 2), strict=True):
        drawn = np.zeros((224, 224), np.uint8)
        cv2.fillPoly(drawn, [np.rint(polygon).astype(np.int32)], 1)
        coloured = result.picture[..., channel] > 100 + result.picture[..., 2 - channel].astype(int)
        overlap = (coloured & (drawn > 0)).sum() / (coloured | (drawn > 0)).sum()
        assert not coloured.any() or overlap > 0.85
    lengths = np.hypot(*(np.roll(result.page, -1, axis=0) - result.page).T)
    assert abs(lengths[0] - lengths[2]) > 1  # opposite sides differ: no affine map does that


def test_perspective_that_could_fold_the_page_is_refused():
    with pytest.raises(PipelineError, match="perspective"):
        config_from({"augmentation": {"perspective": 0.3}}, "")


def test_what_the_published_recipe_does_not_know_is_off_by_default():
    assert (Augmentation().shadow, Augmentation().jpeg, Augmentation().perspective) == (0, 0, 0)


def test_a_strip_is_learnt_in_the_size_in_which_it_is_found():
    """Its long side has an end in a training as in use, or a word would be learnt eight times as large."""
    strip = np.full((60, 3000, 3), 255, np.uint8)
    word = np.array([(100, 10), (160, 10), (160, 50), (100, 50)], float)
    result = random_crop(strip, [word], [False], 96, 640, PLAIN, np.random.default_rng(0))
    width = result.polygons[0][1, 0] - result.polygons[0][0, 0]
    assert width == pytest.approx(60 * 4096 / 3000)

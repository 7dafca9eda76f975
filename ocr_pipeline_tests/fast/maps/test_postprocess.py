from __future__ import annotations

import numpy as np
import pytest

from ocr_pipeline.fast.maps.postprocess import BoxRules, find_boxes
from ocr_pipeline_tests.fast.conftest import load_arrays, load_json


@pytest.mark.parametrize("bbox_type", ["rect", "poly"])
@pytest.mark.parametrize("pooling_size", [5, 7, 9, 11, 15])
def test_boxes_are_those_of_the_reference(pooling_size, bbox_type):
    logits = load_arrays("postprocess.npz")["logits"]
    expected = load_json("boxes.json")[f"p{pooling_size}_{bbox_type}"]
    found = find_boxes(logits, (1080, 1920), BoxRules(pooling_size, 0.85, 250, bbox_type))
    assert [box.polygon.ravel().tolist() for box in found] == expected["bboxes"]
    assert [box.score for box in found] == pytest.approx(expected["scores"], abs=1e-6)


def test_no_kernel_no_box():
    assert find_boxes(np.full((8, 8), -5, np.float32), (32, 32), BoxRules()) == []


def test_a_map_full_of_text_is_one_box():
    (box,) = find_boxes(np.full((8, 8), 5, np.float32), (32, 32), BoxRules(min_area=1))
    assert box.polygon.min() >= -1 and box.polygon.max() >= 30


def test_small_and_faint_words_are_dropped():
    logits = np.full((16, 16), -8, np.float32)
    logits[4:8, 4:12] = 1
    assert len(find_boxes(logits, (64, 64), BoxRules(9, 0.5, 100))) == 1
    assert find_boxes(logits, (64, 64), BoxRules(9, 0.5, 10_000)) == []
    assert find_boxes(logits, (64, 64), BoxRules(9, 0.95, 100)) == []


def test_a_single_pixel_is_a_box_without_a_fault():
    logits = np.full((16, 16), -8, np.float32)
    logits[5, 5] = 4
    for bbox_type in ("rect", "poly"):
        assert len(find_boxes(logits, (64, 64), BoxRules(9, 0.0, 0, bbox_type))) == 1


def test_a_higher_kernel_logit_parts_words_that_a_weak_bridge_joins():
    logits = np.full((32, 64), -5, np.float32)
    logits[10:16, 8:24] = logits[10:16, 30:50] = 6
    logits[10:16, 24:30] = 1
    size = (128, 256)
    assert len(find_boxes(logits, size, BoxRules(7, 0.5, 60))) == 1
    apart = find_boxes(logits, size, BoxRules(7, 0.5, 60, kernel_logit=2.0))
    assert len(apart) == 2
    assert apart[0].polygon[:, 0].max() < apart[1].polygon[:, 0].min()


@pytest.mark.parametrize("bbox_type", ["rect", "poly"])
def test_boxes_grow_by_a_share_of_their_height_and_keep_their_scores(bbox_type):
    logits = np.full((32, 64), -5, np.float32)
    logits[10:16, 8:50] = 6
    size, rules = (128, 256), BoxRules(7, 0.5, 60, bbox_type)
    (plain,) = find_boxes(logits, size, rules)
    (grown,) = find_boxes(logits, size, rules._replace(box_growth=0.5))
    low, high = plain.polygon.min(axis=0), plain.polygon.max(axis=0)
    wide, tall = high - low
    more = 0.5 * wide * tall / (2 * (wide + tall))
    assert low - grown.polygon.min(axis=0) == pytest.approx([more, more], abs=1.5)
    assert grown.polygon.max(axis=0) - high == pytest.approx([more, more], abs=1.5)
    assert grown.score == plain.score
